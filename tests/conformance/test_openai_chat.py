"""OpenAI Chat, read back by OpenAI's own SDK: what it folds from a stream is the whole."""

from typing import Any

import openai
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.dialects.openai_chat import ChatEncoder, whole
from lingma_proxy.dialects.openai_chat_request import ChatAsked, decode
from lingma_proxy.dialects.openai_shared import error_body
from lingma_proxy.errors import (
    BackendTimeout,
    InvalidRequest,
    ModelNotFound,
    NotAllowed,
    ProxyError,
    RateLimited,
)
from lingma_proxy.jsonio import dumpb
from support.openai_sdk import client
from support.spoken import batches
from support.strategies import replies

NOW = 1_800_000_000
HELLO: Any = [{"role": "user", "content": "hello"}]
FUNCTIONS = [{"name": "shell"}]


def asked(n: int, functions: bool) -> ChatAsked:
    return decode(
        {
            "messages": HELLO,
            "n": n,
            "stream": True,
            "stream_options": {"include_usage": True},
            "functions": FUNCTIONS if functions else None,
        },
        "req_1",
    )


def folded(stream: bytes) -> Any:
    with client(stream).chat.completions.stream(model="m", messages=HELLO) as events:
        # `get_final_completion` raises when the reason is `length` or `content_filter`.
        return comparable(events.until_done().current_completion_snapshot.to_dict())


def unstreamed(body: Any) -> Any:
    answer = client(dumpb(body), media_type="application/json")
    return comparable(answer.chat.completions.create(model="m", messages=HELLO).to_dict())


def comparable(completion: Any) -> Any:
    """Without what only one of the two has: nulls of the SDK's, and empty annotations."""
    for choice in completion["choices"]:
        message = choice["message"]
        message.pop("annotations", None)
        choice["message"] = {name: value for name, value in message.items() if value is not None}
        for call in message.get("tool_calls") or []:
            call.pop("index", None)
            (call.get("function") or {}).pop("parsed_arguments", None)
            if call["type"] == "custom":
                call.pop("function", None)  # the SDK has a place for it in every call
    return completion


# The SDK imports and builds its models on first use.
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data(), st.lists(replies, min_size=1, max_size=3), st.booleans())
def test_the_stream_folds_to_the_whole(data: st.DataObject, said: list[Reply], functions: bool):
    question = asked(len(said), functions)
    encoder = ChatEncoder(question, NOW)
    # Who answers is the same for all choices of one request.
    said = [Reply("r", "qmodel", each.parts, each.reason, each.usage) for each in said]
    heard = data.draw(batches(said))
    stream = b"".join(encoder.encode(batch, choice) for choice, batch in heard) + encoder.end()

    assert folded(stream) == unstreamed(whole(question, said, NOW))


STORIES = {
    "text": Reply("r", "m", (Text("hello"),), FinishReason.STOP, Usage(3, 2)),
    "nothing": Reply("r", "m", (), FinishReason.STOP, Usage(3, 0)),
    "length": Reply("r", "m", (Text("hel"),), FinishReason.LENGTH, Usage(3, 2)),
    "filtered": Reply("r", "m", (), FinishReason.CONTENT_FILTER),
    "thinking": Reply(
        "r", "m", (Thinking("hm"), Text("yes")), FinishReason.STOP, Usage(3, 9, 1, 7)
    ),
    "awkward": Reply("r", "m", (Text(" “你好”\u2028😀\n\n"),), FinishReason.STOP),
    "calls": Reply(
        "r",
        "m",
        (
            Text("Let me look. "),
            ToolCall("call_1", "read", '{"path": "a", "big": 9223372036854775808}'),
            ToolCall("call_2", "read", "{}"),
        ),
        FinishReason.TOOL_CALLS,
        Usage(3, 20),
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_a_story_folds_to_the_whole(name: str):
    question = asked(1, functions=False)
    encoder = ChatEncoder(question, NOW)
    stream = encoder.heartbeat() + encoder.encode(replay(STORIES[name])) + encoder.end()

    assert folded(stream) == unstreamed(whole(question, [STORIES[name]], NOW))


def test_the_input_of_a_custom_tool_folds_to_the_whole():
    tools = [{"type": "custom", "custom": {"name": "patch"}}]
    body = {"messages": HELLO, "stream": True, "stream_options": {"include_usage": True}}
    question = decode({**body, "tools": tools}, "req_1")
    calls = (ToolCall("1", "patch", '{"input": "+ a\\n"}'), ToolCall("2", "patch", "+ b"))
    reply = Reply("r", "m", calls, FinishReason.TOOL_CALLS, Usage(3, 2))
    encoder = ChatEncoder(question, NOW)
    stream = encoder.encode(replay(reply)) + encoder.end()

    at_once = whole(question, [reply], NOW)

    ChatCompletion.model_validate_json(dumpb(at_once), strict=True)
    assert folded(stream) == unstreamed(at_once)


@pytest.mark.parametrize("name", ["text", "nothing", "thinking", "awkward", "calls"])
def test_the_sdk_has_a_final_completion(name: str):
    question = asked(1, functions=False)
    encoder = ChatEncoder(question, NOW)
    stream = encoder.encode(replay(STORIES[name])) + encoder.end()

    with client(stream).chat.completions.stream(model="m", messages=HELLO) as events:
        final = comparable(events.get_final_completion().to_dict())

    assert final == unstreamed(whole(question, [STORIES[name]], NOW))


@pytest.mark.parametrize("name", STORIES)
def test_an_answer_is_valid_for_the_sdks_types(name: str):
    body = whole(asked(1, functions=False), [STORIES[name]], NOW)

    ChatCompletion.model_validate_json(dumpb(body))


def test_the_sdk_iterates_over_every_chunk():
    question = asked(1, functions=False)
    encoder = ChatEncoder(question, NOW)
    stream = encoder.encode(replay(STORIES["text"])) + encoder.end()

    chunks = list(client(stream).chat.completions.create(model="m", messages=HELLO, stream=True))

    assert [chunk.choices[0].delta.content for chunk in chunks if chunk.choices] == [
        "",
        "hello",
        None,
    ]
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 5


def test_the_sdk_raises_an_error_that_comes_in_the_stream():
    encoder = ChatEncoder(asked(1, functions=False), NOW)
    stream = encoder.encode(replay(STORIES["text"])[:3])
    stream += encoder.fail(BackendTimeout("The vendor fell silent."))

    with pytest.raises(openai.APIError, match=r"The vendor fell silent\. \(request req_1\)"):
        list(client(stream).chat.completions.create(model="m", messages=HELLO, stream=True))


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (InvalidRequest("No.", param="n"), openai.BadRequestError),
        (NotAllowed("Give the key."), openai.AuthenticationError),
        (NotAllowed("Not from there.", status=403), openai.PermissionDeniedError),
        (ModelNotFound("No such model."), openai.NotFoundError),
        (RateLimited("Wait."), openai.RateLimitError),
        (BackendTimeout("Too slow."), openai.InternalServerError),
    ],
)
def test_the_sdk_raises_its_own_errors(error: ProxyError, raised: type[openai.APIStatusError]):
    body = dumpb(error_body(error, "req_1"))
    answer = client(body, status=error.status, media_type="application/json")

    with pytest.raises(raised) as caught:
        answer.chat.completions.create(model="m", messages=HELLO)

    assert caught.value.param == error.param
    assert error.message in caught.value.message
