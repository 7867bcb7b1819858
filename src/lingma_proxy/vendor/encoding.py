"""`Encode=1`: the veil that the vendor's client draws over its request bodies.

Base64 with padding, whose first and last third change places, spelled in an alphabet of
the vendor's own.  A length that three does not divide leaves the longer piece in the
middle.  The swap is its own inverse, and the padding takes part in it.
"""

from base64 import b64decode, b64encode

STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
VENDOR = b"_doRTgHZBKcGVjlvpC,@aFSx#DPuNJme&i*MzLOEn)sUrthbf%Y^w.(kIQyXqWA!$"

_TO_VENDOR = bytes.maketrans(STANDARD, VENDOR)
_TO_STANDARD = bytes.maketrans(VENDOR, STANDARD)


def encode(data: bytes) -> bytes:
    return _swapped(b64encode(data)).translate(_TO_VENDOR)


def decode(text: bytes) -> bytes:
    """The bytes behind a veiled text.

    Raises ValueError, with a sentence, for anything that `encode` does not produce.
    """
    if strange := text.translate(None, VENDOR):
        raise ValueError(f"byte 0x{strange[0]:02x} is not in the alphabet of Encode=1")
    if len(text) % 4:
        raise ValueError(f"{len(text)} characters cannot be Encode=1: four do not divide it")
    try:
        data = b64decode(_swapped(text.translate(_TO_STANDARD)), validate=True)
    except ValueError:
        raise ValueError("the padding of this Encode=1 text is in the wrong place") from None
    if encode(data) != text:
        raise ValueError("this Encode=1 text has bits or padding beyond its end")
    return data


def _swapped(text: bytes) -> bytes:
    third = len(text) // 3
    middle = len(text) - third
    return text[middle:] + text[third:middle] + text[:third]
