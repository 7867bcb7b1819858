"""What holds for all that a model may write.  `test_corpus` has what it does write."""

import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.tools.parser import ToolParser
from lingma_proxy.tools.said import CallArguments, CallBegan, Prose
from support.cuts import at_points, one_by_one
from support.said import Called, Declared, Nothing, heard, read
from support.strategies import examples
from support.work import copied
from tools.corpus.spoken import FORMS
from tools.fuzz import TOKENS, promises

CALL = '<tool_call>\n{"name": "Bash", "arguments": {"command": "ls"}}\n</tool_call>'
LS = Called("Bash", {"command": "ls"})

names = st.sampled_from(Declared.NAMES)
words = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(TOKENS)
arguments = st.dictionaries(st.sampled_from(["command", "content", "city", "x"]), words, max_size=3)
calls = st.lists(st.tuples(names, arguments), min_size=1, max_size=3)
outputs = st.lists(
    st.builds(lambda form, calls: form(calls), st.sampled_from(list(FORMS.values())), calls)
    | words
    | st.sampled_from(TOKENS),
    max_size=6,
).map("".join)


def test_calls_and_prose_come_in_order() -> None:
    assert read(f"Let me look.\n\n{CALL}\n{CALL}\n\nDone.\n{CALL}\n") == [
        "Let me look.\n\n", LS, LS, "\n\nDone.\n", LS,
    ]  # fmt: skip


def test_arguments_leave_as_they_come() -> None:
    parser = ToolParser(Declared())

    assert parser.feed('So: <tool_call>\n{"name": "Bash", "arg') == [Prose("So: ")]
    assert parser.feed('uments": {"comm') == [CallBegan("Bash"), CallArguments("{")]
    assert parser.feed('and": "ls') == [CallArguments('"command": "ls')]
    assert parser.feed(" -l\\") == [CallArguments(" -l")]
    assert parser.feed('n"') == [CallArguments("\\n")]


def test_bare_text_leaves_as_it_comes() -> None:
    parser = ToolParser(Declared())

    assert parser.feed("<tool_call>\n<function=Write>\n<parameter=content>\n") == [
        CallBegan("Write"),
        CallArguments('{"content":"'),
    ]
    assert parser.feed('a "b"\n') == [CallArguments('a \\"b\\"')]
    assert parser.feed("c</para") == [CallArguments("\\nc")]
    assert parser.feed("graph>") == [CallArguments("</paragraph>")]


def test_without_streams_a_call_that_breaks_is_prose() -> None:
    text = CALL[: CALL.index('"}}')]

    assert heard([text], cut=True) == [Called("Bash", '{"command": "ls', broken=True)]
    assert heard([text], cut=True, streams=False) == [text]


@examples(by_day=100)
@given(outputs, st.lists(st.integers(0, 600), max_size=9), st.booleans())
def test_every_promise_is_kept_however_the_text_is_cut(
    text: str, points: list[int], cut: bool
) -> None:
    promises(text, points, cut=cut)


@pytest.mark.parametrize("form", FORMS)
@examples(by_day=40)
@given(calls, st.data())
def test_every_form_is_read_the_same_however_it_is_cut(
    form: str, calls: list[tuple[str, dict[str, str]]], data: st.DataObject
) -> None:
    text = "It is: \n" + FORMS[form](calls)
    whole = heard([text])

    assert heard(one_by_one(text)) == whole
    for _ in range(3):
        points = data.draw(st.lists(st.integers(0, len(text)), max_size=9))
        assert heard(at_points(text, points)) == whole


@given(outputs, st.booleans())
def test_text_that_names_no_declared_tool_is_text(text: str, cut: bool) -> None:
    for name in Declared.NAMES:
        text = text.replace(name, "nope")

    assert "".join(map(str, heard([text], cut=cut))) == text
    assert "".join(map(str, heard([text], Nothing(), cut=cut))) == text


# Cost.  Work is what is called (by Python, and in C) and what is copied.

LS_OPEN = '<tool_call>{"name": "Bash", "arguments": {"command": "'
HOSTILE: dict[str, Callable[[int], str]] = {
    "prose": lambda n: "Some words, and more of them.\n" * n,
    "signs": lambda n: "a < b > c ` d ~ e\n" * n,
    "HTML": lambda n: "<p>a</p>" * n,
    "tags": lambda n: "<tool_call>" * n,
    "tags within tags": lambda n: "<tool_call>{" * n,
    "half tags": lambda n: "<invoke name=" * n,
    "ticks": lambda n: "`" * n,
    "fences": lambda n: "```\n" * n,
    "blocks": lambda n: "```json action\n{" * n,
    "blanks in a tag": lambda n: "<tool_call>Bash" + " " * n,
    "blanks behind a call": lambda n: CALL + " \n" * n,
    "blanks in a call": lambda n: '<tool_call>{"name": "Bash",' + " " * n,
    "calls": lambda n: CALL * n,
    "calls that are not closed": lambda n: (LS_OPEN + "\n") * n,
    "calls that are nearly JSON": lambda n: ("<tool_call>{name: 'Bash'}</tool_call>") * n,
    "a long string": lambda n: LS_OPEN + "a\\nb“c”" * n + '"}}',
    "a long value": lambda n: "<function=Bash><parameter=command>" + "a < b\n" * n,
    "deep": lambda n: LS_OPEN[:-1] + "[" * n,
    "digits": lambda n: LS_OPEN[:-1] + "1" * n,
    "escapes": lambda n: LS_OPEN + "\\\\" * n,
    "ends": lambda n: "<function=Bash><parameter=command>" + "</parameter>\n" * n,
    "values within": lambda n: "<function=Bash><parameter=command>" * n,
    "examples within": lambda n: "<function=Bash><parameter=command>" + FORMS["qwen_coder"]([("Bash", {"command": "ls"})]) * n,
    "brackets": lambda n: "{" * n,
    "lists": lambda n: "[" * n,
    "nearly JSON": lambda n: '{"name": "Bash", "arguments": {' + "a " * n,
    "marks": lambda n: "<|tool_call_begin|>" * n,
    "heads": lambda n: "<|tool_call_begin|>" + "a" * n,
    "keys": lambda n: "<tool_call>Bash\n<arg_key>" + "a" * n,
    "undeclared": lambda n: '<tool_call>{"name": "Nope"}</tool_call>' * n,
}  # fmt: skip


def work(pieces: list[str]) -> int:
    """How much is done for a text: calls of functions, and bytes that are copied."""
    parser, calls = ToolParser(Declared()), 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    def through(parser: ToolParser) -> None:
        for piece in pieces:
            parser.feed(piece)
        parser.end(cut=False)

    sys.setprofile(count)
    try:
        through(parser)
    finally:
        sys.setprofile(None)
    parser = ToolParser(Declared())
    return calls + copied(parser.feed, pieces) // 50


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_twice_the_text_is_twice_the_work(text: Callable[[int], str]) -> None:
    many = 700 // (len(text(2)) - len(text(1)))
    once, twice = text(many), text(2 * many)

    heard([once])  # compiles what there is to compile
    for cut in one_by_one, lambda text: at_points(text, list(range(0, len(text), 50))):
        assert work(cut(twice)) < 2.5 * work(cut(once)) + 1000


def test_plain_prose_costs_one_search() -> None:
    pieces = ["Some words, and more of them, up to here. "] * 100

    assert work(pieces) < 60 * len(pieces)
