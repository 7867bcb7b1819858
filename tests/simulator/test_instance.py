import jsonschema_rs
import pytest

from lingma_proxy.simulator.instance import instance

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {
                "value": {"type": "integer", "minimum": 3},
                "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
            },
            "required": ["value", "next"],
            "additionalProperties": False,
        }
    },
}
SCHEMAS = [
    {},
    TREE,
    {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 3},
    {"type": "array", "prefixItems": [{"const": 7}, {"type": "string"}], "items": False},
    {"enum": ["x", "y"]},
    {"type": ["null", "number"], "exclusiveMinimum": 2},
    {"type": "integer", "maximum": -4},
    {"type": "number", "multipleOf": 5, "minimum": 11},
    {"type": "string", "minLength": 20},
    {"type": "string", "maxLength": 3},
    {"type": "string", "format": "date-time"},
    {"type": "null"},
    {"oneOf": [{"type": "object", "required": ["k"], "properties": {"k": {"const": "one"}}}]},
    {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "null"}}, "required": ["a"]},
            {"properties": {"b": {"type": "boolean"}}, "required": ["b"]},
        ]
    },
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_the_instance_fits_its_schema(schema):
    jsonschema_rs.validate(schema, instance(schema))


def test_only_what_is_required_is_there():
    schema = {"type": "object", "properties": {"a": {}, "b": {"type": "null"}}, "required": ["b"]}

    assert instance(schema) == {"b": None}


@pytest.mark.parametrize(
    "schema",
    [
        True,
        None,
        {"$ref": "#/nowhere"},
        {"$ref": "#"},
        {"properties": {"a": {"$ref": "#"}}, "required": ["a", 1]},
        {"type": []},
    ],
    ids=str,
)
def test_an_odd_schema_is_no_accident(schema):
    instance(schema)
