"""A whole response, item by item, as the official SDK's types demand it."""

from typing import Any

import pytest
from openai.types.responses import Response

from lingma_proxy.conversation.events import FinishReason, Head, Usage
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.dialects.openai_reasoning_content import revealed
from lingma_proxy.dialects.openai_responses_items import failed, our, whole
from lingma_proxy.dialects.openai_responses_request import ResponsesAsked, decode
from lingma_proxy.errors import BackendTimeout, InvalidRequest, ProxyError, RateLimited
from lingma_proxy.jsonio import dumpb
from support.vectors import vectors

NOW = 1_800_000_000
TOOLS = [
    {"type": "function", "name": "read", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "patch"},
    {"type": "local_shell"},
    {"type": "tool_search", "execution": "client"},
    {
        "type": "namespace",
        "name": "agents",
        "description": "",
        "tools": [{"type": "function", "name": "stop"}, {"type": "custom", "name": "run"}],
    },
]


def asked(**fields: Any) -> ResponsesAsked:
    return decode({"model": "m", "input": "hello", "tools": TOOLS, **fields}, "req_1")


def answer(
    *parts: Head,
    reason: FinishReason = FinishReason.STOP,
    usage: Usage | None = None,
    **fields: Any,
) -> dict[str, Any]:
    found = whole(asked(**fields), [Reply("r", "qmodel", parts, reason, usage)], NOW)
    Response.model_validate_json(dumpb(found), strict=True)
    return found


def output(*parts: Head, **fields: Any) -> list[dict[str, Any]]:
    """The items, without their ids."""
    items: list[dict[str, Any]] = answer(*parts, **fields)["output"]
    return [{name: value for name, value in item.items() if name != "id"} for item in items]


def test_text_is_a_message() -> None:
    text = {"type": "output_text", "annotations": [], "logprobs": [], "text": " a\n"}

    assert output(Text(" a\n")) == [
        {"type": "message", "status": "completed", "content": [text], "role": "assistant"}
    ]


def test_a_call_is_told_apart_from_its_item() -> None:
    (item,) = answer(ToolCall("call_1", "read", ' {"a": 1}'))["output"]

    assert item.pop("id").startswith("fc_")
    assert item == {
        "type": "function_call",
        "status": "completed",
        "arguments": ' {"a": 1}',
        "call_id": "call_1",
        "name": "read",
    }


def test_a_tool_of_a_namespace_is_called_by_both_names() -> None:
    function, custom = output(
        ToolCall("1", "agents__stop", "{}"), ToolCall("2", "agents__run", '{"input": "go"}')
    )

    assert (function["name"], function["namespace"]) == ("stop", "agents")
    assert (custom["name"], custom["namespace"], custom["input"]) == ("run", "agents", "go")


def test_a_custom_tool_gets_text() -> None:
    assert output(ToolCall("1", "patch", '{"input": "+ a\\n"}')) == [
        {
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": "1",
            "input": "+ a\n",
            "name": "patch",
        }
    ]


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ('{"command": ["ls", "-l"], "timeout_ms": 5, "env": {"A": "b"}}', ["ls", "-l"]),
        ('{"command": "ls -l", "timeout_ms": 5, "env": {"A": "b"}}', ["bash", "-lc", "ls -l"]),
    ],
)
def test_a_shell_gets_a_command(arguments: str, command: list[str]) -> None:
    (item,) = output(ToolCall("1", "local_shell", arguments))

    assert item["type"] == "local_shell_call"
    assert item["action"] == {
        "type": "exec",
        "command": command,
        "env": {"A": "b"},
        "timeout_ms": 5,
        "user": None,
        "working_directory": None,
    }


@pytest.mark.parametrize(
    "arguments", ["", "ls", "{}", "[]", '{"command": []}', '{"command": [5]}', '{"command": {}}']
)
def test_a_shell_without_a_command_is_a_call_that_the_client_can_refuse(arguments: str) -> None:
    (item,) = output(ToolCall("1", "local_shell", arguments))

    assert (item["type"], item["name"], item["arguments"]) == (
        "function_call", "local_shell", arguments,
    )  # fmt: skip


