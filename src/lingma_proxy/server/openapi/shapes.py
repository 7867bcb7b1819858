"""JSON Schemas (2020-12, as OpenAPI 3.1 has them), in few words."""

from collections.abc import Sequence

from lingma_proxy.jsonio import Json, JsonObject

ANYTHING: JsonObject = {}


def text(about: str = "", *, least: int = 0) -> JsonObject:
    return described({"type": "string"} | ({"minLength": least} if least else {}), about)


def switch(about: str = "") -> JsonObject:
    return described({"type": "boolean"}, about)


def whole(about: str = "", *, least: int | None = None, most: int | None = None) -> JsonObject:
    return described({"type": "integer"} | bounds(least, most), about)


def number(about: str = "", *, least: float | None = None, most: float | None = None) -> JsonObject:
    return described({"type": "number"} | bounds(least, most), about)


def word(*words: str, about: str = "") -> JsonObject:
    """One of these words."""
    return described({"const": words[0]} if len(words) == 1 else {"enum": [*words]}, about)


def a_list(of: JsonObject, about: str = "", *, least: int = 0) -> JsonObject:
    shape: JsonObject = {"type": "array", "items": of}
    return described(shape | ({"minItems": least} if least else {}), about)


def a_map(of: JsonObject, about: str = "") -> JsonObject:
    return described({"type": "object", "additionalProperties": of}, about)


def an_object(about: str = "", needs: Sequence[str] = (), **fields: JsonObject) -> JsonObject:
    """`needs` are the fields that must be there; others than these may be."""
    shape: JsonObject = {"type": "object", "properties": fields}
    return described(shape | ({"required": [*needs]} if needs else {}), about)


def either(*shapes: JsonObject, about: str = "") -> JsonObject:
    return described({"anyOf": [*shapes]}, about)


def or_null(shape: JsonObject) -> JsonObject:
    return {"anyOf": [shape, {"type": "null"}]}


def named(name: str) -> JsonObject:
    """The schema of that name among the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def bounds(least: Json, most: Json) -> JsonObject:
    found = {"minimum": least, "maximum": most}
    return {key: bound for key, bound in found.items() if bound is not None}


def described(shape: JsonObject, about: str) -> JsonObject:
    return {**shape, "description": about} if about else shape
