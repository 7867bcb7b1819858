import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.tools.json_stream import NotJson, ObjectReader, value
from lingma_proxy.tools.source import Reading, Source
from support.cuts import at_points, one_by_one

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=6,
)


def said(pieces: list[str]) -> tuple[str, str, bool]:
    """What is said of a value, what is left of the text, and whether the value is complete."""
    source, out = Source(), list[str]()
    reading = value(source, out.append)
    try:
        for piece in pieces:
            source.add(piece)
            next(reading)
        source.over = True
        next(reading)
    except StopIteration:
        complete = True
    except NotJson:
        complete = False
    return "".join(out), source.text[source.at :], complete


@given(values, st.booleans(), st.none() | st.integers(0, 3), st.lists(st.integers(0, 60)))
def test_json_is_said_as_it_is(
    there: object, ascii_only: bool, indent: int | None, points: list[int]
) -> None:
    text = json.dumps([there], ensure_ascii=ascii_only, indent=indent) + "\n"
    spoken = text.strip()

    assert said([text])[::2] == (spoken, True)
    assert said(at_points(text, points))[::2] == (spoken, True)
    assert said(one_by_one(text))[::2] == (spoken, True)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ('{"a": 1,}', '{"a": 1'),
        ('{"a": 1, b', '{"a": 1'),
        ('{"a": tru', '{"a": '),
        ('{"a": 01}', '{"a": '),
        ('{"a" 1}', "{"),
        ('{"a": }', '{"a": '),
        ("[1 2]", "[1"),
        ("[1,]", "[1"),
        ("[,]", "["),
        ("[1, `", "[1"),
        ('"a\\d', '"a'),
        ('"a\\u12x', '"a'),
        ('"open', '"open'),
        ('["a" b]', '["a'),
        ('["a', '["a'),
        ('["a"', '["a'),
        ("'a'", ""),
        ("NaN", ""),
        ("[" * 5000 + "}", "[" * 5000),
    ],
)
def test_what_is_not_json_is_said_up_to_there(text: str, spoken: str) -> None:
    for pieces in [text], one_by_one(text):
        there, _, complete = said(pieces)
        assert (there, complete) == (spoken, False)


def test_a_raw_control_character_in_a_string_is_said_as_its_escape() -> None:
    assert said(['["a\nb\x00\tc"]']) == (r'["a\nb\u0000\tc"]', "", True)


def test_the_text_behind_a_value_is_left_alone() -> None:
    assert said(['{"a": [1]} and']) == ('{"a": [1]}', " and", True)


def test_a_number_without_end_is_refused() -> None:
    assert said(["1" * 2000])[2] is False


def test_keys_can_be_said_in_another_way() -> None:
    source, out = Source(), list[str]()
    source.add('{"a" : {"a":1}, "b":2}')

    def whole() -> Reading[None]:
        members = ObjectReader(source, out.append, lambda key: {"a": "ä"}.get(key, key))
        while (yield from members.another()):
            yield from value(source, out.append)

    assert list(whole()) == []
    assert "".join(out) == '{"ä": {"a":1}, "b":2}'
