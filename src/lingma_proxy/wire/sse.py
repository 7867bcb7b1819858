r"""Server-sent events, both ways (WHATWG HTML, section 9.2).

Bytes in: a line ends at LF, CR or CRLF and nowhere else, so JSON that carries U+2028
or U+0085 stays whole, and a character that two reads share is decoded once it is
complete.  The decoder accepts what servers really send: `data:` with or without the
blank, comments, a byte-order mark, an event that the end of the stream cuts off.
"""

import re
from collections.abc import Sequence

import msgspec

from lingma_proxy.errors import ProtocolError

END_OF_LINE = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A CR at the very end may yet turn out to be half of a CRLF, so it waits."""

BOM = b"\xef\xbb\xbf"
MAX_LINE = 32 * 1024 * 1024
"""Far above what a tool call may write in one go; a limit only against the absurd."""


class ServerSentEvent(msgspec.Struct, frozen=True):
    """One event.  A Struct, for one is made per token, and a dataclass takes five times as long."""

    data: bytes
    event: str = ""
    """The type; "" is `message`."""


class SseDecoder:
    """Fed bytes, cut anywhere; returns the events that are complete."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self.max_line = max_line
        self.comments = 0
        """How many comment lines have gone by: a vendor's signs of life."""
        self._begun = False
        self._pieces: list[bytes] = []
        """The line that is not complete yet."""
        self._data: list[bytes] = []
        """The data of the event that is not complete yet."""
        self._event = ""
        self._waiting = 0
        """The length of both."""
        self._half = False
        """Whether the last piece ends in a CR."""

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Raises ProtocolError when an event that is not complete grows beyond `max_line`."""
        if not self._begun:
            chunk = self._without_mark(chunk)
        if b"\n" not in chunk and b"\r" not in chunk and not self._half:
            # A long line in many pieces: join them once, not at each piece.
            self._wait(chunk)
            return []
        if self._pieces:
            chunk = self._taken(chunk)
        *lines, rest = END_OF_LINE.split(chunk) if b"\r" in chunk else chunk.split(b"\n")
        events = self._events(lines)
        self._half = rest.endswith(b"\r")
        self._wait(rest)
        return events

    def end(self) -> list[ServerSentEvent]:
        """The stream is over.  An event without its blank line counts if it has data.

        WHATWG would drop it; vendors that forget the last blank line exist.
        """
        return self._events([self._taken(b"").removesuffix(b"\r"), b""])

    def _wait(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._waiting += len(piece)
        if self._waiting > self.max_line:
            raise ProtocolError(f"an event of the stream passes {self.max_line} bytes")

    def _taken(self, piece: bytes) -> bytes:
        """What waits and the piece after it, as one."""
        whole = b"".join((*self._pieces, piece))
        self._waiting -= len(whole) - len(piece)
        self._pieces.clear()
        return whole

    def _without_mark(self, chunk: bytes) -> bytes:
        chunk = self._taken(chunk)
        self._begun = len(chunk) >= len(BOM) or not BOM.startswith(chunk)
        return chunk.removeprefix(BOM)

    def _events(self, lines: Sequence[bytes]) -> list[ServerSentEvent]:
        events = []
        for line in lines:
            if line.startswith(b"data:"):
                self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
                self._waiting += len(line)
            elif line:
                self._field(line)
            else:
                if self._data:
                    events.append(ServerSentEvent(b"\n".join(self._data), self._event))
                    self._data.clear()
                self._event = ""
                self._waiting = 0
        return events

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        match name:
            case b"":
                self.comments += 1
            case b"event":
                self._event = value.removeprefix(b" ").decode("utf-8", "replace")
            case b"data":
                self._data.append(b"")
                self._waiting += len(line)
            case _:
                pass  # id, retry, and what may come: of no use here


def encode(data: bytes, event: str = "") -> bytes:
    """One event.  `data` must hold no line ends (JSON has none)."""
    if event:
        return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
    return b"data: %b\n\n" % data


def comment(text: str) -> bytes:
    """A line that clients skip: a sign of life."""
    return b": %b\n\n" % text.encode()
