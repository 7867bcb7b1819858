"""The input of a custom tool comes out of a function's arguments, however they are cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.dialects.openai_custom_tools import InputReader, as_arguments, as_input, custom
from lingma_proxy.errors import InvalidRequest
from support.cuts import at_points, in_two
from support.strategies import arguments, texts

PATCH = '*** Begin Patch\n+ say("hi\\n") \u2028 “你好” 😀\n*** End Patch\n'


def read(pieces: list[str]) -> str:
    reader = InputReader()
    return "".join(reader.feed(piece) for piece in pieces) + reader.end()


ODD = {
    "nothing": ("", ""),
    "an empty object": ("{}", ""),
    "text": ("*** Begin Patch\n", "*** Begin Patch\n"),
    "text behind blanks": ("  \n+ a", "  \n+ a"),
    "text in brackets": ("{ run(); }", "{ run(); }"),
    "a string": ('"a\\nb"', "a\nb"),
    "another parameter": ('{"patch": "a\\nb"}', "a\nb"),
    "the parameter behind another": ('{"why": "x", "input": "a"}', "a"),
    "others behind the parameter": ('{"input": "a", "why": "x"}', "a"),
    "parameters of other names": ('{"a": "x", "b": "y"}', '{"a": "x", "b": "y"}'),
    "no string": ('{"input": 5}', '{"input": 5}'),
    "a list": ("[1]", "[1]"),
    "many blanks": ('{"input":' + " " * 500 + '"a\\nb"}', "a\nb"),
    "cut in the text": ('{"input": "a b', "a b"),
    "cut in an escape": ('{"input": "a\\', "a\\"),
    "cut in a code": ('{"input": "a\\u00', "a\\u00"),
    "cut in a pair": ('{"input": "a\\ud83d\\ude', "a�"),
    "cut before the text": ('{"input', '{"input'),
    "a pair": ('{"input": "\\ud83d\\ude00"}', "😀"),
    "a half": ('{"input": "\\ud83d!\\ude00"}', "�!�"),
    "a half before another escape": ('{"input": "\\ud83d\\n"}', "�\n"),
    "no escape": ('{"input": "\\d+\\uzz"}', "\\d+\\uzz"),
    "a line break": ('{"input": "a\nb"}', "a\nb"),
    "a quote": ('{"input": "say "hi" and \\n"}', 'say "hi" and \n'),
    "a quote and a brace": ('{"input": "{"a": "b"}"}', '{"a": "b"}'),
}


@pytest.mark.parametrize(("written", "meant"), ODD.values(), ids=ODD)
def test_arguments_of_another_form_come_out_whole(written: str, meant: str) -> None:
    assert as_input(written) == meant


@pytest.mark.parametrize("written", [as_arguments(PATCH), *(it for it, _ in ODD.values())])
def test_the_input_does_not_depend_on_the_cut(written: str) -> None:
    assert read(list(written)) == as_input(written)
    if len(written) < 200:
        for pieces in in_two(written):
            assert read(pieces) == as_input(written)


@given(
    arguments() | texts | texts.map(as_arguments) | texts.map('{{"input": "{}"}}'.format),
    st.lists(st.integers(0, 60), max_size=5),
)
def test_any_text_is_read_alike_in_any_pieces(written: str, points: list[int]) -> None:
    assert read(at_points(written, points)) == read(list(written)) == as_input(written)


@given(texts, st.booleans(), st.sampled_from([None, 2]))
def test_the_input_comes_back_as_it_was(text: str, escaped: bool, indent: int | None) -> None:
    assert as_input(as_arguments(text)) == text
    assert as_input(json.dumps({"input": text}, ensure_ascii=escaped, indent=indent)) == text


def test_the_input_leaves_while_it_is_written() -> None:
    reader = InputReader()

    assert reader.feed('{"in') == ""
    assert reader.feed('put": "a') == "a"
    assert reader.feed("b\\") == "b"
    assert reader.feed("nc") == "\nc"
    assert reader.feed('"}') == ""
    assert reader.end() == ""


def test_a_million_fragments_cost_no_more_than_their_length() -> None:
    reader = InputReader()
    said = [reader.feed('{"input": "')]
    said += [reader.feed(piece) for piece in ["a", '\\"', " "] * 100_000]
    said += [reader.feed('"}'), *[reader.feed(" ") for _ in range(100_000)], reader.end()]

    assert "".join(said) == 'a" ' * 100_000


# How it is offered.


def test_a_custom_tool_is_a_function_with_one_string() -> None:
    tool = custom({"type": "custom", "name": "js", "description": "Runs JavaScript."}, "tools[0]")

    assert tool.name == "js"
    assert tool.description == "Runs JavaScript.\n\nThe input is plain text."
    assert tool.parameters["required"] == ["input"]


@pytest.mark.parametrize(
    "form",
    [
        {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
        {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /.+/"}},
    ],
    ids=["Responses", "Chat"],
)
def test_a_grammar_is_told_in_words(form: dict[str, object]) -> None:
    described = custom({"name": "edit", "format": form}, "tools[0]").description

    assert "Lark grammar" in described
    assert described.endswith("\nstart: /.+/")


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"name": 5}, "tools[0]"),
        ({"name": ""}, "tools[0].name"),
        ({"name": "a", "description": 5}, "tools[0].description"),
        ({"name": "a", "format": "lark"}, "tools[0].format"),
        ({"name": "a", "format": {"type": "grammar"}}, "tools[0].format"),
        ({"name": "a", "format": {"type": "bnf"}}, "tools[0].format"),
        (
            {"name": "a", "format": {"type": "grammar", "syntax": "bnf", "definition": ""}},
            "tools[0].format.syntax",
        ),
    ],
)
def test_a_custom_tool_that_cannot_be_read_is_refused(value: dict[str, object], place: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        custom(value, "tools[0]")

    assert caught.value.param == place
