"""Data URLs (RFC 2397): `data:image/png;base64,…`, both ways."""

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

DEFAULT_TYPE = "text/plain;charset=US-ASCII"
_ASCII_BLANKS = str.maketrans("", "", " \t\r\n\f")


@dataclass(frozen=True, slots=True)
class DataUrl:
    media_type: str
    """Lower case, with its parameters: `image/png`, `text/plain;charset=utf-8`."""
    data: bytes = field(repr=False)


def is_data_url(url: str) -> bool:
    return url[:5].lower() == "data:"


def decode(url: str) -> DataUrl:
    """The content of a data URL.  Raises ValueError with a sentence."""
    if not is_data_url(url):
        raise ValueError("a data URL begins with 'data:'")
    head, comma, body = url[5:].partition(",")
    if not comma:
        raise ValueError("a data URL has a comma before its content")
    media_type, semicolon, last = head.strip().rpartition(";")
    is_base64 = bool(semicolon) and last.strip().lower() == "base64"
    media_type = media_type.rstrip() if is_base64 else head.strip()
    if media_type.startswith(";"):
        media_type = "text/plain" + media_type
    data = base64(unquote_to_bytes(body).decode("latin-1")) if is_base64 else unquote_to_bytes(body)
    return DataUrl(media_type.lower() or DEFAULT_TYPE.lower(), data)


def base64(text: str) -> bytes:
    """The bytes of base64 text, standard or URL-safe, padded or not, blanks ignored.

    Raises ValueError with a sentence.
    """
    text = text.translate(_ASCII_BLANKS)
    if "-" in text or "_" in text:
        text = text.replace("-", "+").replace("_", "/")
    text += "=" * (-len(text) % 4)
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the base64 content is not valid") from None


def encode(media_type: str, data: bytes) -> str:
    return f"data:{media_type};base64,{b64encode(data).decode()}"
