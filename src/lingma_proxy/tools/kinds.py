"""Which kinds of JSON values a schema lets through, as far as that can be told by reading it.

An answer is never too narrow: a schema that is not understood, or leads in a circle, lets
through everything.
"""

from collections.abc import Iterator
from typing import Literal, TypeAlias
from urllib.parse import unquote

from lingma_proxy.jsonio import Json, JsonObject, an_object, is_object

Kind: TypeAlias = Literal["string", "integer", "number", "boolean", "object", "array", "null"]
KINDS: frozenset[Kind] = frozenset(
    ("string", "integer", "number", "boolean", "object", "array", "null")
)
"""Here an integer is not a number: a schema of numbers lets both through."""
DEEPEST = 20
"""References in a row that are followed."""
MOST = 200
"""Schemas within a schema that are looked into, however they refer to each other."""


def kinds(schema: Json, root: JsonObject) -> frozenset[Kind]:
    """The kinds of values that may fit `schema`, which stands somewhere in `root`."""
    return _kinds(schema, root, iter(range(MOST)))


def kind_of(value: Json) -> Kind:
    match value:
        case bool():
            return "boolean"
        case str():
            return "string"
        case int():
            return "integer"
        case float():
            return "integer" if value.is_integer() else "number"
        case list():
            return "array"
        case None:
            return "null"
        case _:
            return "object"


def properties(schema: Json, root: JsonObject) -> dict[str, Json]:
    """The properties of an object that the schema names, each with its own schema."""
    for _ in range(DEEPEST):
        if not is_object(schema) or is_object(found := schema.get("properties")):
            break
        schema = _referred(str(schema.get("$ref")), root)
    found = an_object(schema).get("properties")
    return found if is_object(found) else {}


def says_all(schema: JsonObject) -> bool:
    """Whether its `properties` are all that it says of what an object may have."""
    return not any(schema.get(word) for word in MORE)


MORE = (
    "$ref",
    "$dynamicRef",
    "additionalProperties",
    "patternProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "dependentSchemas",
)


def _kinds(schema: Json, root: JsonObject, looks: Iterator[int]) -> frozenset[Kind]:
    if schema is False:
        return frozenset()
    if not is_object(schema) or next(looks, None) is None:
        return KINDS
    found = KINDS
    if isinstance(reference := schema.get("$ref"), str):
        found &= _kinds(_referred(reference, root), root, looks)
    match schema.get("type"):
        case str(name):
            found &= _named(name)
        case list(names):
            found &= frozenset().union(*(_named(name) for name in names))
    if "const" in schema:
        found &= {kind_of(schema["const"])}
    if isinstance(values := schema.get("enum"), list):
        found &= frozenset(map(kind_of, values))
    for word in ("anyOf", "oneOf"):
        if isinstance(choices := schema.get(word), list) and choices:
            found &= frozenset().union(*(_kinds(each, root, looks) for each in choices))
    for each in schema.get("allOf") or () if isinstance(schema.get("allOf"), list) else ():
        found &= _kinds(each, root, looks)
    if schema.get("nullable") is True:  # as OpenAPI 3.0 has it
        found |= {"null"}
    return found


def _named(name: Json) -> frozenset[Kind]:
    if name == "number":
        return frozenset(("integer", "number"))
    return frozenset(kind for kind in KINDS if kind == name) or KINDS


def _referred(reference: str, root: JsonObject) -> Json:
    """What a reference within the schema means; None, which lets through all, for any other."""
    if not reference.startswith("#"):
        return None
    found: Json = root
    for step in reference[1:].split("/")[1:]:
        key = unquote(step).replace("~1", "/").replace("~0", "~")
        found = found.get(key) if is_object(found) else None
    return found
