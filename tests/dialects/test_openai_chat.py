import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall, SearchResult
from lingma_proxy.dialects.openai_chat import DIALECT, ChatEncoder, whole
from lingma_proxy.dialects.openai_chat_request import ChatAsked, decode
from lingma_proxy.errors import BackendUnavailable
from lingma_proxy.jsonio import dumpb
from support.chat_grammar import ChatGrammar
from support.spoken import batches
from support.strategies import replies

NOW = 1_800_000_000
FUNCTIONS = [{"name": "shell"}]


def asked(**fields: Any) -> ChatAsked:
    messages = [{"role": "user", "content": "hello"}]
    return decode({"model": "auto", "messages": messages, "stream": True, **fields}, "req_7f")


def chunks(data: bytes) -> list[Any]:
    lines = data.decode().split("\n\n")[:-1]
    assert all(line.startswith("data: ") for line in lines)
    return [line if line == "data: [DONE]" else json.loads(line[6:]) for line in lines]


def deltas(data: bytes) -> list[Any]:
    return [chunk["choices"][0]["delta"] for chunk in chunks(data)]


def stream(reply: Reply, **fields: Any) -> bytes:
    return ChatEncoder(asked(**fields), NOW).encode(replay(reply))


def reply(*parts: Text | Thinking | ToolCall, reason: FinishReason = FinishReason.STOP) -> Reply:
    return Reply("r1", "qmodel", parts, reason, Usage(10, 5, 4, 2))


CALL = ToolCall("call_1", "shell", '{"command": "ls"}')
OTHER = ToolCall("call_2", "shell", "{}")
ROLE = {"role": "assistant", "content": "", "refusal": None}
ROLE_ONLY = {"role": "assistant", "content": None, "refusal": None}


CUSTOM = [{"type": "custom", "custom": {"name": "patch"}}]
EDIT = ToolCall("call_3", "patch", '{"input": "+ a\\n"}')

# The stream.


@given(st.data(), st.lists(replies, min_size=1, max_size=3), st.booleans(), st.booleans())
def test_every_stream_is_legal(
    data: st.DataObject, said: list[Reply], usage: bool, functions: bool
):
    question = asked(
        n=len(said),
        stream_options={"include_usage": usage},
        functions=FUNCTIONS if functions else [],
    )
    encoder = ChatEncoder(question, NOW)
    grammar = ChatGrammar(len(said), usage=usage)
    for choice, batch in data.draw(batches(said)):
        grammar.feed(encoder.encode(batch, choice))
    grammar.feed(encoder.end())
    grammar.end()


@given(st.data(), st.lists(replies, min_size=1, max_size=2))
def test_a_stream_that_breaks_off_anywhere_ends_once_and_with_an_error(
    data: st.DataObject, said: list[Reply]
):
    encoder = ChatEncoder(asked(n=len(said)), NOW)
    grammar = ChatGrammar(len(said), usage=False)
    heard = data.draw(batches(said))
    for choice, batch in heard[: data.draw(st.integers(0, len(heard)))]:
        grammar.feed(encoder.encode(batch, choice))
        grammar.feed(encoder.heartbeat())
    grammar.feed(encoder.fail(BackendUnavailable("The vendor is gone.")))
    grammar.end()


def test_text_streams_as_content_after_the_role():
    data = stream(reply(Text("hello")))

    assert deltas(data) == [ROLE, {"content": "hello"}, {}]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks(data)] == [None, None, "stop"]


def test_a_custom_tool_gets_its_input_as_it_comes():
    encoder = ChatEncoder(asked(tools=CUSTOM), NOW)
    grammar = ChatGrammar(1, usage=False)
    events: list[Event] = [
        ReplyStarted("r", "qmodel"),
        PartStarted(0, ToolCall("call_3", "patch", "")),
        *(PartDelta(0, piece) for piece in ['{"input": "+', " a\\", 'n"', "}"]),
        PartEnded(0),
        ReplyEnded(FinishReason.TOOL_CALLS),
    ]
    said = b"".join(encoder.encode([event]) for event in events)

    head = {"index": 0, "id": "call_3", "type": "custom", "custom": {"name": "patch", "input": ""}}
    more = [{"tool_calls": [{"index": 0, "custom": {"input": it}}]} for it in ("+", " a", "\n")]
    assert deltas(said) == [ROLE_ONLY, {"tool_calls": [head]}, *more, {}]
    grammar.feed(said + encoder.end())
    grammar.end()


