r"""Content-Length framing, both ways: what the Language Server Protocol puts before each message.

    Content-Length: 38\r\n
    \r\n
    {"jsonrpc":"2.0","id":7,"result":null}

The plugin speaks it on every transport (ipc.md, C.2).  The length counts bytes; a header's
name may be spelled in any case; other headers are of no concern.
"""

import re

from lingma_proxy.errors import ProtocolError

MAX_FRAME = 64 * 2**20
"""Bytes of a message.  A prompt with a few large pictures has twenty million; others who speak
with the plugin stop at this size, too (ipc.md, C.2)."""
MAX_HEADER = 16 * 1024
"""Bytes before a message; a header has two short lines."""

END_OF_HEADER = b"\r\n\r\n"
LENGTH = b"content-length"
DIGITS = re.compile(rb"[0-9]+")
BEGINNING = re.compile(rb"[A-Za-z\r]")
"""What a header may begin with: a name, or the blank line of somebody generous."""


class LspDecoder:
    """Fed bytes, cut anywhere; returns the messages that are complete."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self.max_frame = max_frame
        self._failure: ProtocolError | None = None
        self._header = b""
        """Of the header, while it is not complete."""
        self._missing: int | None = None
        """Bytes of the message that have not come yet; None before its header is complete."""
        self._pieces: list[bytes] = []
        """Of the message, while it is not complete."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Raises ProtocolError for what is no frame.

        Messages that were complete before it are returned first: then it is raised by the
        next call, and by each one after it.
        """
        bodies: list[bytes] = []
        try:
            if self._failure is None:
                self._read(chunk, bodies)
        except ProtocolError as failure:
            self._failure = failure
        if self._failure is not None and not bodies:
            raise self._failure
        return bodies

    def end(self) -> None:
        """No more will come.  Raises ProtocolError if that cuts a message off."""
        if self._failure is not None:
            raise self._failure
        if self._missing is not None:
            raise ProtocolError(
                f"The other side went away in the middle of a message: {self._missing} bytes "
                "of it are missing."
            )
        if self._header:
            raise ProtocolError("The other side went away in the middle of a header.")

    def _read(self, chunk: bytes, bodies: list[bytes]) -> None:
        seen = len(self._header)
        if seen:
            chunk = self._header + chunk  # short, as MAX_HEADER says
            self._header = b""
        at = 0
        while at < len(chunk):
            if self._missing is None:
                end = chunk.find(END_OF_HEADER, max(at, seen - 3), at + MAX_HEADER)
                seen = 0
                if end < 0:
                    self._header = _begun(chunk[at : at + MAX_HEADER])
                    return
                self._missing = self._length(_begun(chunk[at:end]))
                at = end + len(END_OF_HEADER)
            piece = chunk[at : at + self._missing]
            at += len(piece)
            self._missing -= len(piece)
            self._pieces.append(piece)
            if not self._missing:
                bodies.append(b"".join(self._pieces))
                self._pieces.clear()
                self._missing = None

    def _length(self, header: bytes) -> int:
        """What the header says.  Raises ProtocolError when that is nothing, or nonsense."""
        lines = (line.partition(b":") for line in header.split(b"\r\n"))
        said = {value.strip() for name, _, value in lines if name.strip().lower() == LENGTH}
        if not said:
            raise ProtocolError("A message came without Content-Length.")
        if len(said) > 1:
            raise ProtocolError("A message came with several lengths that contradict each other.")
        value = said.pop()
        if not DIGITS.fullmatch(value):
            raise ProtocolError("A message came with a Content-Length that is no number.")
        value = value.lstrip(b"0") or b"0"
        # Thousands of digits are not even read.
        if len(value) > 20 or int(value) > self.max_frame:
            raise ProtocolError(f"A message passes {self.max_frame} bytes.")
        return int(value)


def _begun(header: bytes) -> bytes:
    """The beginning of a header.  Raises ProtocolError when it cannot become one.

    A bare JSON message would otherwise be waited on until somebody's patience ends.
    """
    if header and not BEGINNING.match(header):
        raise ProtocolError("A message came without a header: the other side speaks another way.")
    if len(header) >= MAX_HEADER:
        raise ProtocolError(f"The header of a message passes {MAX_HEADER} bytes.")
    return header


def encode(body: bytes) -> bytes:
    """One frame."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
