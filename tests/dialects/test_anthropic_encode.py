from typing import Any

import pytest

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import ChatRequest, Reasoning, Text, Thinking, ToolCall
from lingma_proxy.conversation.search import Found, SearchCall, SearchResult
from lingma_proxy.dialect import Asked
from lingma_proxy.dialects.anthropic_encode import UNSIGNED, AnthropicEncoder, error_body, whole
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    InvalidRequest,
    MethodNotAllowed,
    ModelNotFound,
    NotAllowed,
    NotLoggedIn,
    ProtocolError,
    ProxyError,
    RateLimited,
    RequestTooLarge,
    TooBusy,
)
from support.anthropic_grammar import events, walk
from support.anthropic_sdk import folded, read


def asked(*, shown: bool = True) -> Asked:
    return Asked(ChatRequest("req_1", "m", (), reasoning=Reasoning(shown=shown)), stream=True)


def stream(*said: Event, shown: bool = True) -> list[dict[str, Any]]:
    encoder = AnthropicEncoder(asked(shown=shown), 0)
    return events(encoder.encode(said))


def content(*parts: Any, reason: FinishReason = FinishReason.STOP, shown: bool = True) -> Any:
    return whole(asked(shown=shown), [Reply("r", "m", parts, reason)], 0)["content"]


def test_the_start_names_what_is_known_of_the_usage() -> None:
    (start,) = stream(ReplyStarted("r", "kmodel", input_tokens=12))

    assert start["message"]["id"] == "msg_r"
    assert start["message"]["model"] == "kmodel"
    assert start["message"]["content"] == []
    assert start["message"]["usage"] == {
        "input_tokens": 12,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"thinking_tokens": 0},
        "server_tool_use": None,
        "service_tier": "standard",
    }


def test_the_end_says_the_usage_with_the_cache_apart() -> None:
    delta, stop = stream(ReplyEnded(FinishReason.STOP, Usage(100, 7, cached=60, reasoning=3)))

    assert delta["usage"] == {
        "input_tokens": 40,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 60,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
        "server_tool_use": None,
    }
    assert stop == {"type": "message_stop"}


@pytest.mark.parametrize(
    ("reason", "sequence", "said"),
    [
        (FinishReason.STOP, None, "end_turn"),
        (FinishReason.STOP, "END", "stop_sequence"),
        (FinishReason.TOOL_CALLS, None, "tool_use"),
        (FinishReason.LENGTH, None, "max_tokens"),
        (FinishReason.CONTENT_FILTER, None, "refusal"),
    ],
)
def test_why_it_stopped(reason: FinishReason, sequence: str | None, said: str) -> None:
    delta, _ = stream(ReplyEnded(reason, None, sequence))
    body = whole(asked(), [Reply("r", "m", (), reason, None, sequence)], 0)

    assert (delta["delta"]["stop_reason"], delta["delta"]["stop_sequence"]) == (said, sequence)
    assert (body["stop_reason"], body["stop_sequence"]) == (said, sequence)


def test_thinking_is_signed_at_its_end() -> None:
    parts = (Thinking("Hm."), Text("Yes."))
    said = stream(*replay(Reply("r", "m", parts, FinishReason.STOP)))

    assert [event.get("delta", {}).get("type") for event in said[1:8]] == [
        None,
        "thinking_delta",
        "signature_delta",
        None,
        None,
        "text_delta",
        None,
    ]
    assert said[3]["delta"]["signature"] == UNSIGNED
    assert content(*parts)[0] == {"type": "thinking", "thinking": "Hm.", "signature": UNSIGNED}


def test_a_signature_that_came_is_kept() -> None:
    said = stream(PartStarted(0, Thinking("", "sig")), PartDelta(0, "Hm."), PartEnded(0))

    assert said[2]["delta"]["signature"] == "sig"
    assert content(Thinking("Hm.", "sig"))[0]["signature"] == "sig"


def test_hidden_thinking_makes_no_block() -> None:
    parts = (Thinking("Hm."), Text("Yes."))
    said = stream(*replay(Reply("r", "m", parts, FinishReason.STOP)), shown=False)

    assert [event["index"] for event in said if "index" in event] == [0, 0, 0]
    assert content(*parts, shown=False) == [{"type": "text", "text": "Yes."}]


def test_an_empty_part_makes_no_block() -> None:
    assert stream(PartStarted(0, Text("")), PartEnded(0)) == []
    assert stream(PartStarted(0, Thinking("")), PartEnded(0)) == []
    assert content(Text(""), Thinking("")) == []