def test_a_search_for_tools_gets_its_arguments() -> None:
    (item,) = output(ToolCall("1", "tool_search", '{"query": "a"}'))

    assert item == {
        "type": "tool_search_call",
        "status": "completed",
        "call_id": "1",
        "execution": "client",
        "arguments": {"query": "a"},
    }


# Thoughts.

SHOWN = {"summary": [{"type": "summary_text", "text": "hm"}]}


def test_thoughts_are_given_as_asked() -> None:
    thinking = Thinking("hm", "me")
    encrypted = ["reasoning.encrypted_content"]

    assert output(thinking) == []
    assert output(thinking, reasoning={"summary": "auto"}) == [{"type": "reasoning", **SHOWN}]
    (hidden,) = output(thinking, include=encrypted)
    assert hidden["summary"] == []
    assert revealed(hidden["encrypted_content"]) == thinking
    (both,) = output(thinking, include=encrypted, reasoning={"summary": "auto"})
    assert both == {**hidden, **SHOWN}


# Ends.


def test_a_reply_that_was_cut_is_incomplete() -> None:
    found = answer(Text("a"), ToolCall("1", "read", '{"a'), reason=FinishReason.LENGTH)

    assert found["status"] == "incomplete"
    assert found["incomplete_details"] == {"reason": "max_output_tokens"}
    assert [item["status"] for item in found["output"]] == ["completed", "incomplete"]


def test_a_reply_that_was_filtered_is_incomplete() -> None:
    found = answer(reason=FinishReason.CONTENT_FILTER)

    assert found["incomplete_details"] == {"reason": "content_filter"}
    assert found["output"] == []


def test_tokens_are_counted_in_detail() -> None:
    assert answer(usage=Usage(10, 5, 4, 3))["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 15,
    }
    assert answer()["usage"] is None


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (RateLimited("Wait."), "rate_limit_exceeded", "Wait."),
        (InvalidRequest("No."), "invalid_prompt", "No."),
        (BackendTimeout("Too slow."), "server_error", "Too slow. (request req_1)"),
    ],
)
def test_a_failure_says_why(error: ProxyError, code: str, message: str) -> None:
    found = failed(asked(), NOW, "qmodel", [], error)

    Response.model_validate_json(dumpb(found), strict=True)
    assert (found["status"], found["error"]) == ("failed", {"code": code, "message": message})


# What real clients send.

CAPTURED = vectors("responses_requests")


@pytest.mark.parametrize("body", CAPTURED.values(), ids=CAPTURED)
def test_a_real_client_is_understood_and_answered(body: dict[str, Any]) -> None:
    question = decode(body, "req_1")
    calls = [ToolCall(str(at), tool.name, "{}") for at, tool in enumerate(question.request.tools)]
    found = whole(question, [Reply("r", "qmodel", (*calls,), FinishReason.STOP)], NOW)

    Response.model_validate_json(dumpb(found), strict=True)
    declared = [tool["name"] for tool in functions(body)]
    assert [item["name"] for item in found["output"]] == declared
    assert all("web_search" in warning or "verbosity" in warning for warning in question.warnings)


def functions(value: Any) -> list[dict[str, Any]]:
    """The functions and custom tools, wherever they are declared."""
    match value:
        case {"type": "function" | "custom", "name": str()}:
            return [value]
        case {"tools": list()} | {"input": list()}:
            return functions(value.get("tools") or []) + functions(value.get("input") or [])
        case list():
            return [each for item in value for each in functions(item)]
        case _:
            return []


# Ids.


def test_ids_cannot_be_guessed_and_are_never_the_same() -> None:
    parts = (Text("a"), Text("a"), ToolCall("call_1", "read", "{}"))
    first = whole(asked(), [Reply("r", "m", parts, FinishReason.STOP)], NOW)
    other = decode({"input": "hello"}, "req_2")
    second = whole(other, [Reply("r", "m", parts, FinishReason.STOP)], NOW)

    ids = [item["id"] for response in (first, second) for item in response["output"]]
    assert len(set(ids)) == len(ids)
    assert first["id"] == "resp_1"
    assert our(other) is other
