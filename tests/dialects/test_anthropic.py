from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.request import (
    Message,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
)
from lingma_proxy.dialects.anthropic import decode
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import is_object

BODY: dict[str, Any] = {
    "model": "m",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hi"}],
}


def asked(**more: Any) -> Any:
    return decode({**BODY, **more}, "req_1")


def test_the_smallest_request() -> None:
    found = asked()

    assert (found.stream, found.choices, found.warnings) == (False, 1, ())
    assert found.request.id == "req_1"
    assert found.request.model == "m"
    assert found.request.messages == (Message("user", (Text("Hi"),)),)
    assert found.request.sampling == Sampling(max_tokens=100)
    assert found.request.reasoning == Reasoning(shown=False)


@pytest.mark.parametrize(
    ("user_id", "name"),
    [
        ('{"device_id":"d","account_uuid":"","session_id":"257dc721"}', "257dc721"),
        ("user_0a1b_account_2c3d_session_257dc721", "257dc721"),
        ("somebody", ""),
        ('{"device_id":"d"}', ""),
        ('{"session_id":7}', ""),
        ('{"session_id', ""),
        ("[" * 100_000, ""),
        (7, ""),
        (None, ""),
    ],
)
def test_a_conversation_is_called_what_claude_code_calls_its_session(
    user_id: Any, name: str
) -> None:
    assert asked(metadata={"user_id": user_id}).request.conversation == name
    assert asked(metadata=user_id).request.conversation == ""


def test_everything_that_says_how_to_draw() -> None:
    found = asked(
        max_tokens=0,
        temperature=0,
        top_p=0.5,
        top_k=4,
        stop_sequences=["a", "\n\n", "a"],
        stream=True,
    )

    assert found.stream
    assert found.request.sampling == Sampling(0, 0.5, 4, 0, ("a", "\n\n"))


@pytest.mark.parametrize(
    ("thinking", "reasoning"),
    [
        (None, Reasoning(shown=False)),
        ({"type": "disabled"}, Reasoning(wanted=False, shown=False)),
        ({"type": "adaptive"}, Reasoning(wanted=True)),
        ({"type": "adaptive", "display": "updates"}, Reasoning(wanted=True)),
        ({"type": "adaptive", "display": "omitted"}, Reasoning(wanted=True, shown=False)),
        ({"type": "enabled", "budget_tokens": 50}, Reasoning(wanted=True, budget_tokens=50)),
        # One that leaves nothing to say is clamped: qwen-code sends it.
        ({"type": "enabled", "budget_tokens": 100}, Reasoning(wanted=True, budget_tokens=99)),
        (
            {"type": "enabled", "budget_tokens": 9, "display": "omitted"},
            Reasoning(wanted=True, budget_tokens=9, shown=False),
        ),
    ],
)
def test_thinking(thinking: Any, reasoning: Reasoning) -> None:
    assert asked(thinking=thinking).request.reasoning == reasoning
    assert asked(thinking=thinking, output_config={"effort": "max"}).request.reasoning == replace(
        reasoning, effort="max"
    )


def test_the_effort_of_a_turn_is_that_of_its_last_system_message() -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "system", "output_config": {"effort": "low"}},
    ]

    assert (
        asked(messages=messages, output_config={"effort": "max"}).request.reasoning.effort == "low"
    )


@pytest.mark.parametrize("effort", ["heroic", ["high"], 1])
def test_an_unknown_effort_is_warned_about(effort: Any) -> None:
    found = asked(output_config={"effort": effort})

    assert found.request.reasoning.effort is None
    assert "effort" in found.warnings[0]


@pytest.mark.parametrize("field", ["output_config", "output_format"])
def test_an_answer_can_be_asked_to_fit_a_schema(field: str) -> None:
    format = {"type": "json_schema", "schema": {"type": "object"}}
    value = format if field == "output_format" else {"format": format}

    assert asked(**{field: value}).request.response_format == ResponseFormat({"type": "object"})


def test_a_prefill_stays_the_last_message() -> None:
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "The answer is ("},
    ]

    assert asked(messages=messages).request.messages[-1] == Message(
        "assistant", (Text("The answer is ("),)
    )


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue"}])
def test_a_thread_is_refused_so_that_the_sdks_recover(thread: Any) -> None:
    result = {"type": "tool_result", "tool_use_id": "from before", "content": "x"}

    with pytest.raises(InvalidRequest) as caught:
        asked(thread=thread, messages=[{"role": "user", "content": [result]}])

    assert caught.value.details == {
        "error_code": "thread_unsupported_request",
        "unsupported": ["thread"],
    }


