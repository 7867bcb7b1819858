import jsonschema_rs
import pytest

from lingma_proxy.server.openapi import shapes

TAKEN = [
    (shapes.text(least=1), "a", ""),
    (shapes.whole(least=1, most=2), 2, 3),
    (shapes.number(least=0), 0.5, -0.5),
    (shapes.switch(), True, "true"),
    (shapes.word("a", "b"), "b", "c"),
    (shapes.word("a"), "a", "b"),
    (shapes.a_list(shapes.whole(), least=1), [1], []),
    (shapes.a_map(shapes.text()), {"k": "v"}, {"k": 1}),
    (shapes.an_object(needs=["k"], k=shapes.text()), {"k": "", "more": 1}, {}),
    (shapes.either(shapes.text(), shapes.whole()), 1, 1.5),
    (shapes.or_null(shapes.text()), None, 1),
]


@pytest.mark.parametrize(("shape", "good", "bad"), TAKEN)
def test_a_shape_takes_what_it_says_and_nothing_else(shape, good, bad):
    assert jsonschema_rs.is_valid(shape, good)
    assert not jsonschema_rs.is_valid(shape, bad)


def test_what_it_is_about_is_said_beside_it():
    assert shapes.text("A name.") == {"type": "string", "description": "A name."}
