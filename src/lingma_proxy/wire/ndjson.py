r"""Newline-delimited JSON, both ways: one message a line, as ACP agents speak over their pipes.

A line ends at LF and nowhere else, so JSON that carries U+2028 stays whole; a CR before it
belongs to the line's end (Windows).  Blank lines are nothing.
"""

from lingma_proxy.errors import ProtocolError

MAX_LINE = 64 * 2**20
"""Bytes of a message; the same as where a length is said before it."""
BLANKS = b" \t\r"


class NdjsonDecoder:
    """Fed bytes, cut anywhere; returns the lines that are complete, without their ends."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self.max_line = max_line
        self._failure: ProtocolError | None = None
        self._pieces: list[bytes] = []
        """The line that is not complete yet."""
        self._waiting = 0
        """Its length."""

    def feed(self, chunk: bytes) -> list[bytes]:
        """Raises ProtocolError for a line that passes `max_line`.

        Lines that were complete before it are returned first: then it is raised by the next
        call, and by each one after it.
        """
        lines: list[bytes] = []
        try:
            if self._failure is None:
                self._read(chunk, lines)
        except ProtocolError as failure:
            self._failure = failure
        if self._failure is not None and not lines:
            raise self._failure
        return lines

    def end(self) -> list[bytes]:
        """No more will come.  The last line counts without its end, too.

        If it is cut off, it is no JSON, and whoever reads it will see that.
        """
        return self.feed(b"\n") if self._waiting or self._failure else []

    def _read(self, chunk: bytes, lines: list[bytes]) -> None:
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            self._wait(line)
            if whole := b"".join(self._pieces).strip(BLANKS):
                lines.append(whole)
            self._pieces.clear()
            self._waiting = 0
        self._wait(rest)

    def _wait(self, piece: bytes) -> None:
        # Joined once, when the line is complete, not at each piece.
        if piece:
            self._pieces.append(piece)
        self._waiting += len(piece)
        if self._waiting > self.max_line:
            raise ProtocolError(f"A line of the other side passes {self.max_line} bytes.")


def encode(body: bytes) -> bytes:
    """One line.  `body` must hold no line ends (JSON has none)."""
    return body + b"\n"


UNICODE_LINE_ENDS = {
    "\u0085".encode(): b"\\u0085",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}
"""As UTF-8, and as JSON can spell them instead.  JSON spells out the others (U+000B, …) anyway."""


def unbroken(body: bytes) -> bytes:
    """The same JSON for readers that end a line where Unicode does.

    `str.splitlines` is such a reader, and with it httpx, and with that Ollama's client.
    """
    for character, spelled in UNICODE_LINE_ENDS.items():
        if character in body:
            body = body.replace(character, spelled)
    return body
