from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParamsBase

from lingma_proxy.conversation.request import (
    NamedTool,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
    ToolCall,
    ToolResult,
)
from lingma_proxy.dialects.openai_chat_request import UNHONOURED, ChatAsked, decode
from lingma_proxy.errors import InvalidRequest
from support.strategies import json_objects, json_values

HELLO = [{"role": "user", "content": "hello"}]
SHELL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "shell", "parameters": {"type": "object"}},
}


def asked(**fields: Any) -> ChatAsked:
    return decode({"messages": HELLO, **fields}, "req_1")


def sampled(**fields: Any) -> Sampling:
    return asked(**fields).request.sampling


def refusal(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as error:
        asked(**fields)
    return error.value


def complaint(**fields: Any) -> InvalidRequest | None:
    try:
        asked(**fields)
    except InvalidRequest as error:
        return error
    return None


# What is honoured.


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"prompt_cache_key": "01a20355"}, "01a20355"),
        ({"prompt_cache_key": None}, ""),
        ({"prompt_cache_key": 7}, ""),
        ({"user": "somebody", "safety_identifier": "somebody"}, ""),
    ],
)
def test_a_conversation_is_called_by_its_cache_key(fields, name):
    assert asked(**fields).request.conversation == name


def test_what_is_not_said_is_not_sent():
    question = asked()

    assert question.request.id == "req_1"
    assert question.request.model == ""
    assert question.request.sampling == Sampling()
    assert question.request.reasoning == Reasoning()
    assert question.request.response_format is None
    assert question.request.parallel_tool_calls
    assert (question.stream, question.choices, question.usage) == (False, 1, False)
    assert question.warnings == ()


def test_null_is_like_nothing():
    names = CompletionCreateParamsBase.__annotations__.keys() - {"messages"}

    assert asked(**dict.fromkeys([*names, "stream", "stream_options", "top_k"])) == asked()


def test_sampling_is_kept():
    assert sampled(
        temperature=0,
        top_p=0.5,
        top_k=40,
        max_tokens=100,
        stop=["a", "b"],
        seed=2**70,
        presence_penalty=-2,
        frequency_penalty=2,
    ) == Sampling(0.0, 0.5, 40, 100, ("a", "b"), 2**70, -2.0, 2.0)


def test_the_newer_limit_wins():
    assert sampled(max_tokens=1, max_completion_tokens=2).max_tokens == 2


def test_no_limit_may_be_spelled_as_lm_studio_does():
    assert sampled(max_tokens=-1).max_tokens is None


def test_top_k_of_all_is_none():
    assert sampled(top_k=0).top_k is sampled(top_k=-1).top_k is None


@pytest.mark.parametrize(
    ("stop", "kept"),
    [("a", ("a",)), ([], ()), ([" "], (" ",)), (list("abcdef"), tuple("abcdef")), ("", ())],
)
def test_stop_is_one_or_many(stop: Any, kept: tuple[str, ...]):
    assert sampled(stop=stop).stop == kept


def test_a_stop_that_stops_nothing_is_named():
    assert asked(stop=["", "a"]).warnings == ("stop: an empty sequence stops nothing.",)


def test_the_stream_and_its_usage():
    question = asked(stream=True, stream_options={"include_usage": True})

    assert (question.stream, question.usage) == (True, True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reasoning_effort": "none"}, Reasoning(False, "none")),
        ({"reasoning_effort": "minimal"}, Reasoning(True, "minimal")),
        ({"reasoning_effort": "xhigh"}, Reasoning(True, "xhigh")),
        ({"reasoning": {"effort": "high", "enabled": True}}, Reasoning(True, "high")),
        ({"reasoning": {"enabled": False}}, Reasoning(False)),
        ({"reasoning": {"max_tokens": 9}}, Reasoning(True, None, 9)),
        ({"reasoning": {"exclude": True}}, Reasoning(shown=False)),
        ({"enable_thinking": True, "thinking_budget": 50}, Reasoning(True, None, 50)),
        ({"enable_thinking": False}, Reasoning(False)),
        ({"chat_template_kwargs": {"enable_thinking": False}}, Reasoning(False)),
        ({"thinking": {"type": "enabled", "budget_tokens": 7}}, Reasoning(True, None, 7)),
        ({"thinking": {"type": "disabled"}}, Reasoning(False)),
        ({"thinking": {"type": "auto"}}, Reasoning()),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "low"}, Reasoning(False, "low")),
    ],
)
def test_reasoning_is_said_in_many_ways(fields: Any, expected: Reasoning):
    assert asked(**fields).request.reasoning == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, ResponseFormat()),
        ({"type": "json_object", "schema": {"type": "array"}}, ResponseFormat({"type": "array"})),
        ({"type": "json_schema", "json_schema": {"name": "a"}}, ResponseFormat(None, "a")),
        (
            {"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "strict": True}},
            ResponseFormat({}, "a"),
        ),
    ],
)
def test_the_format_of_the_answer(value: Any, expected: Any):
    assert asked(response_format=value).request.response_format == expected


