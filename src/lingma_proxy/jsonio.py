"""JSON in and out: compact, strict, quick.

Numbers keep their value whatever their size, keys keep their order, and text is
never escaped beyond what RFC 8259 asks for.
"""

from typing import Any, TypeGuard

import msgspec

Json = Any
"""What `loads` returns: dict, list, str, int, float, bool or None.  Look with `match`."""
JsonObject = dict[str, Json]

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def dumpb(value: Json) -> bytes:
    """Compact JSON, as UTF-8."""
    return _encoder.encode(value)


def dumps(value: Json) -> str:
    """Compact JSON, as text."""
    return _encoder.encode(value).decode()


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
