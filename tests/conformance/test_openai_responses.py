"""OpenAI Responses, read back by OpenAI's own SDK: what it folds from a stream is the whole."""

from typing import Any

import openai
import pytest
from openai.types.responses import Response

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.dialects.openai_responses import ResponsesEncoder
from lingma_proxy.dialects.openai_responses_items import whole
from lingma_proxy.dialects.openai_responses_request import ResponsesAsked, decode
from lingma_proxy.dialects.openai_shared import error_body
from lingma_proxy.errors import InvalidRequest, ModelNotFound, NotAllowed, ProxyError, RateLimited
from lingma_proxy.jsonio import dumpb
from support.openai_sdk import client

NOW = 1_800_000_000
TOOLS = [
    {"type": "function", "name": "read", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "patch"},
    {"type": "local_shell"},
    {
        "type": "namespace",
        "name": "agents",
        "description": "Helpers.",
        "tools": [{"type": "function", "name": "stop"}],
    },
]
EVERYTHING = Reply(
    "r",
    "m",
    (
        Thinking("hm"),
        Text(" “Let me look.”\u2028😀\n\n"),
        ToolCall("call_1", "read", '{"big": 9223372036854775808}'),
        ToolCall("call_2", "patch", '{"input": "+ a\\n"}'),
        ToolCall("call_3", "agents__stop", "{}"),
        ToolCall("call_4", "local_shell", '{"command": ["ls"]}'),
    ),
    FinishReason.TOOL_CALLS,
    Usage(10, 5, 4, 3),
)


def asked() -> ResponsesAsked:
    body = {
        "model": "m",
        "input": "hello",
        "tools": TOOLS,
        "reasoning": {"summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "stream": True,
    }
    return decode(body, "req_1")


def stream(reply: Reply) -> bytes:
    encoder = ResponsesEncoder(asked(), NOW)
    return encoder.heartbeat() + encoder.encode(replay(reply)) + encoder.end()


def unstreamed(reply: Reply) -> Response:
    answer = client(dumpb(whole(asked(), [reply], NOW)), media_type="application/json")
    return answer.responses.create(model="m", input="hello")


def comparable(value: Any) -> Any:
    """Without what only one of the SDK's ways adds: its own parsing, and nulls."""
    match value:
        case dict():
            return {
                name: comparable(each)
                for name, each in value.items()
                if each is not None and not name.startswith("parsed")
            }
        case list():
            return [comparable(each) for each in value]
        case _:
            return value


def test_the_final_response_is_the_whole() -> None:
    with client(stream(EVERYTHING)).responses.stream(model="m", input="hello") as events:
        final = events.get_final_response()

    assert comparable(final.to_dict()) == comparable(unstreamed(EVERYTHING).to_dict())


def test_the_sdk_knows_every_item_by_its_type() -> None:
    thought, message, function, custom, other, shell = unstreamed(EVERYTHING).output

    assert thought.type == "reasoning"
    assert message.type == "message"
    assert function.type == "function_call"
    assert (custom.type, getattr(custom, "input", None)) == ("custom_tool_call", "+ a\n")
    assert (other.type, getattr(other, "namespace", None)) == ("function_call", "agents")
    assert shell.type == "local_shell_call"


def test_the_sdk_reads_the_text() -> None:
    assert unstreamed(EVERYTHING).output_text == " “Let me look.”\u2028😀\n\n"


def test_the_sdk_hears_the_deltas() -> None:
    events = list(client(stream(EVERYTHING)).responses.create(model="m", input="x", stream=True))

    said = [
        event.delta for event in events if event.type == "response.custom_tool_call_input.delta"
    ]
    assert said == ["+ a\n"]
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_the_sdk_is_told_of_a_limit() -> None:
    cut = Reply("r", "m", (Text("hel"),), FinishReason.LENGTH)
    events = list(client(stream(cut)).responses.create(model="m", input="x", stream=True))

    last = events[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert last.response.incomplete_details.reason == "max_output_tokens"
    assert last.response.output_text == "hel"


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (InvalidRequest("No.", param="input"), openai.BadRequestError),
        (NotAllowed("Give the key."), openai.AuthenticationError),
        (ModelNotFound("No such model."), openai.NotFoundError),
        (RateLimited("Wait."), openai.RateLimitError),
    ],
)
def test_the_sdk_raises_its_own_errors(
    error: ProxyError, raised: type[openai.APIStatusError]
) -> None:
    answer = client(
        dumpb(error_body(error, "req_1")), status=error.status, media_type="application/json"
    )

    with pytest.raises(raised) as caught:
        answer.responses.create(model="m", input="hello")

    assert caught.value.param == error.param
