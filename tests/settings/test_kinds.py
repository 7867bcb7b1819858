import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.settings.kinds import (
    CommandOrAddress,
    Counts,
    Host,
    Number,
    Pairs,
    Secret,
    Switch,
    Text,
    Url,
    Whole,
    Word,
    WordOrPath,
    Words,
)

KINDS = (
    Whole(0, 99),
    Number(0, 99),
    Switch(),
    Word(("yes", "no"), later=("maybe",)),
    WordOrPath(("yes", "no")),
    Text(),
    CommandOrAddress(),
    Secret(),
    Host(),
    Url(),
    Words(),
    Pairs(),
    Counts(0, 9),
)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def complaint(read, raw):
    """What a kind says to a value; nothing when it takes it, and can show it."""
    try:
        shown = read(raw)
    except ValueError as error:
        return str(error)
    return "" if shown is not None else "read, but nothing came of it"


@given(kind=st.sampled_from(KINDS), value=json_values, text=st.text(max_size=20))
def test_a_kind_takes_a_value_or_says_what_it_must_be(kind, value, text):
    for said in (complaint(kind.of_json, value), complaint(kind.of_text, text)):
        assert not said or said.startswith(("it must be ", "this version "))


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Whole(0, 65535), " 8095 ", 8095),
        (Number(0, 9), "2.5", 2.5),
        (Switch(), "On", True),
        (Switch(), "0", False),
        (Word(("remote", "simulator")), "Remote", "remote"),
        (WordOrPath(("auto", "newest")), " Newest ", "newest"),
        (WordOrPath(("auto", "newest")), "~/Newest/a b", "~/Newest/a b"),
        (WordOrPath(("auto", "newest")), "", "auto"),
        (Text(), " a b ", "a b"),
        (Secret(), "sk-1", "sk-1"),
        (Host(), "[::1]", "::1"),
        (Host(), "0.0.0.0", "0.0.0.0"),
        (Url(), "https://host:8443/", "https://host:8443"),
        (Url(), "", ""),
        (Words(), "a, b,,", ("a", "b")),
        (Word(("auto", "websocket"), also={"ws": "websocket"}), "WS", "websocket"),
        (Url("ws"), "ws://127.0.0.1:36510/", "ws://127.0.0.1:36510"),
        (Pairs(), "fast=kmodel, slow = x=y ", {"fast": "kmodel", "slow": "x=y"}),
        (Pairs(), "", {}),
        (Counts(0, 64), "kmodel=2, other = 64", {"kmodel": 2, "other": 64}),
        (Counts(0, 64), "", {}),
    ],
)
def test_text_is_read(kind, text, value):
    assert kind.of_text(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Whole(1, 64), "0"),
        (Whole(1, 64), "65"),
        (Whole(1, 64), "1.0"),
        (Whole(1, 64), "-1"),
        (Whole(1, 64), "٣"),
        (Whole(1, 64), "9" * 5000),
        (Number(0, 9), "nan"),
        (Number(0, 9), "inf"),
        (Switch(), "maybe"),
        (Switch(), ""),
        (Word(("a", "b"), later=("c",)), "c"),
        (WordOrPath(("a", "b")), "two\nlines"),
        (Text(needed=True), "  "),
        (Text(), "two\nlines"),
        (Secret(), "with blank"),
        (Secret(), "schlüssel"),
        (Host(), ""),
        (Host(), "localhost:8095"),
        (Host(), "http://localhost"),
        (Url(), "localhost:8095"),
        (Url(), "ftp://host"),
        (Url(), "https://"),
        (Url(), "https://host:port"),
        (Url(), "https://host:70000"),
        (Url(), "https://[::1"),
        (Url("ws"), "http://host"),
        (Pairs(), "fast"),
        (Pairs(), "=kmodel"),
        (Counts(0, 64), "kmodel"),
        (Counts(0, 64), "kmodel=x"),
        (Counts(0, 64), "kmodel=65"),
        (Counts(0, 64), "=2"),
    ],
)
def test_other_text_is_refused(kind, text):
    with pytest.raises(ValueError, match=r"^(it must be|this version)"):
        kind.of_text(text)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Whole(0, 9), True),
        (Whole(0, 9), 1.0),
        (Whole(0, 9), "1"),
        (Number(0, 9), False),
        (Number(0, 9), math.nan),
        (Number(0, 9), "1"),
        (Switch(), 1),
        (Switch(), "true"),
        (Words(), "a,b"),
        (Words(), [1]),
        (Pairs(), {"a": 1}),
        (Pairs(), [["a", "b"]]),
        (Counts(0, 9), {"a": "1"}),
        (Counts(0, 9), {"a": True}),
        (Counts(0, 9), {" ": 1}),
        (Counts(0, 9), [["a", 1]]),
        (Host(), 1),
        (Url(), None),
        (Secret(), 1),
    ],
)
def test_json_of_another_type_is_refused(kind, value):
    with pytest.raises(ValueError, match=r"^it must be"):
        kind.of_json(value)


def test_zero_is_shown_with_what_it_means():
    assert Number(0, 9, zero="no limit").show(0) == "0 (no limit)"
    assert Number(0, 9).show(2.5) == "2.5 s"


def test_nothing_secret_is_shown():
    assert Secret().show("sk-canary") == "(set, not shown)"
    assert Url().show("http://me:canary@proxy:3128/x@y") == "http://proxy:3128/x@y"
    assert Url("ws").show("ws://host/x?token=canary") == "ws://host/x?…"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""),
        ("my-search --what?", "my-search --what?"),
        ("https://me:secret@host/s?q={query}&key=secret", "https://host/s?…"),
        ("HTTP://host/{query}", "HTTP://host/{query}"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(value, shown):
    assert CommandOrAddress().show(CommandOrAddress().of_json(value)) == shown
