"""Make a picture fit: upright, no larger than a model looks at, of a kind that models read.

    bytes ─▶ what is it? ─▶ how many pixels? ─▶ decode ─┬─ it fits: the same bytes
                                                        ╰─ flat on white ▸ smaller ▸ upright ▸ encode

Models look at about 1568 pixels a side; more only costs.  What fits goes on untouched, but
it is decoded all the same: half a picture is answered as if it were none.  What came
without loss stays so if that is small enough, else it becomes a JPEG, in steps of quality.
Of what moves, the first frame is shown when it has to be made smaller.

This takes a while (20 megapixels: about a second), so call it in a thread.  Pillow lets
others run in the meantime; where it does not, large pictures are taken in strips.
"""

import warnings
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from io import BytesIO
from typing import TYPE_CHECKING

from lingma_proxy.conversation.request import Image
from lingma_proxy.images.sniff import media_type

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

READ_BY_MODELS = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
    "image/avif": "AVIF",
    "image/heic": "HEIF",
    "image/heif": "HEIF",
}
"""By Pillow's names.  No other of its readers is ever tried."""
WITHOUT_LOSS = frozenset({"image/png", "image/gif", "image/bmp"})
QUALITIES = (90, 80, 70, 60, 50)
STEP = 0.75
"""When the lowest quality is still too large, each side shrinks by so much, again and again."""
MOST_SCANS = 100
"""A progressive JPEG has about ten; one of thousands takes minutes to decode."""
STRIP = 2**20
"""Pixels that are converted at a time, while the interpreter's lock is held: a few ms."""
ORIENTATION = 0x0112
"""The tag of Exif; 1 is upright, 2 to 8 are the other ways to hold a camera."""


@dataclass(frozen=True, slots=True)
class Limits:
    side: int = 1568
    """Pixels of the longer side, at most."""
    size: int = 2 * 2**20
    """Bytes, at most."""
    pixels: int = 64_000_000
    """That are decoded, at most; Pillow itself stops at 89 million."""


def shrunk(data: bytes, limits: Limits = Limits()) -> Image:
    """The picture as it is sent.  Raises ValueError with a clause that goes on after "it"."""
    kind = media_type(data)
    if kind is None:
        raise ValueError("is none: send PNG, JPEG, WebP, GIF, BMP, HEIC or AVIF")
    if FORMATS[kind] not in readable():
        raise ValueError(
            f"is {kind.partition('/')[2].upper()}, which needs a library that is not installed"
            " (`pip install pillow-heif`): send PNG or JPEG"
        )
    if kind == "image/jpeg" and data.count(b"\xff\xda") > MOST_SCANS:
        raise ValueError(f"has more than {MOST_SCANS} scans, as no camera makes: save it anew")
    return _made_fit(data, kind, limits)


@cache
def readable() -> frozenset[str]:
    """Pillow's names of the formats that can be read here."""
    from PIL import features  # noqa: PLC0415  # 60 ms that a start without it does not pay
    from PIL.Image import DecompressionBombWarning  # noqa: PLC0415  # see there

    warnings.filterwarnings("ignore", module=r"PIL\.")  # corrupt Exif and the like: not our news
    warnings.filterwarnings("error", category=DecompressionBombWarning)
    found = {"PNG", "JPEG", "GIF", "BMP"}
    found |= {name for name in ("WEBP", "AVIF") if features.check(name.lower())}
    try:
        heif = import_module("pillow_heif")  # an extra of this package
    except ImportError:
        return frozenset(found)
    heif.register_heif_opener()
    return frozenset({*found, "HEIF"})


def _made_fit(data: bytes, kind: str, limits: Limits) -> Image:
    from PIL.Image import (  # noqa: PLC0415  # see `readable`
        DecompressionBombError,
        DecompressionBombWarning,
    )
    from PIL.Image import open as opened  # noqa: PLC0415

    try:
        with opened(BytesIO(data), formats=[FORMATS[kind]]) as picture:
            if picture.width * picture.height > limits.pixels:
                raise DecompressionBombError
            return _fitting(picture, data, kind, limits)
    except (DecompressionBombError, DecompressionBombWarning):
        raise ValueError(
            f"has more than {limits.pixels / 1e6:g} megapixels, the most that is opened"
            " (`image_max_megapixels`): send a smaller one"
        ) from None
    except Exception as error:
        # Whatever a decoder says of bytes that may be anything (OSError, SyntaxError,
        # struct.error, MemoryError, …), to the client it is one thing.
        raise ValueError("cannot be read: it is cut off, or damaged") from error