# Tools.


def test_tools_and_the_choice_among_them():
    question = asked(
        tools=[SHELL],
        tool_choice={"type": "function", "function": {"name": "shell"}},
        parallel_tool_calls=False,
    ).request

    assert [tool.name for tool in question.tools] == ["shell"]
    assert question.tool_choice == NamedTool("shell")
    assert not question.parallel_tool_calls


def test_allowed_tools_are_the_only_ones_offered():
    other = {"type": "function", "function": {"name": "other"}}
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "other"}}]}
    question = asked(
        tools=[SHELL, other], tool_choice={"type": "allowed_tools", "allowed_tools": allowed}
    ).request

    assert [tool.name for tool in question.tools] == ["other"]
    assert question.tool_choice == "required"


@pytest.mark.parametrize(
    ("said", "meant"), [(None, "auto"), ("none", "none"), ({"name": "shell"}, NamedTool("shell"))]
)
def test_functions_are_tools_that_are_called_one_at_a_time(said: Any, meant: Any):
    question = asked(functions=[SHELL["function"]], function_call=said)

    assert question.functions
    assert [tool.name for tool in question.request.tools] == ["shell"]
    assert question.request.tool_choice == meant
    assert not question.request.parallel_tool_calls


def test_functions_and_tools_exclude_each_other():
    assert refusal(functions=[SHELL["function"]], tools=[SHELL]).param == "functions"


# Warnings.

WORTH_A_WARNING: dict[str, Any] = {
    "audio": {"voice": "alloy", "format": "mp3"},
    "logit_bias": {"50256": -100},
    "logprobs": True,
    "modalities": ["text", "audio"],
    "moderation": {"model": "m", "policy": {"input": {"mode": "score"}}},
    "prediction": {"type": "content", "content": "x"},
    "service_tier": "flex",
    "store": True,
    "stream_options": {"include_obfuscation": True},
    "top_logprobs": 3,
    "verbosity": "low",
    "web_search_options": {},
}
WITHOUT_EFFECT: dict[str, Any] = {
    "logit_bias": {},
    "logprobs": False,
    "metadata": {"a": "b"},
    "modalities": ["text"],
    "prompt_cache_key": "k",
    "prompt_cache_options": {"mode": "implicit"},
    "prompt_cache_retention": "24h",
    "safety_identifier": "me",
    "service_tier": "auto",
    "store": False,
    "stream_options": {},
    "top_logprobs": 0,
    "user": "me",
    "verbosity": "medium",
}
HONOURED = {
    "frequency_penalty",
    "function_call",
    "functions",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "stream_options",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
}


@pytest.mark.parametrize("name", WORTH_A_WARNING)
def test_what_is_not_honoured_is_named(name: str):
    (warning,) = asked(**{name: WORTH_A_WARNING[name]}).warnings

    assert warning.startswith(name)


@pytest.mark.parametrize("name", WITHOUT_EFFECT)
def test_what_has_no_effect_is_not_mentioned(name: str):
    found = asked(**{name: WITHOUT_EFFECT[name]})

    assert replace(found, request=replace(found.request, conversation="")) == asked()


def test_every_documented_field_is_accounted_for():
    documented = CompletionCreateParamsBase.__annotations__.keys()

    assert documented == HONOURED | WITHOUT_EFFECT.keys() | WORTH_A_WARNING.keys()
    assert UNHONOURED.keys() <= WORTH_A_WARNING.keys()


@pytest.mark.parametrize(("detail", "warned"), [("auto", 0), ("high", 0), ("low", 1)])
def test_the_detail_of_images_is_all_the_same(detail: str, warned: int):
    image = {"url": "https://example.com/a.png", "detail": detail}
    content = [{"type": "image_url", "image_url": image}] * 2

    assert len(asked(messages=[{"role": "user", "content": content}]).warnings) == warned


