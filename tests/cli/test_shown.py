import click
import pytest
from hypothesis import given

from lingma_proxy.cli.shown import Teller, indented, lines, times, told, used
from lingma_proxy.conversation.events import Usage
from lingma_proxy.jsonio import dumps
from lingma_proxy.recording.exports.answer import Piece
from lingma_proxy.recording.exports.terminal import harmless
from support.recorded import BEGAN, ESCAPE, attempt, body, exchange, exchanges

STREAM = "".join(
    f"data: {dumps(each)}\n\n"
    for each in (
        {"choices": [{"delta": {"reasoning_content": "hm"}}]},
        {"choices": [{"delta": {"content": "Hel"}}]},
        {"choices": [{"delta": {"content": "lo!"}}]},
    )
)


def shown(kept, **how):
    return [click.unstyle(line) for line in lines(kept, **how)]


def test_everything_of_it_is_shown():
    refused = attempt(
        model="qwen", error="Too many.", error_kind="RateLimited", accepted=None, first=None,
        reply=body("busy"), usage=None, reason="",
    )  # fmt: skip
    kept = exchange(
        asked_model="claude",
        streamed=True,
        warnings=("top_k is not sent.",),
        tools=("Bash",),
        queued=0.25,
        attempts=(refused, attempt(number=2)),
    )
    text = "\n".join(shown(kept))

    for words in (
        "req_0123456789abcdef01234567 POST /v1/chat/completions",
        "by openai-python (OpenAI/Python 2.0)",
        "openai_chat, streamed",
        "claude was asked for, kmodel answered",
        "waited 250ms for its turn, accepted after 125ms, first byte after 250ms, over after 1.5s",
        "1,200 in, 34 out",
        "top_k is not sent.",
        "Attempt 1 of 2: remote qwen",
        "RateLimited: Too many.",
        "busy",
        "Attempt 2 of 2: remote kmodel",
        "https://lingma.example/chat",
        '      "content": "Hi"',
        '        "content": "Hello!"',
    ):
        assert words in text
    assert text.index("The request") < text.index("Attempt 1") < text.index("The answer")


def test_of_a_stream_it_is_shown_what_it_says_or_how_it_came():
    kept = exchange(response=STREAM, media_type="text/event-stream; charset=utf-8", attempts=())

    assert shown(kept)[-4:] == ["[thinking]", "hm", "[text]", "Hello!"]
    assert "\n".join(shown(kept, raw=True)).strip().endswith(STREAM.strip())


def test_an_attempt_is_shown_as_it_was_understood_else_as_it_came():
    events = dumps({"event": "part", "index": 0, "kind": "call", "name": "Bash"}) + "\n"
    understood = exchange(attempts=(attempt(events=body(events)),))
    came = exchange(attempts=(attempt(reply=body("garbage")),))

    assert "[call Bash]" in shown(understood)
    assert "garbage" in shown(came)
    assert 'data: {"choices":[{"delta":{"content":"Hello!"}}]}' in shown(understood, raw=True)


def test_without_bodies_it_is_short():
    kept = exchange(response=STREAM)

    assert "Hello!" not in "\n".join(shown(kept, bodies=False))
    assert any("Attempt 1 of 1" in line for line in shown(kept, bodies=False))


def test_what_is_missing_is_said():
    kept = exchange(response=body('{"a":', "only the first 5 bytes are kept", 500))

    assert "  not all of it is here: only the first 5 bytes are kept" in shown(kept)
    assert '{"a":' in shown(kept)


@given(exchanges)
def test_no_terminal_obeys_what_was_recorded(kept):
    for raw in (False, True):
        assert all(harmless(line) for line in shown(kept, raw=raw))


def test_nothing_of_an_escape_is_left():
    said = f"data: {dumps({'choices': [{'delta': {'content': ESCAPE}}]})}\n\n"
    kept = exchange(
        request=dumps({ESCAPE: ESCAPE}), response=said, media_type="text/event-stream",
        path="/" + ESCAPE, user_agent=ESCAPE, error=ESCAPE, warnings=(ESCAPE,),
        attempts=(attempt(url=ESCAPE, reply=body(ESCAPE), events=body(ESCAPE)),),
    )  # fmt: skip

    for raw in (False, True):
        text = "\n".join(shown(kept, raw=raw))
        assert harmless(text)
        assert r"\x1b]0;owned" in text


def test_json_is_indented_and_what_is_none_is_not():
    assert indented('{"a":[1,2.50,"“"],"b":12345678901234567890}').splitlines()[0] == "{"
    assert "12345678901234567890" in indented('{"b":12345678901234567890}')
    assert indented("{") == ""
    assert indented("[" * 3000 + "]" * 3000) == ""


@pytest.mark.parametrize("form", ["application/json", "text/event-stream"])
def test_what_says_nothing_that_is_known_is_not_told(form):
    assert told("data: [DONE]\n\n", form) == ""


def test_a_part_has_a_heading_but_for_a_text_that_comes_first():
    teller = Teller()
    pieces = [
        Piece("text", "a", (0,)),
        Piece("text", "b\n", (0,)),
        Piece("call", "{}", (1,), "Bash"),
    ]

    assert "".join(teller.tell(each) for each in pieces) == "ab\n[call Bash]\n{}"


def test_what_did_not_happen_is_not_said():
    assert times(BEGAN, None, None, None) == "never over"
    assert used(None) == ""
    assert used(Usage(1000, 50, cached=900, reasoning=20, estimated=True, searches=1)) == (
        "1,000 in (900 of them cached), 50 out (20 of them thinking), 1 × searched; estimated"
    )