def test_arguments_leave_as_they_arrive() -> None:
    said = stream(
        PartStarted(0, ToolCall("a", "f", "")),
        PartDelta(0, '{"x": 1.0,'),
        PartDelta(0, " "),
        PartDelta(0, '"y": 12345678901234567890}'),
        PartEnded(0),
    )

    assert said[0]["content_block"] == {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    assert [event["delta"]["partial_json"] for event in said[1:-1]] == [
        '{"x": 1.0,',
        " ",
        '"y": 12345678901234567890}',
    ]


def test_blanks_before_the_arguments_wait_for_them() -> None:
    """The SDKs parse what they have after each fragment, and blanks are no JSON."""
    said = stream(
        PartStarted(0, ToolCall("a", "f", "")),
        PartDelta(0, "\n"),
        PartDelta(0, " "),
        PartDelta(0, "{}"),
    )

    assert [event["delta"]["partial_json"] for event in said[1:]] == ["\n {}"]


def test_arguments_that_are_no_json_are_streamed_verbatim_and_refused_whole() -> None:
    said = stream(PartStarted(0, ToolCall("a", "f", "")), PartDelta(0, "echo"))

    assert said[1]["delta"]["partial_json"] == "echo"
    with pytest.raises(ProtocolError, match="f with arguments"):
        content(ToolCall("a", "f", "echo"), reason=FinishReason.TOOL_CALLS)


def test_only_the_last_call_of_a_cut_reply_may_be_incomplete() -> None:
    half = ToolCall("a", "f", '{"x":1,"y')

    assert content(half, reason=FinishReason.LENGTH)[0]["input"] == {"x": 1}
    with pytest.raises(ProtocolError):
        content(half, Text("more"), reason=FinishReason.LENGTH)


def test_a_failure_closes_the_open_block_and_says_the_error() -> None:
    encoder = AnthropicEncoder(asked(), 0)
    said = encoder.encode([ReplyStarted("r", "m"), PartStarted(0, Text("")), PartDelta(0, "Hel")])
    end = encoder.fail(BackendTimeout("It took too long."))

    assert [event["type"] for event in events(end)] == ["content_block_stop", "error"]
    assert walk(said + end) == "done"


def test_a_failure_before_the_start_is_just_the_error() -> None:
    encoder = AnthropicEncoder(asked(), 0)

    assert events(encoder.fail(BackendTimeout("Late."))) == [
        {
            "type": "error",
            "error": {"type": "timeout_error", "message": "Late."},
            "request_id": "req_1",
        }
    ]


def test_a_failure_after_the_end_changes_nothing() -> None:
    encoder = AnthropicEncoder(asked(), 0)
    said = encoder.encode(replay(Reply("r", "m", (), FinishReason.STOP)))

    assert walk(said + encoder.end() + encoder.fail(BackendTimeout("Late."))) == "done"


def test_a_heartbeat_is_a_ping() -> None:
    assert events(AnthropicEncoder(asked(), 0).heartbeat()) == [{"type": "ping"}]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("x"), "invalid_request_error"),
        (MethodNotAllowed("x", allowed=("POST",)), "invalid_request_error"),
        (BackendRefused("x", upstream=422), "invalid_request_error"),
        (NotLoggedIn("x"), "authentication_error"),
        (NotAllowed("x"), "authentication_error"),
        (NotAllowed("x", status=403), "permission_error"),
        (ModelNotFound("x"), "not_found_error"),
        (RequestTooLarge("x"), "request_too_large"),
        (TooBusy("x"), "rate_limit_error"),
        (RateLimited("x"), "rate_limit_error"),
        (BackendUnavailable("x"), "overloaded_error"),
        (BackendTimeout("x"), "timeout_error"),
        (BackendRefused("x", upstream=500), "api_error"),
        (ProxyError("x"), "api_error"),
    ],
)
def test_each_error_has_anthropics_name(error: ProxyError, kind: str) -> None:
    body = error_body(error, "req_1")

    assert body == {
        "type": "error",
        "error": {"type": kind, "message": "x"},
        "request_id": "req_1",
    }


def test_an_error_carries_its_details() -> None:
    body = error_body(InvalidRequest("x", details={"error_code": "y"}), "req_1")

    assert body["error"]["details"] == {"error_code": "y"}


def test_a_search_is_said_in_a_stream_and_at_once_alike() -> None:
    found = (Found("https://tea.test", "Tea", "It is hot.", "May 2026"),)
    parts = (
        Text("Let me see."),
        SearchCall("srvtoolu_1", "web_search", 'tea "green"'),
        SearchResult("srvtoolu_1", found),
        SearchCall("srvtoolu_2", "web_search", "more"),
        SearchResult("srvtoolu_2", error="max_uses_exceeded"),
        Text("Tea is hot."),
    )
    reply = Reply("1", "m", parts, FinishReason.STOP, Usage(5, 7, searches=1))
    stream = AnthropicEncoder(asked(), 0).encode(replay(reply))

    assert walk(stream) == "done"
    body = whole(asked(), [reply], 0)
    assert folded(stream) == read(body)
    assert [block["type"] for block in read(body)["content"]] == [
        "text",
        "server_tool_use",
        "web_search_tool_result",
        "server_tool_use",
        "web_search_tool_result",
        "text",
    ]
    assert read(body)["content"][1]["input"] == {"query": 'tea "green"'}
    assert body["usage"]["server_tool_use"] == {"web_search_requests": 1, "web_fetch_requests": 0}