def _fitting(picture: "Picture", data: bytes, kind: str, limits: Limits) -> Image:
    size = within(picture.size, limits.side)
    turn = orientation(picture)
    if (
        kind in READ_BY_MODELS
        and size == picture.size
        and len(data) <= limits.size
        and turn not in TURNS
    ):
        # To see that it is whole; a JPEG is read to its end, but only its coarsest part decoded.
        picture.draft(None, (1, 1))
        picture.load()
        return Image(kind, data)
    # A JPEG is decoded at the next size above twice the one that is wanted.
    picture.draft(None, (2 * size[0], 2 * size[1]))
    picture.load()
    small = upright(flat(picture, size), turn)
    return encoded(small, limits.size, lossless=kind in WITHOUT_LOSS)


def within(size: tuple[int, int], side: int) -> tuple[int, int]:
    """The size with its longer side within the limit, in the same proportions."""
    scale = min(1, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def orientation(picture: "Picture") -> int:
    try:
        return int(picture.getexif().get(ORIENTATION, 1))
    except Exception:  # noqa: BLE001 — Exif that cannot be read says nothing
        return 1


TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What makes a picture upright, by its orientation; Pillow turns against the clock."""


def upright(picture: "Picture", orientation: int) -> "Picture":
    from PIL.Image import Transpose  # noqa: PLC0415  # see `readable`

    turn = TURNS.get(orientation)
    return picture.transpose(Transpose[turn]) if turn else picture


def flat(picture: "Picture", size: tuple[int, int]) -> "Picture":
    """The picture in that size, as RGB or grey, on white."""
    from PIL.Image import Resampling, new  # noqa: PLC0415  # see `readable`

    width, height = picture.size
    # First by a whole number, each pixel the mean of a square: that is quick, and leaves at
    # least twice the size for the resampling that looks better.
    by = max(1, min(width // (2 * size[0]), height // (2 * size[1])))
    if is_flat(picture):
        small = picture.reduce(by) if by > 1 else picture
    else:
        small = new("L" if is_grey(picture) else "RGB", (-(-width // by), -(-height // by)))
        rows = max(1, STRIP // width // by) * by
        for top in range(0, height, rows):
            strip = flattened(picture.crop((0, top, width, min(height, top + rows))))
            small.paste(strip.reduce(by) if by > 1 else strip, (0, top // by))
    small = small.resize(size, Resampling.LANCZOS) if small.size != size else small.copy()
    small.info = {}  # no comments, no profiles, no place where it was taken
    return small


def is_flat(picture: "Picture") -> bool:
    return picture.mode in {"RGB", "L"} and "transparency" not in picture.info


def is_grey(picture: "Picture") -> bool:
    """Whether it is to become grey: black and white, or 16 bits of grey."""
    return picture.mode == "1" or picture.mode.startswith("I")


def flattened(piece: "Picture") -> "Picture":
    from PIL.Image import alpha_composite, new  # noqa: PLC0415  # see `readable`

    if is_grey(piece):
        deep = piece.mode != "1"
        return (piece.point(lambda value: value * (1 / 256)) if deep else piece).convert("L")
    if not piece.has_transparency_data:
        return piece.convert("RGB")
    return alpha_composite(new("RGBA", piece.size, "white"), piece.convert("RGBA")).convert("RGB")


def encoded(picture: "Picture", limit: int, *, lossless: bool) -> Image:
    """The picture in at most so many bytes, unless not even one pixel has so few."""
    from PIL.Image import Resampling  # noqa: PLC0415  # see `readable`

    if lossless and len(data := saved(picture, "PNG")) <= limit:
        return Image("image/png", data)
    while True:
        for quality in QUALITIES:
            # Letters in colour need every pixel's colour; at lower quality it does not matter.
            data = saved(picture, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2)
            if len(data) <= limit:
                return Image("image/jpeg", data)
        if picture.size == (1, 1):
            return Image("image/jpeg", data)
        width, height = picture.size
        smaller = max(1, int(width * STEP)), max(1, int(height * STEP))
        picture = picture.resize(smaller, Resampling.LANCZOS)


def saved(picture: "Picture", kind: str, **options: int) -> bytes:
    buffer = BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
