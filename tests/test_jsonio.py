import pytest
from hypothesis import given

from lingma_proxy.jsonio import an_object, dumpb, dumps, is_object, loads, objects
from support.strategies import json_values


@given(json_values)
def test_what_is_written_is_read(value: object) -> None:
    assert loads(dumpb(value)) == value
    assert loads(dumps(value)) == value


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, -(2**63) - 1, 10**40])
def test_integers_keep_their_value_whatever_their_size(number: int) -> None:
    assert loads(str(number)) == number
    assert type(loads(str(number))) is int
    assert dumps({"n": number}) == f'{{"n":{number}}}'


def test_writing_is_compact_and_keeps_order_and_characters() -> None:
    assert dumps({"b": [1, 2.5, None, True], "a": "<&>“你”\u2028\u0085😀/"}) == (
        '{"b":[1,2.5,null,true],"a":"<&>“你”\u2028\u0085😀/"}'
    )


def test_pairs_of_surrogates_are_characters() -> None:
    assert loads(r'"\ud83d\ude00"') == "😀"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{} x",
        "{}{}",
        "\ufeff{}",
        "NaN",
        "Infinity",
        "nul",
        "1e999",
        "'x'",
        "{'a': 1}",
        "[1,]",
        '"a\nb"',
        '"\x00"',
        '{"a":',
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000,
        r'"\ud800"',
        r'"\ud800 and more"',
        r'"\udc00\ud800"',
        '"\ud800"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b"\xff\xfe{\x00}\x00",
        b'{"a":"\xe2\x82"}',
    ],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_no_json_is_refused_in_a_sentence(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+ \w+") as refusal:
        loads(text)

    assert type(refusal.value) is ValueError  # its subclasses speak of codecs and offsets


def test_a_refusal_says_where() -> None:
    with pytest.raises(ValueError, match="byte 8"):
        loads('{"a": 1,}')


def test_what_is_not_utf_8_is_called_so() -> None:
    with pytest.raises(ValueError, match="not UTF-8"):
        loads(b'{"a":"\xff"}')


def test_the_first_type_is_looked_at_before_anything_is_read_from_it() -> None:
    assert is_object({})
    assert not is_object([])
    assert not is_object(None)
    assert an_object({"a": 1}) == {"a": 1}
    assert an_object([1]) == an_object(None) == an_object("x") == {}
    assert objects([{"a": 1}, 2, None, {}]) == [{"a": 1}, {}]
    assert objects({"a": 1}) == objects(None) == []
