import pytest

from lingma_proxy.tools.formats.marks import ACTION, INVOKE, OPENERS, PARAMETER
from lingma_proxy.tools.source import Shape


@pytest.mark.parametrize(
    "text",
    [
        "<tool_call>", "<tool_calls>", "<function_calls>", "<minimax:tool_call>",
        "<some-ns:function_calls>", "<｜DSML｜function_calls>", "<|DSML|invoke name='a'>",
        "<function=Read>", '<function name="Read">', '<invoke name="mcp__a-b.c">',
        "<|tool_calls_section_begin|>", "<|tool_call_begin|>", "<｜tool▁calls▁begin｜>",
        "<｜tool▁call▁begin｜>", "<|tool▁calls▁begin|>",
    ],
)  # fmt: skip
def test_every_mark_is_expected_from_its_beginning_on(text: str) -> None:
    assert [shape.whole.fullmatch(text) for shape in OPENERS].count(None) == len(OPENERS) - 1
    for end in range(len(text)):
        assert any(shape.begun.match(text[:end]) for shape in OPENERS), text[:end]


@pytest.mark.parametrize("text", ["<div>", "<tool_cal>", "<tool_call x>", "< tool_call>", "<a:b:"])
def test_other_tags_are_not_waited_for(text: str) -> None:
    assert not any(shape.begun.match(text) or shape.whole.match(text) for shape in OPENERS)


@pytest.mark.parametrize(
    ("shape", "text", "name"),
    [
        (INVOKE, '<invoke name="a b">', "a b"),
        (PARAMETER, "<parameter=key>", "key"),
        (PARAMETER, '<｜DSML｜parameter name="key" string="true">', "key"),
    ],
)
def test_names_are_found(shape: Shape, text: str, name: str) -> None:
    found = shape.whole.fullmatch(text)

    assert found
    assert found["name"] == name


@pytest.mark.parametrize(
    "text", ["```json action\n", "````json  action ", "``` action\n", "```tool_call\n"]
)
def test_a_fence_says_that_it_is_a_call(text: str) -> None:
    assert any(shape.whole.match(text) for shape in ACTION)
