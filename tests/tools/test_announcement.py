import pytest

from lingma_proxy.tools.announcement import LONGEST, announces

TOOLS = ("Read", "web_search", "")


@pytest.mark.parametrize(
    "said",
    [
        "Let me use Read:",
        "I look around.\nNow I call web_search:\n",
        "我用 Read 读取文件：",
        "Let me read the file:",
    ],
)
def test_a_short_answer_that_names_a_tool_and_ends_in_a_colon_announces(said: str) -> None:
    assert announces(said, TOOLS)


@pytest.mark.parametrize(
    "said",
    [
        "",
        ":",
        "Let me look at the file:",
        "Let me use Read.",
        "Already done, spread the word:",
        "Read is a tool.\nHere is what I know:",
        "```\nRead:\n```:",
        "x" * LONGEST + " Read:",
        "Use web_searcher:",
        "preRead:",
    ],
)
def test_anything_else_does_not(said: str) -> None:
    assert not announces(said, TOOLS)


def test_without_tools_nothing_is_announced() -> None:
    assert not announces("Let me use Read:", ())