def test_unknown_fields_and_those_without_consequence_pass() -> None:
    found = asked(
        metadata={"user_id": "{}"},
        service_tier="auto",
        safeguards=[{"type": "dangerous_tool_use"}],
        cache_control={"type": "ephemeral"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        speed="standard",
        brand_new={"type": "whatever"},
        thread=None,
        tools=[],
    )

    assert found.warnings == ()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("container", "c1"),
        ("mcp_servers", [{"type": "url", "url": "https://example.com", "name": "x"}]),
        ("context_management", {"edits": [{"type": "clear_tool_uses_20250919"}]}),
        ("fallbacks", "default"),
        ("inference_geo", "eu"),
        ("speed", "fast"),
        ("diagnostics", {"previous_message_id": "msg_1"}),
        ("billing_policy", {"type": "billing_policy", "bill_to": "user_profile"}),
        (
            "messages",
            [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {"type": "text", "data": "x"},
                            "citations": {"enabled": True},
                        }
                    ],
                }
            ],
        ),
        ("output_config", {"task_budget": {"type": "tokens", "total": 5}}),
    ],
)
def test_what_has_no_effect_is_named_in_a_warning(field: str, value: Any) -> None:
    (warning,) = asked(**{field: value}).warnings

    assert field in warning


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", 1),
        ("max_tokens", None),
        ("max_tokens", -1),
        ("max_tokens", "100"),
        ("max_tokens", True),
        ("max_tokens", 1.5),
        ("temperature", "hot"),
        ("temperature", -1),
        ("temperature", True),
        ("top_p", 2),
        ("top_k", 1.5),
        ("stop_sequences", "x"),
        ("stop_sequences", [""]),
        ("stop_sequences", [1]),
        ("stream", "yes"),
        ("thinking", {"type": "hard"}),
        ("thinking", True),
        ("thinking", {"type": "enabled"}),
        ("thinking", {"type": "enabled", "budget_tokens": 0}),
        ("output_config.format", {"type": "xml"}),
        ("output_format", {"type": "json_schema"}),
        ("compaction", {"type": "summarize"}),
    ],
)
def test_a_wrong_value_is_refused_by_its_name(field: str, value: Any) -> None:
    name, _, inner = field.partition(".")

    with pytest.raises(InvalidRequest) as caught:
        asked(**{name: {inner: value} if inner else value})

    assert str(caught.value.param).startswith(field)
    assert caught.value.message.startswith(field)


def test_a_result_without_its_call_is_refused() -> None:
    result = {"type": "tool_result", "tool_use_id": "nobody", "content": "x"}

    with pytest.raises(InvalidRequest, match="nobody"):
        asked(messages=[{"role": "user", "content": [result]}])


def test_what_claude_code_sends_is_understood() -> None:
    """The shape of its second turn, with a tool's result, to a model that it does not know."""
    ephemeral = {"type": "ephemeral"}
    found = asked(
        max_tokens=32000.0,
        stream=True,
        system=[
            {"type": "text", "text": "x-header: version=1;"},
            {"type": "text", "text": "You are an agent.", "cache_control": ephemeral},
        ],
        messages=[
            {"role": "user", "content": [{"type": "text", "text": "Run it."}]},
            {"role": "system", "content": "# Environment\n"},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "", "signature": "s"},
                    {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "t1",
                        "content": "hello\n",
                        "is_error": False,
                        "cache_control": ephemeral,
                    }
                ],
            },
        ],
        tools=[
            {"name": "Bash", "description": "Run.", "input_schema": {"type": "object"}},
            {"name": "Later", "input_schema": {"type": "object"}, "defer_loading": True},
        ],
        thinking={"type": "adaptive", "display": "omitted"},
        output_config={"effort": "high"},
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    )

    assert [message.role for message in found.request.messages] == [
        *["system", "user", "system", "assistant", "user"]
    ]
    assert [tool.name for tool in found.request.tools] == ["Bash"]
    assert found.warnings == ()


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, -1, 1.5, 10**30, True, "", "x" * 5000, [], {}, [1], [[]], {"type": "text"}, {"type": 1}]
)
FULL: dict[str, Any] = {
    **BODY,
    "system": [{"type": "text", "text": "a"}],
    "messages": [
        {
            "role": "user",
            "content": [{"type": "document", "source": {"type": "text", "data": "x"}}],
        },
        {
            "role": "system",
            "content": [{"type": "text", "text": "b"}],
            "output_config": {"effort": "low"},
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a",
                    "content": [{"type": "tool_reference", "tool_name": "g"}],
                }
            ],
        },
    ],
    "tools": [
        {"name": "f", "input_schema": {"type": "object"}},
        {"name": "g", "input_schema": {}, "defer_loading": True},
        {"type": "computer_20250124", "name": "computer", "display_width_px": 1},
        {"type": "mcp_toolset", "mcp_server_name": "m"},
    ],
    "tool_choice": {"type": "tool", "name": "f"},
    "thinking": {"type": "enabled", "budget_tokens": 9},
    "output_config": {"format": {"type": "json_schema", "schema": {}}, "effort": "high"},
    "context_management": {"edits": [{"type": "x", "keep": "all"}]},
    "diagnostics": {"previous_message_id": "m"},
    "stop_sequences": ["x"],
}


@st.composite
def broken(draw: st.DrawFn, value: Any = FULL) -> Any:
    """The full request, with something else in a few places."""
    if draw(st.integers(0, 19)) == 19:
        return draw(JUNK)
    match value:
        case dict():
            return {key: draw(broken(item)) for key, item in value.items()}
        case list():
            return [draw(broken(item)) for item in value]
        case _:
            return value


@given(broken().filter(is_object))
def test_a_body_of_any_shape_is_read_or_refused_in_a_sentence(body: Any) -> None:
    try:
        decode(body, "req_1")
    except InvalidRequest as error:
        assert error.message.endswith((".", "…"))  # noqa: PT017 - whether it is refused depends on the draw
        assert len(error.message) < 500  # noqa: PT017 - likewise
