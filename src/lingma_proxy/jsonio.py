"""JSON in and out: compact, strict, quick.

Numbers keep their value whatever their size, keys keep their order, and text is
never escaped beyond what RFC 8259 asks for.

JavaScript cuts text between the halves of a character beyond U+FFFF, and then says each half
by itself.  No half leaves us: where its other half does not come, U+FFFD stands for it.
"""

import json
from typing import Any, TypeGuard

import msgspec

Json = Any
"""What `loads` returns: dict, list, str, int, float, bool or None.  Look with `match`."""
JsonObject = dict[str, Json]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def dumpb(value: Json) -> bytes:
    """Compact JSON, as UTF-8.  U+FFFD stands for half a character, wherever one got in."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(whole(value))


def dumps(value: Json) -> str:
    """Compact JSON, as text."""
    return dumpb(value).decode()


def loads(text: bytes | str) -> Json:
    """The value of one JSON text.

    Raises ValueError with a sentence that says what is wrong and where (also for text
    that is not UTF-8, for half a surrogate pair, and for nesting beyond all reason).
    """
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise ValueError(f"the text is not UTF-8: {error.reason}") from None
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None


def loads_torn(text: bytes | str) -> Json:
    """The value of one JSON text that `loads` refused, if a more patient reader can make it out.

    It takes halves of characters, and leaves them in the value: `whole` mends them, or
    `conversation.halves` where the other half may come with the next text.  Bytes that are not
    UTF-8 become U+FFFD.  Raises ValueError.
    """
    try:
        return json.loads(_patiently(text) if isinstance(text, bytes) else text)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def whole(value: Json) -> Json:
    """The value with no half of a character in it.  Raises ValueError for an endless one."""
    try:
        return _whole(value)
    except RecursionError:
        raise ValueError("JSON is nested too deeply") from None


def joined(text: str) -> str:
    """Halves that meet are a character; a mark, U+FFFD, stands for any other."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def is_object(value: Json) -> TypeGuard[JsonObject]:
    return isinstance(value, dict)


def an_object(value: Json) -> JsonObject:
    """The value if it is an object, else an empty one: for reading what may be missing."""
    return value if isinstance(value, dict) else {}


def objects(value: Json) -> list[JsonObject]:
    """The objects in a list, whatever else is in it or instead of it."""
    if not isinstance(value, list):
        return []
    return [item for item in value if isinstance(item, dict)]


def _whole(value: Json) -> Json:
    match value:
        case str():
            return joined(value)
        case dict():
            return {_whole(key): _whole(item) for key, item in value.items()}
        case list() | tuple():
            return [_whole(item) for item in value]
        case _:
            return value


def _patiently(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")
