import pytest

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.tools.schema_extent import Extent, extent

LEAF = {"type": "object"}


def doubling(depth: int, word: str = "$ref") -> JsonObject:
    """So many definitions, each of which refers twice to the next."""
    steps = {
        f"a{at}": {"allOf": [{word: f"#/$defs/a{at + 1}"}] * 2} for at in range(depth)
    }  # fmt: skip
    return {"$defs": {**steps, f"a{depth}": LEAF}, word: "#/$defs/a0"}


def test_without_references_the_objects_are_counted() -> None:
    schema = {"properties": {"a": {"type": "string"}, "b": {"items": [{}, True]}}, "enum": [1]}

    assert extent(schema) == Extent(5, circular=False)


@pytest.mark.parametrize("word", ["$ref", "$dynamicRef"])
def test_what_is_referred_to_counts_as_often_as_it_is(word: str) -> None:
    small, large = extent(doubling(10, word)), extent(doubling(60, word))

    assert 2**10 < small.objects < 2**14
    assert large.objects > 2**60
    assert not large.circular


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$recursiveRef": "#"},
        {"properties": {"next": {"$ref": "#"}}},
        {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"},
        {"items": {"$ref": "#here"}, "$anchor": "here"},
        {"items": {"$ref": "https://x.example/s"}, "$id": "https://x.example/s"},
    ],
)
def test_a_circle_is_seen_and_followed_once(schema: JsonObject) -> None:
    found = extent(schema)

    assert found.circular
    assert found.objects < 20


@pytest.mark.parametrize(
    ("reference", "schema"),
    [
        ("#/a~1b/~0/1/%25", {"a/b": {"~": [0, {"%": LEAF}]}}),
        ("#name", {"x": {"$anchor": "name"}}),
        ("tree", {"x": {"$id": "tree"}}),
    ],
)
def test_every_way_to_refer_is_understood(reference: str, schema: JsonObject) -> None:
    without = extent(schema).objects

    assert extent({**schema, "y": {"$ref": reference}}).objects > without + 1


@pytest.mark.parametrize("reference", ["#/no", "#no", "no", "no#/a", "#/enum/7", "#/enum/x", 7])
def test_a_reference_to_nothing_counts_nothing(reference: object) -> None:
    schema = {"enum": [{}], "y": {"$ref": reference}}

    assert extent(schema) == Extent(3, circular=False)
