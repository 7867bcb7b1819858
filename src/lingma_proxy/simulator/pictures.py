"""The size of a picture, read from its first bytes: PNG, JPEG, GIF and WebP."""

from dataclasses import dataclass

FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The JPEG markers that begin a frame, and so hold its size."""


@dataclass(frozen=True, slots=True)
class Picture:
    kind: str
    width: int
    height: int

    def __str__(self) -> str:
        return f"a {self.kind} of {self.width}x{self.height} pixels"


def measure(data: bytes) -> Picture | None:
    """None for what is no picture, or is cut off before its size."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            return Picture("PNG", *_big(data, 16, 4, 4))
        if data[:6] in {b"GIF87a", b"GIF89a"}:
            return Picture("GIF", *_little(data, 6, 2, 2))
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except EOFError:
        pass
    return None


def _jpeg(data: bytes) -> Picture | None:
    at = 2
    while True:
        (mark,) = _big(data, at, 1)
        if mark != 0xFF:
            return None
        (kind,) = _big(data, at + 1, 1)
        if kind == 0xFF:  # filling
            at += 1
            continue
        if kind in FRAMES:
            height, width = _big(data, at + 5, 2, 2)
            return Picture("JPEG", width, height)
        (length,) = _big(data, at + 2, 2)
        at += 2 + max(length, 2)


def _webp(data: bytes) -> Picture | None:
    match data[12:16]:
        case b"VP8 ":
            width, height = _little(data, 26, 2, 2)
            return Picture("WebP", width & 0x3FFF, height & 0x3FFF)
        case b"VP8L":
            (bits,) = _little(data, 21, 4)
            return Picture("WebP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X":
            width, height = _little(data, 24, 3, 3)
            return Picture("WebP", width + 1, height + 1)
    return None


def _big(data: bytes, at: int, *sizes: int) -> list[int]:
    return [int.from_bytes(piece, "big") for piece in _pieces(data, at, sizes)]


def _little(data: bytes, at: int, *sizes: int) -> list[int]:
    return [int.from_bytes(piece, "little") for piece in _pieces(data, at, sizes)]


def _pieces(data: bytes, at: int, sizes: tuple[int, ...]) -> list[bytes]:
    pieces = []
    for size in sizes:
        piece = data[at : at + size]
        if len(piece) < size:
            raise EOFError
        pieces.append(piece)
        at += size
    return pieces
