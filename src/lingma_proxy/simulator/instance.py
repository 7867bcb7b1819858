"""The smallest value that fits a JSON Schema: what the simulator fills forms with."""

from lingma_proxy.jsonio import Json, JsonObject, an_object, is_object, objects

DEPTH = 32
"""Recursion ends here: a schema whose smallest value is deeper has none for us."""

FORMATS = {
    "date-time": "2026-11-22T12:00:00Z",
    "date": "2026-11-22",
    "time": "12:00:00Z",
    "duration": "PT1S",
    "email": "nobody@example.com",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
}


def instance(schema: Json) -> Json:
    """Required properties only, first alternatives, zeros.  Patterns are not obeyed."""
    return _instance(schema, an_object(schema), 0)


def _instance(schema: Json, root: JsonObject, depth: int) -> Json:
    if not is_object(schema) or depth > DEPTH:
        return None
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    match schema.get("enum"):
        case [first, *_]:
            return first
    for alternatives in ("anyOf", "oneOf"):
        if options := objects(schema.get(alternatives)):
            rest = {name: value for name, value in schema.items() if name != alternatives}
            return _instance(_merged([rest, _shallowest(options)]), root, depth + 1)
    match _kind(schema):
        case "object":
            properties = an_object(schema.get("properties"))
            required = [name for name in schema.get("required") or [] if isinstance(name, str)]
            return {name: _instance(properties.get(name, {}), root, depth + 1) for name in required}
        case "array":
            return _array(schema, root, depth)
        case "integer" | "number":
            return _number(schema)
        case "boolean":
            return False
        case "null":
            return None
        case _:
            return _string(schema)


def _resolved(schema: JsonObject, root: JsonObject) -> JsonObject:
    """The schema with its references and its `allOf` put in place."""
    for _ in range(DEPTH):
        match schema:
            case {"$ref": str(reference)}:
                rest = {name: value for name, value in schema.items() if name != "$ref"}
                schema = _merged([_at(root, reference), rest])
            case {"allOf": list(members)}:
                rest = {name: value for name, value in schema.items() if name != "allOf"}
                schema = _merged([*objects(members), rest])
            case _:
                return schema
    return {}


def _at(root: JsonObject, reference: str) -> JsonObject:
    place: Json = root
    for step in reference.removeprefix("#").split("/")[1:]:
        place = an_object(place).get(step.replace("~1", "/").replace("~0", "~"))
    return an_object(place)


def _merged(schemas: list[JsonObject]) -> JsonObject:
    merged: JsonObject = {}
    for schema in schemas:
        for name, value in schema.items():
            match name, merged.get(name), value:
                case "properties", dict(before), dict(after):
                    merged[name] = {**before, **after}
                case (("required" | "allOf"), list(before), list(after)):
                    merged[name] = [*before, *after]
                case _:
                    merged[name] = value
    return merged


def _shallowest(options: list[JsonObject]) -> JsonObject:
    """The first alternative that is no reference (a reference may lead back to here)."""
    return next((option for option in options if "$ref" not in option), options[0])


def _kind(schema: JsonObject) -> str:
    match schema.get("type"):
        case str(kind):
            return kind
        case [*kinds] if kinds:
            return str(next((kind for kind in kinds if kind != "null"), "null"))
    if "properties" in schema or "required" in schema:
        return "object"
    return "array" if "items" in schema else "string"


def _array(schema: JsonObject, root: JsonObject, depth: int) -> Json:
    given = schema.get("prefixItems")
    first: list[Json] = given if isinstance(given, list) else []
    wanted = max(len(first), min(_size(schema, "minItems"), DEPTH))
    rest = schema.get("items", {})
    return [
        _instance(first[at] if at < len(first) else rest, root, depth + 1) for at in range(wanted)
    ]


def _number(schema: JsonObject) -> Json:
    whole = _kind(schema) == "integer"
    step = schema.get("multipleOf") or 1
    value: Json = 0
    match schema:
        case {"minimum": int() | float() as least} if least > 0:
            value = -(-least // step) * step
        case {"exclusiveMinimum": int() | float() as below} if below >= 0:
            value = (below // step + 1) * step
        case {"maximum": int() | float() as most} if most < 0:
            value = most // step * step
    return int(value) if whole else value


def _string(schema: JsonObject) -> str:
    if known := FORMATS.get(str(schema.get("format"))):
        return known
    longest = schema.get("maxLength")
    text = "simulated".ljust(min(_size(schema, "minLength"), 4096), ".")
    return text[:longest] if isinstance(longest, int) else text


def _size(schema: JsonObject, name: str) -> int:
    value = schema.get(name)
    return value if isinstance(value, int) else 0
