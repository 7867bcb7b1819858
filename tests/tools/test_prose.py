import pytest

from lingma_proxy.tools.parser import ToolParser
from lingma_proxy.tools.said import Prose
from support.cuts import one_by_one
from support.said import Called, Declared, heard

CALL = '<tool_call>{"name": "Bash", "arguments": {}}</tool_call>'
INERT = [
    f"```\n{CALL}\n```",
    f"```xml\n{CALL}\n",
    f"~~~\n{CALL}\n```\n{CALL}\n~~~",
    f"- a\n    ````py\n    ```\n{CALL}\n    ````",
    f"`{CALL}`",
    f"<think>\n{CALL}\n</think>",
    f"<think>{CALL}",
    f"text\n```json\n{CALL}\n``` not yet\n{CALL}\n```",
]


@pytest.mark.parametrize("text", INERT)
def test_nothing_begins_in_code_or_in_a_thought(text: str) -> None:
    assert heard([text]) == heard(one_by_one(text)) == [text]


@pytest.mark.parametrize(
    "text",
    ["a ``` b\n", "```a` b\n", "``\n", "```\nx\n```\n", "~~\n", "<think>a</think>", "`a` ", "<"],
)
def test_a_call_begins_behind_it(text: str) -> None:
    assert heard([text + CALL]) == heard(one_by_one(text + CALL)) == [text, Called("Bash", "{}")]


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        (["I will <", "b>go</b>"], ["I will ", "<b>go</b>"]),
        (["a <tool_c", "all", "ed>"], ["a ", "", "<tool_called>"]),
        (["x `", "y` z\n`", "`\n"], ["x `", "y` z\n", "``\n"]),
        (["1 < 2"], ["1 < 2"]),
        (["```py", "thon\n`", "``"], ["```py", "thon\n`", "``"]),
    ],
)
def test_no_more_is_held_back_than_could_become_a_mark(pieces: list[str], said: list[str]) -> None:
    parser = ToolParser(Declared())

    for piece, expected in zip(pieces, said, strict=True):
        assert parser.feed(piece) == ([Prose(expected)] if expected else [])
