import pytest

from lingma_proxy.tools.kinds import KINDS, kind_of, kinds, properties, says_all

ROOT = {
    "$defs": {"name": {"type": "string"}, "loop": {"$ref": "#/$defs/loop"}, "a/b": {"type": "null"}}
}


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "string"),
        ({"type": "number"}, "integer number"),
        ({"type": ["integer", "null"]}, "integer null"),
        ({"enum": ["a", 1]}, "string integer"),
        ({"const": True}, "boolean"),
        ({"anyOf": [{"type": "array"}, {"type": "null"}]}, "array null"),
        ({"oneOf": [{"type": "object"}, False]}, "object"),
        ({"allOf": [{"type": ["array", "string"]}, {"type": "array"}]}, "array"),
        ({"type": "number", "enum": [1, 2]}, "integer"),
        ({"$ref": "#/$defs/name"}, "string"),
        ({"$ref": "#/$defs/a~1b"}, "null"),
        ({"type": "integer", "nullable": True}, "integer null"),
    ],
)
def test_a_schema_says_which_kinds_it_lets_through(schema, expected) -> None:
    assert kinds(schema, ROOT) == frozenset(expected.split())


@pytest.mark.parametrize(
    "schema",
    [
        {},
        True,
        None,
        7,
        {"type": "thing"},
        {"type": 7},
        {"type": [["string"], {}]},
        {"$ref": "#/$defs/loop"},
        {"$ref": "#/nowhere/at/all"},
        {"$ref": "https://x.example/schema"},
        {"anyOf": []},
        {"allOf": "x"},
        {"enum": "x"},
        {"description": "anything"},
    ],
    ids=str,
)
def test_what_is_not_understood_lets_through_everything(schema) -> None:
    assert kinds(schema, ROOT) == KINDS


def test_a_schema_within_a_thousand_is_not_looked_into() -> None:
    schema: dict = {"type": "string"}
    for _ in range(1000):
        schema = {"allOf": [schema]}

    assert kinds(schema, {}) == KINDS


def test_a_circle_that_branches_is_given_up_on() -> None:
    loop = {"$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}] * 20}}}

    assert kinds({"$ref": "#/$defs/a"}, loop) == KINDS


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "boolean"),
        (1, "integer"),
        (1.0, "integer"),
        (1.5, "number"),
        ("1", "string"),
        ([], "array"),
        ({}, "object"),
        (None, "null"),
    ],
)
def test_a_value_has_one_kind(value, kind) -> None:
    assert kind_of(value) == kind


def test_properties_are_found_behind_a_reference() -> None:
    root = {"$ref": "#/$defs/x", "$defs": {"x": {"properties": {"a": {"type": "null"}}}}}

    assert properties(root, root) == {"a": {"type": "null"}}
    assert not says_all(root)


@pytest.mark.parametrize("schema", [{}, {"properties": 7}, {"$ref": "#"}, {"$ref": 7}], ids=str)
def test_there_need_be_none(schema) -> None:
    assert properties(schema, schema) == {}
