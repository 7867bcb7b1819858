import pytest

from lingma_proxy.tools.schema import LONGEST_COMPLAINT, MOST_COMPLAINTS, Unusable, by_schema
from tools.test_schema_extent import doubling

POINT = {
    "type": "object",
    "properties": {"x": {"type": "integer"}, "y": {"type": "integer"}},
    "required": ["x", "y"],
}


def test_what_fits_has_nothing_wrong_with_it() -> None:
    assert by_schema(POINT)({"x": 1, "y": 2}) is None


def test_what_is_wrong_is_said_with_its_place() -> None:
    assert by_schema(POINT)({"x": "one"}) == (
        '"y" is a required property; at x: "one" is not of type "integer"'
    )


def test_complaints_are_short_and_few() -> None:
    check = by_schema({"items": {"type": "integer"}})

    complaint = check(["long " * 1000] * 50)

    assert complaint is not None
    assert len(complaint) < (LONGEST_COMPLAINT + 20) * MOST_COMPLAINTS


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "objekt"}, "objekt"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "Retrieval is disabled"),
        ({"$ref": "file:///etc/hostname"}, "Retrieval is disabled"),
        ({"$ref": "#/nowhere"}, "/nowhere"),
        (doubling(18), "references"),
        (doubling(5000), "references"),
    ],
    ids=["no type", "http", "file", "nowhere", "wide", "deep"],
)
def test_a_schema_that_cannot_be_used_is_refused(schema, says) -> None:
    with pytest.raises(Unusable, match=says):
        by_schema(schema)


def test_a_value_that_a_branching_circle_refuses_is_refused_at_once() -> None:
    kinds = [
        {"properties": {"kind": {"const": kind}, "next": {"$ref": "#"}}, "required": ["kind"]}
        for kind in "abcdefgh"
    ]
    value: dict = {"kind": "none of these"}
    for _ in range(30):
        value = {"kind": "h", "next": value}

    # Who asked the validator what is wrong would wait for 8**30 answers.
    assert by_schema({"anyOf": kinds})(value) == "it does not fit the JSON Schema"
