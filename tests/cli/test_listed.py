import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lingma_proxy.cli.listed import cells, fitted, layout, many, model_of, short, tools, usual
from lingma_proxy.conversation.events import Usage
from lingma_proxy.recording.exports.terminal import harmless
from support.recorded import BEGAN, ESCAPE, summaries, summary


def listed(*kept, width=None):
    table = layout(kept, width, BEGAN)
    lines = [table.header(), *(line for each in kept for line in table.lines(each, BEGAN))]
    return [click.unstyle(line) for line in lines]


def test_a_request_is_a_line_under_a_heading():
    kept = summary(
        asked_model="claude-sonnet", client="claude-code", tools=("Bash", "Read", "Bash")
    )
    header, line = listed(kept)

    assert header.split() == [
        "TIME", "ID", "CLIENT", "MODEL", "HTTP", "FIRST", "TOTAL", "TOKENS", "TOOLS",
    ]  # fmt: skip
    assert line.split()[1:] == [
        "012345", "claude-code", "claude-sonnet→kmodel", "200", "250ms", "1.5s", "1.2k→34",
        "Bash", "×2,", "Read",
    ]  # fmt: skip
    assert [header.index(name) for name in ("ID", "CLIENT", "MODEL", "TOOLS")] == [
        line.index(cell) for cell in ("012345", "claude-code", "claude-sonnet", "Bash")
    ]


def test_where_no_tools_were_called_there_is_no_column_for_them():
    assert "TOOLS" not in listed(summary())[0]


def test_an_error_stands_below_in_red():
    kept = summary(status=429, error="Too many.\nReally.", error_kind="RateLimited")
    table = layout([kept], None, BEGAN)
    line, error = table.lines(kept, BEGAN)

    assert click.unstyle(error) == "  RateLimited: Too many. Really."
    assert error.startswith("\x1b[31m")
    assert line.startswith("\x1b[31m")


def test_who_left_before_there_was_a_status_is_said_so():
    kept = summary(status=0, first=None, ended=None, usage=None)

    assert cells(kept, BEGAN)[4:8] == ["left", "-", "-", "-"]


def test_what_was_no_request_for_a_reply_has_its_path():
    kept = summary(method="GET", path="/v1/models", dialect="", asked_model="", model="")

    assert model_of(kept) == "GET /v1/models"
    assert model_of(summary(asked_model="", model="")) == "-"
    assert model_of(summary(asked_model="qwen", model="")) == "qwen"


@pytest.mark.parametrize("width", [80, 100, 140])
def test_no_line_is_wider_than_the_terminal(width):
    kept = summary(
        client="a-client-with-a-long-name",
        asked_model="claude-sonnet-4-5-20250929",
        model="dashscope_qwen3_coder",
        tools=("mcp__filesystem__read_text_file", "Bash"),
        usage=Usage(123456, 12345, estimated=True),
        error="x" * 500,
        began=BEGAN,
    )
    lines = listed(kept, summary(model="模型" * 30), width=width)

    assert max(map(cell_len, lines)) <= width
    assert all("…" in line for line in lines[1:])


def test_the_model_that_answered_is_cut_last():
    kept = summary(asked_model="claude-sonnet-4-5-20250929", model="kmodel")

    assert model_of(kept, 14) == "claude…→kmodel"
    assert model_of(kept, 7) == "…→kmodel"


def test_who_follows_has_columns_for_whatever_comes():
    assert sum(usual(80).widths) + 2 * 8 <= 80
    assert usual(None).widths == list(usual(300).widths)
    assert usual(80).header()


def test_a_terminal_that_is_too_narrow_gets_what_it_takes():
    assert fitted([8, 6, 9, 12, 4, 5, 5, 10, 9], 20) == [8, 6, 8, 10, 4, 5, 5, 10, 8]


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999, "999"), (1234, "1.2k"), (9949, "9.9k"), (9999, "10k"), (34567, "35k"),
     (999_499, "999k"), (999_500, "1.0M"), (1_234_567, "1.2M"), (10**12, "many")],
)  # fmt: skip
def test_many_tokens_are_few_characters(number, text):
    assert many(number) == text


def test_an_estimate_is_marked():
    assert cells(summary(usage=Usage(10, 2, estimated=True)), BEGAN)[7] == "~10→2"


@given(st.lists(summaries, max_size=3), st.sampled_from([None, 40, 80]))
def test_no_terminal_obeys_what_was_recorded(kept, width):
    assert all(harmless(line) for line in listed(*kept, width=width))


def test_nothing_of_an_escape_is_left():
    kept = summary(
        client=ESCAPE, model=ESCAPE, asked_model="a", tools=(ESCAPE,), error=ESCAPE, id=ESCAPE
    )

    assert all(harmless(line) for line in listed(kept))
    assert tools(kept) == r"\x1b]0;owned\x07\x1b[2J\x9b31m\u202e"
    assert short(ESCAPE) == r"\x1b]0"