def test_a_custom_tools_input_comes_whole_when_it_is_no_json():
    data = stream(reply(ToolCall("call_3", "patch", "{ run }")), tools=CUSTOM)

    assert deltas(data)[2] == {"tool_calls": [{"index": 0, "custom": {"input": "{ run }"}}]}


def test_a_call_of_a_custom_tool_is_said_whole():
    body = whole(asked(tools=CUSTOM), [reply(EDIT)], NOW)

    (call,) = body["choices"][0]["message"]["tool_calls"]
    assert call == {
        "id": "call_3",
        "type": "custom",
        "custom": {"name": "patch", "input": "+ a\n"},
    }


def test_a_call_streams_with_its_head_first_then_only_arguments():
    data = stream(reply(CALL, OTHER, reason=FinishReason.TOOL_CALLS))

    function = {"name": "shell", "arguments": ""}
    assert deltas(data) == [
        ROLE_ONLY,
        {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": function}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": CALL.arguments}}]},
        {"tool_calls": [{"index": 1, "id": "call_2", "type": "function", "function": function}]},
        {"tool_calls": [{"index": 1, "function": {"arguments": "{}"}}]},
        {},
    ]
    assert chunks(data)[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_thinking_streams_as_reasoning_content():
    assert deltas(stream(reply(Thinking("hm"), Text("yes")))) == [
        ROLE_ONLY,
        {"reasoning_content": "hm"},
        {"content": "yes"},
        {},
    ]


def test_content_that_is_empty_is_said_at_the_end_if_not_before():
    assert deltas(stream(reply(Thinking("hm"))))[-1] == {"content": ""}
    assert deltas(stream(reply(CALL, Text(""))))[-1] == {"content": ""}
    assert deltas(stream(reply()))[-1] == {}


def test_thinking_is_dropped_when_the_request_asks_not_to_see_it():
    hidden = {"reasoning": {"exclude": True}}

    assert deltas(stream(reply(Thinking("hm"), Text("yes")), **hidden)) == [
        ROLE,
        {"content": "yes"},
        {},
    ]
    assert "hm" not in json.dumps(whole(asked(**hidden), [reply(Thinking("hm"))], NOW))


def test_the_first_delta_leaves_at_once():
    encoder = ChatEncoder(asked(), NOW)
    encoder.encode([ReplyStarted("r1", "qmodel"), PartStarted(0, Text(""))])

    assert deltas(encoder.encode([PartDelta(0, "hel")])) == [{"content": "hel"}]
    assert deltas(encoder.encode([PartDelta(0, "lo"), PartDelta(0, "!")])) == [
        {"content": "lo"},
        {"content": "!"},
    ]


def test_chunks_say_the_model_that_answers():
    assert {chunk["model"] for chunk in chunks(stream(reply(Text("hi"))))} == {"qmodel"}


def test_a_name_that_looks_like_the_gap_in_a_template_does_no_harm():
    start = (ReplyStarted("r1", "\x00the delta\x00"), PartStarted(0, Text("")))
    data = ChatEncoder(asked(), NOW).encode([*start, PartDelta(0, "hi"), PartEnded(0)])

    assert deltas(data)[1] == {"content": "hi"}
    assert chunks(data)[1]["model"] == "\x00the delta\x00"


def test_usage_comes_last_and_is_null_until_then():
    question = asked(stream_options={"include_usage": True})
    encoder = ChatEncoder(question, NOW)
    said = chunks(encoder.encode(replay(reply(Text("hi")))) + encoder.end())

    *before, usage, done = said
    assert all(chunk["usage"] is None for chunk in before)
    assert usage["choices"] == []
    assert usage["usage"]["prompt_tokens"] == 10
    assert usage["usage"]["prompt_tokens_details"]["cached_tokens"] == 4
    assert usage["usage"]["completion_tokens_details"]["reasoning_tokens"] == 2
    assert done == "data: [DONE]"


def test_no_usage_is_said_when_nobody_asked_or_nobody_knows():
    encoder = ChatEncoder(asked(), NOW)
    assert "usage" not in chunks(encoder.encode(replay(reply())))[0]
    assert encoder.end() == b"data: [DONE]\n\n"

    encoder = ChatEncoder(asked(stream_options={"include_usage": True}), NOW)
    encoder.encode([ReplyStarted("r", "m"), ReplyEnded(FinishReason.STOP)])
    assert encoder.end() == b"data: [DONE]\n\n"


def test_the_prompt_of_several_choices_counts_once():
    said = whole(asked(n=2), [reply(Text("a")), reply(Text("b"))], NOW)

    assert said["usage"]["prompt_tokens"] == 10
    assert said["usage"]["completion_tokens"] == 10
    assert said["usage"]["total_tokens"] == 20


def test_choices_are_introduced_in_order():
    encoder = ChatEncoder(asked(n=3), NOW)
    data = encoder.encode([ReplyStarted("r", "m"), PartStarted(0, Text(""))], 2)

    assert [chunk["choices"][0]["index"] for chunk in chunks(data)] == [0, 1, 2]
    assert deltas(data) == [ROLE_ONLY, ROLE_ONLY, ROLE]


def test_a_failure_is_an_error_object_and_then_the_terminator():
    error, done = chunks(ChatEncoder(asked(), NOW).fail(BackendUnavailable("Nobody is there.")))

    assert error["error"]["message"] == "Nobody is there. (request req_7f)"
    assert error["error"]["type"] == "server_error"
    assert done == "data: [DONE]"


def test_a_sign_of_life_is_a_comment():
    assert ChatEncoder(asked(), NOW).heartbeat().startswith(b":")


# Whole.


def test_an_answer_has_every_field_that_typed_clients_read():
    said = whole(asked(), [reply(Text("hi"))], NOW)

    assert said | {"usage": None} == {
        "id": "chatcmpl-7f",
        "object": "chat.completion",
        "created": NOW,
        "model": "qmodel",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "hi",
                    "refusal": None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": None,
        "service_tier": "default",
        "system_fingerprint": None,
    }


@pytest.mark.parametrize(
    ("parts", "content"),
    [((), ""), ((Thinking("hm"),), ""), ((CALL,), None), ((Text("a"), CALL, Text("b")), "ab")],
)
def test_content_is_null_when_there_are_only_calls(parts: Any, content: str | None):
    message = whole(asked(), [reply(*parts)], NOW)["choices"][0]["message"]

    assert message["content"] == content


def test_calls_are_said_verbatim():
    odd = '{"id": 9223372036854775808,  "path": "“a”\u2028"}'
    message = whole(asked(), [reply(ToolCall("c", "f", odd))], NOW)["choices"][0]["message"]

    assert message["tool_calls"] == [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": odd}}
    ]


@pytest.mark.parametrize(
    ("reason", "parts", "word"),
    [
        (FinishReason.STOP, [Text("a")], "stop"),
        (FinishReason.STOP, [CALL], "tool_calls"),
        (FinishReason.TOOL_CALLS, [CALL], "tool_calls"),
        (FinishReason.TOOL_CALLS, [Text("a")], "stop"),
        (FinishReason.LENGTH, [CALL], "length"),
        (FinishReason.CONTENT_FILTER, [Text("a")], "content_filter"),
    ],
)
def test_the_finish_reason_tells_the_truth_about_calls(reason: Any, parts: Any, word: str):
    said = reply(*parts, reason=reason)

    assert whole(asked(), [said], NOW)["choices"][0]["finish_reason"] == word
    assert chunks(stream(said))[-1]["choices"][0]["finish_reason"] == word


# Functions, the way before tools.


def test_a_call_among_functions_is_a_function_call():
    said = reply(CALL, reason=FinishReason.TOOL_CALLS)
    message = whole(asked(functions=FUNCTIONS), [said], NOW)["choices"][0]

    assert message["message"]["function_call"] == {"name": "shell", "arguments": CALL.arguments}
    assert "tool_calls" not in message["message"]
    assert message["finish_reason"] == "function_call"
    assert deltas(stream(said, functions=FUNCTIONS)) == [
        ROLE_ONLY,
        {"function_call": {"name": "shell", "arguments": ""}},
        {"function_call": {"arguments": CALL.arguments}},
        {},
    ]


def test_a_second_call_among_functions_is_not_lost():
    message = whole(asked(functions=FUNCTIONS), [reply(CALL, OTHER)], NOW)["choices"][0]["message"]

    assert message["function_call"]["arguments"] == CALL.arguments
    assert [call["id"] for call in message["tool_calls"]] == ["call_2"]


def test_the_dialect_names_its_routes():
    assert DIALECT.paths == ("/v1/chat/completions", "/api/v1/chat/completions")
    assert dumpb(DIALECT.error(BackendUnavailable("x"), "r")).startswith(b'{"error":')


def test_a_search_that_nobody_could_ask_for_here_is_passed_over():
    parts = (SearchCall("s", "web_search", "tea"), SearchResult("s"), Text("so"))
    reply = Reply("1", "m", parts, FinishReason.STOP)
    stream = ChatEncoder(asked(), 0).encode(replay(reply))

    assert b"tea" not in stream
    assert whole(asked(), [reply], 0)["choices"][0]["message"]["content"] == "so"
