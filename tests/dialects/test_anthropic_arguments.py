import pytest
from hypothesis import given
from hypothesis import strategies as st
from jiter import from_json

from lingma_proxy.dialects.anthropic_arguments import as_input, complete_part
from lingma_proxy.errors import ProtocolError
from lingma_proxy.jsonio import loads
from support.strategies import arguments


@pytest.mark.parametrize(
    ("cut", "kept"),
    [
        ("{", {}),
        ('{"a', {}),
        ('{"a":', {}),
        ('{"a":12', {"a": 12}),
        ('{"a":1.', {}),
        ('{"a":-', {}),
        ('{"a":tr', {}),
        ('{"a":true', {"a": True}),
        ('{"a":"x', {}),
        ('{"a":"x\\"', {}),
        ('{"a":"x","b', {"a": "x"}),
        ('{"a":[1,"b', {"a": [1]}),
        ('{"a":{"b":[', {"a": {"b": []}}),
        ('{"a":1}', {"a": 1}),
        ("", {}),
        (" \n", {}),
    ],
)
def test_what_is_complete_of_a_cut_call_is_kept(cut: str, kept: object) -> None:
    assert as_input("f", cut, cut=True) == kept


@given(arguments(), st.data())
def test_it_keeps_what_the_official_sdks_keep(written: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(written.index("{") + 1, len(written)))

    assert loads(complete_part(written[:at])) == from_json(written[:at].encode(), partial_mode=True)


def test_big_numbers_keep_their_value() -> None:
    assert as_input("f", '{"id":123456789012345678901}', cut=False) == {"id": 123456789012345678901}


@pytest.mark.parametrize("wrong", ["echo", "[1]", "null", '"x"', '{"a":1', '{"a":01}'])
def test_a_call_that_came_to_its_end_must_have_an_object(wrong: str) -> None:
    with pytest.raises(ProtocolError, match="f with arguments that are not"):
        as_input("f", wrong, cut=False)


@pytest.mark.parametrize("wrong", ["echo", '{"a":01,"b"', "]", '{"a":"\\x","b'])
def test_what_cannot_become_an_object_is_refused_even_when_cut(wrong: str) -> None:
    with pytest.raises(ProtocolError):
        as_input("f", wrong, cut=True)
