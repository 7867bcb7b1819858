import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.jsonio import (
    an_object,
    dumpb,
    dumps,
    is_object,
    joined,
    loads,
    loads_torn,
    objects,
    whole,
)
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


@given(json_values)
def test_the_patient_reader_reads_what_the_strict_one_does(value: object) -> None:
    assert loads_torn(dumpb(value)) == value
    assert loads_torn(json.dumps(value)) == value
    assert whole(value) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'{"\ud83d":["\ude00"]}', {"\ud83d": ["\ude00"]}),
        (r'"\ud83d\ude00"', "😀"),
        ('"\ud83d"', "\ud83d"),
        (b'"\xed\xa0\xbd"', "\ud83d"),
        (b'"a\xff\xe2\x82"', "a\ufffd\ufffd"),
    ],
)
def test_the_patient_reader_takes_halves_of_characters(text: str | bytes, value: object) -> None:
    assert loads_torn(text) == value


@pytest.mark.parametrize("text", ["", b"", "{} x", b"\xff", '{"a":', "[" * 100_000, b"[" * 100_000])
def test_the_patient_reader_refuses_what_is_no_json_too(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        loads_torn(text)


torn = st.recursive(
    st.none() | st.integers() | st.text(st.sampled_from(["a", "😀", "\ud83d", "\ude00"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "\ud83d"]), inner),
)


@given(torn)
def test_no_half_of_a_character_ever_leaves_us(value: object) -> None:
    assert loads(dumpb(value)) == whole(value)
    assert loads(dumps(value)) == whole(value)


def test_halves_that_meet_are_joined_and_a_mark_stands_for_others() -> None:
    assert joined("\ufeffé\ud83d\ude00\ude00\ud83d") == "\ufeffé😀\ufffd\ufffd"
    assert whole({"\ud83d": [{"a": ("\ud83d", 1, None)}]}) == {
        "\ufffd": [{"a": ["\ufffd", 1, None]}]
    }


def test_what_is_nested_beyond_all_reason_cannot_be_mended() -> None:
    deep: object = "\ud83d"
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(ValueError, match="nested too deeply"):
        whole(deep)


def test_the_first_type_is_looked_at_before_anything_is_read_from_it() -> None:
    assert is_object({})
    assert not is_object([])
    assert not is_object(None)
    assert an_object({"a": 1}) == {"a": 1}
    assert an_object([1]) == an_object(None) == an_object("x") == {}
    assert objects([{"a": 1}, 2, None, {}]) == [{"a": 1}, {}]
    assert objects({"a": 1}) == objects(None) == []
