import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.tools.complete import complete
from lingma_proxy.tools.json_stream import NotJson, value
from lingma_proxy.tools.source import Source
from tools.test_json_stream import values


def said(text: str) -> str:
    """What json_stream says of the beginning of a JSON text."""
    source, out = Source(), list[str]()
    source.add(text)
    source.over = True
    with suppress(NotJson):
        list(value(source, out.append))
    return "".join(out)


@given(st.dictionaries(st.text(max_size=5), values, max_size=3), st.data(), st.booleans())
def test_any_beginning_is_completed(
    there: dict[str, object], data: st.DataObject, ascii_only: bool
) -> None:
    text = json.dumps(there, ensure_ascii=ascii_only)
    begun = said(text[: data.draw(st.integers(0, len(text)))])
    try:
        begun.encode()
        rest = complete(begun, there)
    except UnicodeEncodeError:
        return

    if rest is None:  # only for half of a character
        assert ascii_only
        assert "\\ud" in begun
    else:
        assert json.loads(begun + rest) == there


@pytest.mark.parametrize(
    ("begun", "there"),
    [
        ('{"a":1', {"b": 1}),
        ('{"a":1', {"a": 2}),
        ('{"a":1', {"a": True}),
        ('{"a":"x', {"a": "y"}),
        ('{"a":"x', {"a": None}),
        ('{"a":"x"', {"a": "xx"}),
        ('{"a":[1', {"a": []}),
        ('{"a":[1', {"a": {}}),
        ('{"a":[]', {"a": [1]}),
        ('{"a":{}', {"a": {"b": 1}}),
        ('{"a":{', {"a": 1}),
        ('{"a":[1,', {"a": [1]}),
        ('{"a":1,', {"a": 1}),
        ("{", []),
        ('{"a":' + "[" * 5000, {}),
    ],
)
def test_what_was_said_is_not_contradicted(begun: str, there: object) -> None:
    assert complete(begun, there) is None


def test_what_is_whole_needs_nothing() -> None:
    assert complete('{"a": [1, "x"]}', {"a": [1, "x"]}) == ""