# Refusals.


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"model": 1}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": []}, "stream_options"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"temperature": 2.5}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 1.1}, "top_p"),
        ({"presence_penalty": -3}, "presence_penalty"),
        ({"frequency_penalty": True}, "frequency_penalty"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -2, "max_completion_tokens": 1}, "max_tokens"),
        ({"max_completion_tokens": "many"}, "max_completion_tokens"),
        ({"seed": 0.5}, "seed"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"stop": 1}, "stop"),
        ({"stop": ["a", 1]}, "stop"),
        ({"reasoning_effort": "extreme"}, "reasoning_effort"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort"),
        ({"thinking": {"type": 1}}, "thinking.type"),
        ({"enable_thinking": "no"}, "enable_thinking"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": 1}}},
            "response_format.json_schema.schema",
        ),
        ({"tools": {}}, "tools"),
        ({"tools": [SHELL, SHELL]}, "tools[1]"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"functions": [SHELL]}, "functions[0]"),
        ({"function_call": "shell"}, "function_call"),
        ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"modalities": "text"}, "modalities"),
        ({"moderation": {"policy": {"output": {"mode": "block"}}}}, "moderation"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields: Any, param: str):
    assert refusal(**fields).param == param


def test_history_is_checked():
    call = {"id": "c", "type": "function", "function": {"name": "shell", "arguments": "{}"}}

    assert refusal(messages=[{"role": "assistant", "tool_calls": [call]}]).param == "messages"
    orphan = {"role": "tool", "tool_call_id": "c", "content": "x"}
    assert "'c'" in refusal(messages=[*HELLO, orphan]).message


FIELDS = sorted(
    CompletionCreateParamsBase.__annotations__.keys()
    | {"stream", "stream_options", "reasoning", "thinking", "enable_thinking", "unheard_of"}
)


@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=4))
def test_whatever_comes_is_decoded_or_refused_in_words(fields: Any):
    error = complaint(**fields)

    assert error is None or (error.param and error.message.endswith("."))


@given(st.lists(json_objects | json_values, min_size=1), st.sampled_from(["user", "assistant"]))
def test_whatever_is_said_is_decoded_or_refused_in_words(parts: Any, role: str):
    error = complaint(messages=[{"role": role, "content": parts, "tool_calls": parts}])

    assert error is None or (error.param or "").startswith("messages")


# As real clients send it.


def test_a_second_turn_of_the_python_sdk():
    function = {"arguments": '{"command": "ls"}', "name": "shell"}
    parsed = {**function, "parsed_arguments": {"command": "ls"}}
    call = {"id": "call_8b", "function": parsed, "type": "function", "index": 0}
    question = asked(
        model="m",
        messages=[
            {"role": "developer", "content": "Be terse."},
            *HELLO,
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_8b", "content": "a.txt"},
        ],
        tools=[SHELL],
    )

    assert [message.role for message in question.request.messages] == [
        "system",
        "user",
        "assistant",
        "user",
    ]
    assert question.request.messages[2].parts == (
        ToolCall("call_8b", "shell", function["arguments"]),
    )
    assert question.request.messages[3].parts == (ToolResult("call_8b", (Text("a.txt"),)),)


def test_an_agent_that_sends_everything_it_knows():
    question = asked(
        model="kmodel",
        messages=[
            *HELLO,
            {"role": "assistant", "content": "", "tool_calls": []},
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {}}]},
            {"role": "user", "content": "b"},
        ],
        reasoning={"effort": "high", "enabled": True},
        max_completion_tokens=32000,
        store=False,
        temperature=0,
        top_p=1,
        presence_penalty=0,
        frequency_penalty=0,
        tools=[{**SHELL, "function": {**SHELL["function"], "strict": False}}],
        response_format={"type": "json_object"},
        unheard_of={"x": 1},
    )

    assert question.warnings == ()
    assert len(question.request.messages) == 4


def test_a_custom_tool_is_a_function_with_one_string():
    patch = {"type": "custom", "custom": {"name": "patch", "description": "Edits."}}
    choice = {"type": "custom", "custom": {"name": "patch"}}

    found = asked(tools=[SHELL, patch], tool_choice=choice)

    assert [tool.name for tool in found.request.tools] == ["shell", "patch"]
    assert found.request.tools[1].parameters["required"] == ["input"]
    assert found.request.tool_choice == NamedTool("patch")
    assert found.customs == {"patch"}
    assert refusal(tools=[{"type": "custom", "custom": {}}]).param == "tools[0].custom"
    assert refusal(tools=[{"type": "custom"}]).param == "tools[0]"
