"""Pictures, made as tests want them."""

import zlib
from io import BytesIO
from typing import Any

from PIL import Image
from PIL.Image import Image as Picture


def saved(picture: Picture, format: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def opened(data: bytes) -> Picture:
    picture = Image.open(BytesIO(data))
    picture.load()
    return picture


def plain(width: int = 8, height: int = 8, colour: str = "red", format: str = "PNG") -> bytes:
    return saved(Image.new("RGB", (width, height), colour), format)


def photo(width: int, height: int) -> Picture:
    """What compresses about as badly as a photograph."""
    noise = Image.effect_noise((max(1, width // 4), max(1, height // 4)), 80).resize(
        (width, height)
    )
    return Image.merge(
        "RGB", (noise, noise.rotate(180), noise.rotate(90, expand=True).resize(noise.size))
    )


def transparent(width: int, height: int) -> Picture:
    """Clear on the left, red on the right."""
    picture = Image.new("RGBA", (width, height), "red")
    picture.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    return picture


def corners() -> Picture:
    """Red, green, blue and white, from the upper left, line by line; 64 by 32."""
    picture = Image.new("RGB", (64, 32), "white")
    for colour, place in (("red", (0, 0)), ("lime", (32, 0)), ("blue", (0, 16))):
        picture.paste(Image.new("RGB", (32, 16), colour), place)
    return picture


def png_of(width: int, height: int) -> bytes:
    """The head of a PNG of that size, and hardly anything after it."""
    whole = plain(1, 1)
    size = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    chunk = b"IHDR" + size + whole[24:29]
    return whole[:12] + chunk + zlib.crc32(chunk).to_bytes(4, "big") + whole[33:]
