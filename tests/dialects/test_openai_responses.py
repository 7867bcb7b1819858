"""Streams of Responses: what is said when, and what a client is left with when it breaks."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import FinishReason, Head, PartDelta, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.dialects.openai_responses import DIALECT, ResponsesEncoder
from lingma_proxy.dialects.openai_responses_items import whole
from lingma_proxy.dialects.openai_responses_request import ResponsesAsked, decode
from lingma_proxy.errors import BackendTimeout
from lingma_proxy.wire.sse import SseDecoder
from support.judges import JUDGES
from support.responses_grammar import ResponsesGrammar
from support.strategies import replies
from support.streams import batched

NOW = 1_800_000_000
TOOLS = [
    {"type": "function", "name": "read", "parameters": {}, "strict": False},
    {"type": "custom", "name": "patch"},
    {"type": "local_shell"},
    {"type": "tool_search", "execution": "client"},
]


def asked(**fields: Any) -> ResponsesAsked:
    return decode(
        {"model": "m", "input": "hello", "tools": TOOLS, "stream": True, **fields}, "req_1"
    )


def events(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(event.data) for event in SseDecoder().feed(stream)]


def kinds(stream: bytes) -> list[str]:
    return [event["type"].removeprefix("response.") for event in events(stream)]


def said(*parts: Head, reason: FinishReason = FinishReason.STOP, **fields: Any) -> bytes:
    question = asked(**fields)
    encoder = ResponsesEncoder(question, NOW)
    reply = Reply("r", "qmodel", parts, reason, Usage(3, 2))
    stream = encoder.encode(replay(reply)) + encoder.end()
    walk(stream)
    assert encoder.response == whole(question, [reply], NOW)
    assert events(stream)[-1]["response"] == encoder.response
    return stream


def walk(stream: bytes) -> None:
    grammar = ResponsesGrammar()
    grammar.feed(stream)
    grammar.end()


BEGIN = ["created", "in_progress"]
MESSAGE = [
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
]


def test_text_is_said_in_full() -> None:
    assert kinds(said(Text("hello"))) == [*BEGIN, *MESSAGE, "completed"]


def test_a_reply_of_nothing_is_one() -> None:
    assert kinds(said()) == [*BEGIN, "completed"]


def test_there_is_no_done_marker() -> None:
    assert b"[DONE]" not in said(Text("hello"))


def test_a_function_gets_its_arguments_as_they_come() -> None:
    assert kinds(said(ToolCall("1", "read", "{}"))) == [
        *BEGIN,
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


def test_a_custom_tool_gets_its_input_as_it_comes() -> None:
    question = asked()
    encoder = ResponsesEncoder(question, NOW)
    reply = Reply("r", "m", (ToolCall("1", "patch", '{"input": "+ a\\n"}'),), FinishReason.STOP)
    start, call, _, *rest = replay(reply)
    pieces = [PartDelta(0, piece) for piece in ('{"input": "+', " a\\", 'n"', "}")]

    stream = [encoder.encode([event]) for event in (start, call, *pieces, *rest)]

    deltas = [event["delta"] for part in stream for event in events(part) if "delta" in event]
    assert deltas == ["+", " a", "\n"]
    assert b'"delta":"+"' in stream[2]
    walk(b"".join(stream))
    assert encoder.response == whole(question, [reply], NOW)


@pytest.mark.parametrize(
    ("name", "arguments", "content"),
    [
        ("local_shell", '{"command": ["ls"]}', []),
        ("tool_search", '{"query": "a"}', []),
        ("local_shell", "ls", ["function_call_arguments.delta", "function_call_arguments.done"]),
        ("local_shell", "", ["function_call_arguments.done"]),
    ],
)
def test_a_shell_gets_its_command_when_it_is_complete(
    name: str, arguments: str, content: list[str]
) -> None:
    assert kinds(said(ToolCall("1", name, arguments))) == [
        *BEGIN, "output_item.added", *content, "output_item.done", "completed",
    ]  # fmt: skip


def test_thoughts_that_are_shown_are_a_summary() -> None:
    assert kinds(said(Thinking("hm"), reasoning={"summary": "auto"})) == [
        *BEGIN,
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "completed",
    ]


def test_thoughts_that_are_only_carried_say_nothing_on_the_way() -> None:
    carried = said(Thinking("hm"), include=["reasoning.encrypted_content"])

    assert kinds(carried) == [*BEGIN, "output_item.added", "output_item.done", "completed"]


def test_thoughts_that_nobody_asked_for_are_not_said() -> None:
    assert kinds(said(Thinking("hm"), Text("hello"))) == [*BEGIN, *MESSAGE, "completed"]


# Ends.


@pytest.mark.parametrize("reason", [FinishReason.LENGTH, FinishReason.CONTENT_FILTER])
@pytest.mark.parametrize("name", ["read", "patch", "local_shell"])
def test_a_call_that_was_cut_is_never_done(name: str, reason: FinishReason) -> None:
    stream = said(ToolCall("1", "read", "{}"), ToolCall("2", name, '{"input": "a'), reason=reason)

    assert kinds(stream).count("output_item.done") == 1
    assert kinds(stream)[-1] == "incomplete"
    assert events(stream)[-1]["response"]["output"][-1]["status"] == "incomplete"


def test_text_that_was_cut_is_incomplete() -> None:
    stream = said(Text("hel"), reason=FinishReason.LENGTH)

    assert kinds(stream) == [*BEGIN, *MESSAGE, "incomplete"]
    assert events(stream)[-2]["item"]["status"] == "incomplete"


def broken(*parts: Head, after: int) -> bytes:
    encoder = ResponsesEncoder(asked(), NOW)
    sent = replay(Reply("r", "m", parts, FinishReason.STOP))[:after]
    stream = encoder.encode(sent) + encoder.fail(BackendTimeout("It fell silent."))
    walk(stream)
    assert encoder.encode(sent) == encoder.fail(BackendTimeout("Again.")) == b""
    assert encoder.response == events(stream)[-1]["response"]
    return stream


def test_a_stream_that_fails_before_it_began_is_one() -> None:
    assert kinds(broken(after=0)) == [*BEGIN, "failed"]


def test_text_is_closed_when_the_stream_fails() -> None:
    stream = broken(Text("hel"), after=3)

    assert kinds(stream) == [*BEGIN, *MESSAGE, "failed"]
    response = events(stream)[-1]["response"]
    assert response["error"]["message"] == "It fell silent. (request req_1)"
    assert [item["status"] for item in response["output"]] == ["incomplete"]


def test_a_call_that_was_not_finished_never_becomes_one() -> None:
    stream = broken(ToolCall("1", "read", "{}"), after=3)

    assert kinds(stream) == [
        *BEGIN, "output_item.added", "function_call_arguments.delta", "failed",
    ]  # fmt: skip
    assert events(stream)[-1]["response"]["output"] == []


def test_a_call_that_was_finished_stays_one() -> None:
    stream = broken(ToolCall("1", "read", "{}"), after=4)

    assert kinds(stream)[-2:] == ["output_item.done", "failed"]
    assert [item["status"] for item in events(stream)[-1]["response"]["output"]] == ["completed"]


def test_a_heartbeat_is_a_comment() -> None:
    beat = ResponsesEncoder(asked(), NOW).heartbeat()

    assert beat.startswith(b":")
    assert events(beat) == []


# The same as at once.


@given(replies, st.lists(st.integers(0, 30), max_size=6), st.booleans())
def test_the_stream_ends_with_the_whole(reply: Reply, points: list[int], shown: bool) -> None:
    question = asked(reasoning={"summary": "auto"} if shown else None)
    encoder = ResponsesEncoder(question, NOW)
    stream = b"".join(encoder.encode(batch) for batch in batched(replay(reply), points))

    walk(stream)
    assert encoder.response == whole(question, [reply], NOW)


def test_it_is_spoken_where_clients_ask_for_it() -> None:
    assert DIALECT.paths == ("/v1/responses", "/api/v1/responses")
    assert DIALECT.name in JUDGES
