r"""Server-sent events, both ways (WHATWG HTML, section 9.2).

Bytes in: a line ends at LF, CR or CRLF and nowhere else, so JSON that carries U+2028
or U+0085 stays whole, and a character that two reads share is decoded once it is
complete.  The decoder accepts what servers really send: `data:` with or without the
blank, comments, a byte-order mark, an event that the end of the stream cuts off.
"""

import re
from dataclasses import dataclass

from lingma_proxy.errors import ProtocolError

END_OF_LINE = re.compile(rb"\r\n|\n|\r(?!\Z)")
"""A CR at the very end may yet turn out to be half of a CRLF, so it waits."""

BOM = b"\xef\xbb\xbf"
MAX_LINE = 32 * 1024 * 1024
"""Far above what a tool call may write in one go; a limit only against the absurd."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    data: bytes
    event: str = ""
    """The type; "" is `message`."""


class SseDecoder:
    """Fed bytes, cut anywhere; returns the events that are complete."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self.max_line = max_line
        self.comments = 0
        """How many comment lines have gone by: a vendor's signs of life."""
        self._buffer = b""
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._data: list[bytes] = []
        self._event = ""
        self._begun = False

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Raises ProtocolError when a line grows beyond `max_line`."""
        if not self._begun and chunk:
            chunk = self._without_mark(chunk)
        if b"\n" not in chunk and b"\r" not in chunk and not self._buffer.endswith(b"\r"):
            # A long line in many pieces: join them once, not at each piece.
            self._pieces.append(chunk)
            self._waiting += len(chunk)
            self._check(len(self._buffer) + self._waiting)
            return []
        text = b"".join((self._buffer, *self._pieces, chunk))
        self._pieces.clear()
        self._waiting = 0
        *lines, self._buffer = END_OF_LINE.split(text)
        self._check(len(self._buffer))
        return [event for line in lines if (event := self._line(line)) is not None]

    def end(self) -> list[ServerSentEvent]:
        """The stream is over.  An event without its blank line counts if it has data.

        WHATWG would drop it; vendors that forget the last blank line exist.
        """
        rest = b"".join((self._buffer, *self._pieces))
        self._buffer = b""
        self._pieces.clear()
        self._waiting = 0
        events = [self._line(rest.removesuffix(b"\r")), self._line(b"")]
        return [event for event in events if event is not None]

    def _check(self, length: int) -> None:
        if length > self.max_line:
            raise ProtocolError(f"a line of the event stream passes {self.max_line} bytes")

    def _without_mark(self, chunk: bytes) -> bytes:
        chunk = b"".join((*self._pieces, chunk))
        self._pieces.clear()
        self._waiting = 0
        if len(chunk) < len(BOM) and BOM.startswith(chunk):
            self._pieces.append(chunk)
            self._waiting = len(chunk)
            return b""
        self._begun = True
        return chunk.removeprefix(BOM)

    def _line(self, line: bytes) -> ServerSentEvent | None:
        if not line:
            if not self._data:
                self._event = ""
                return None
            event = ServerSentEvent(b"\n".join(self._data), self._event)
            self._data = []
            self._event = ""
            return event
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            return None
        name, _, value = line.partition(b":")
        match name:
            case b"":
                self.comments += 1
            case b"event":
                self._event = value.removeprefix(b" ").decode("utf-8", "replace")
            case b"data":
                self._data.append(b"")
            case _:
                pass  # id, retry, and what may come: of no use here
        return None


def encode(data: bytes, event: str = "") -> bytes:
    """One event.  `data` must hold no line ends (JSON has none)."""
    if event:
        return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
    return b"data: %b\n\n" % data


def comment(text: str) -> bytes:
    """A line that clients skip: a sign of life."""
    return b": %b\n\n" % text.encode()
