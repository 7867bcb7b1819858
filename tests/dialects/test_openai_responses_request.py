from typing import Any

import pytest
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from lingma_proxy.conversation.request import (
    Message,
    NamedTool,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
)
from lingma_proxy.conversation.search import WebSearch
from lingma_proxy.dialects.openai_responses_request import (
    UNHONOURED,
    ResponsesAsked,
    decode,
    input_items,
)
from lingma_proxy.errors import InvalidRequest

SCHEMA: dict[str, Any] = {"type": "object", "properties": {}}
READ: dict[str, Any] = {"type": "function", "name": "read", "parameters": SCHEMA}


def asked(**fields: Any) -> ResponsesAsked:
    return decode({"model": "m", "input": "hello", **fields}, "req_1")


def refusal(**fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        asked(**fields)
    return caught.value


def test_the_least_that_can_be_asked() -> None:
    found = asked()

    assert found.request.messages == (Message("user", (Text("hello"),)),)
    assert (found.request.id, found.request.model) == ("req_1", "m")
    assert (found.stream, found.choices, found.usage, found.warnings) == (False, 1, True, ())
    assert (found.store, found.summary, found.encrypted) == (True, False, False)


def test_an_empty_string_is_input() -> None:
    assert asked(input="", max_output_tokens=1).request.messages == (Message("user", (Text(""),)),)


@pytest.mark.parametrize("input", [None, []])
def test_no_input_is_none(input: Any) -> None:
    assert refusal(input=input).param == "input"
    assert asked(input=input, generate=False).request.messages == ()
    assert len(asked(input=input, instructions="Be brief.").request.messages) == 1


def test_instructions_come_first() -> None:
    assert [message.role for message in asked(instructions="Be brief.").request.messages] == [
        "system",
        "user",
    ]
    some = [{"role": "developer", "content": "a"}, {"role": "user", "content": "b"}]
    assert len(asked(instructions=some).request.messages) == 3
    assert refusal(instructions=[{"role": "judge"}]).param == "instructions[0].role"
    assert refusal(instructions=5).param == "instructions"


def test_the_answer_is_drawn_as_asked() -> None:
    sampling = asked(temperature=0.5, top_p=1, max_output_tokens=9, stop="END").request.sampling

    assert sampling == Sampling(temperature=0.5, top_p=1.0, max_tokens=9, stop=("END",))
    assert asked(max_tokens=9).request.sampling.max_tokens == 9


@pytest.mark.parametrize(
    ("thoughts", "include", "reasoning", "summary", "encrypted"),
    [
        (None, None, Reasoning(shown=False), False, False),
        ({"effort": "low"}, [], Reasoning(wanted=True, effort="low", shown=False), False, False),
        ({"effort": "none"}, [], Reasoning(wanted=False, effort="none", shown=False), False, False),
        ({"summary": "auto"}, [], Reasoning(), True, False),
        ({"summary": "none"}, [], Reasoning(shown=False), False, False),
        ({"generate_summary": "concise"}, [], Reasoning(), True, False),
        (None, ["reasoning.encrypted_content"], Reasoning(), False, True),
    ],
)
def test_thoughts_are_shown_to_whom_asks(
    thoughts: Any, include: Any, reasoning: Reasoning, *, summary: bool, encrypted: bool
) -> None:
    found = asked(reasoning=thoughts, include=include)

    assert found.request.reasoning == reasoning
    assert (found.summary, found.encrypted) == (summary, encrypted)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, ResponseFormat()),
        ({"type": "json_schema", "name": "a", "schema": SCHEMA}, ResponseFormat(SCHEMA, "a")),
        ({"type": "json_schema", "name": "a"}, ResponseFormat(None, "a")),
    ],
)
def test_a_format_is_asked_for(wanted: Any, found: ResponseFormat | None) -> None:
    assert asked(text={"format": wanted}).request.response_format == found


def test_tools_and_their_choice() -> None:
    request = asked(
        tools=[READ, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "read"},
        parallel_tool_calls=False,
    ).request

    assert [tool.name for tool in request.tools] == ["read"]
    assert request.tool_choice == NamedTool("read")
    assert not request.parallel_tool_calls


def test_the_conversation_has_the_name_of_its_cache() -> None:
    assert asked(prompt_cache_key="thread-1").request.conversation == "thread-1"


def test_a_call_needs_its_result() -> None:
    call = {"type": "function_call", "call_id": "1", "name": "read", "arguments": "{}"}

    assert refusal(input=[call]).param == "input"


# What is not honoured.

SAMPLES: dict[str, Any] = {
    "access_programs": {"cyber": "standard"},
    "background_options": {},
    "client_metadata": {"a": "b"},
    "context_management": [{"type": "compaction"}],
    "image": {"context_compression": "enabled"},
    "include": ["message.output_text.logprobs"],
    "max_tool_calls": 3,
    "metadata": {"a": "b"},
    "moderation": {"model": "m"},
    "previous_response_id": "resp_1",
    "prompt_cache_options": {"mode": "implicit"},
    "prompt_cache_retention": "24h",
    "safety_identifier": "a",
    "service_tier": "priority",
    "store": False,
    "stream_options": {"include_obfuscation": True},
    "top_logprobs": 3,
    "truncation": "auto",
    "user": "ann",
}
"""A value for each documented field that no other test of this file is about."""
HONOURED = {
    "input", "instructions", "max_output_tokens", "model", "parallel_tool_calls", "prompt_cache_key",
    "reasoning", "temperature", "text", "tool_choice", "tools", "top_p",
}  # fmt: skip
REFUSED = {"background": True, "conversation": "conv_1", "prompt": {"id": "pmpt_1"}}
NO_MATTER = {
    "background_options", "client_metadata", "max_tool_calls", "metadata", "previous_response_id",
    "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "store", "user",
}  # fmt: skip


def test_every_documented_field_is_thought_of() -> None:
    documented = set(ResponseCreateParamsBase.__annotations__)

    assert documented <= HONOURED | SAMPLES.keys() | REFUSED.keys()
    assert UNHONOURED.keys() <= SAMPLES.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_a_field_is_named_unless_no_answer_depends_on_it(name: str) -> None:
    warnings = asked(**{name: SAMPLES[name]}).warnings

    assert len(warnings) == (name not in NO_MATTER)
    assert all(warning.startswith(name) for warning in warnings)


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_answered_wrongly_is_refused(name: str) -> None:
    assert refusal(**{name: REFUSED[name]}).param == name
    assert asked(**{name: None}).warnings == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"background": False, "service_tier": "auto", "truncation": "disabled", "include": []},
        {"text": {"verbosity": "medium"}, "stream_options": {"include_obfuscation": False}},
        {"include": ["file_search_call.results", "reasoning.encrypted_content"]},
        {"reasoning": {"mode": "standard", "context": "all_turns"}, "moderation": None},
    ],
)
def test_what_asks_for_nothing_is_no_reason_to_warn(fields: dict[str, Any]) -> None:
    assert asked(**fields).warnings == ()


@pytest.mark.parametrize(
    ("fields", "beginning"),
    [
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"reasoning": {"mode": "pro"}}, "reasoning.mode"),
        ({"tools": [{"type": "file_search"}]}, "tools"),
        ({"input": ["hello", {"type": "web_search_call"}][1:], "instructions": "a"}, "input"),
    ],
)
def test_what_is_not_done_is_named(fields: dict[str, Any], beginning: str) -> None:
    (warning,) = asked(**fields).warnings

    assert warning.startswith(beginning)


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"model": 5}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": 3}, "temperature"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"metadata": {"a": 5}}, "metadata"),
        ({"metadata": []}, "metadata"),
        ({"truncation": "some"}, "truncation"),
        ({"text": {"verbosity": "loud"}}, "text.verbosity"),
        ({"text": {"format": "json"}}, "text.format"),
        ({"text": {"format": {"type": "xml"}}}, "text.format"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format"),
        (
            {"text": {"format": {"type": "json_schema", "name": "a", "schema": []}}},
            "text.format.schema",
        ),
        ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
        ({"reasoning": {"summary": "long"}}, "reasoning.summary"),
        ({"include": "all"}, "include"),
        ({"moderation": {"policy": {"input": {"mode": "block"}}}}, "moderation"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(fields: dict[str, Any], place: str) -> None:
    assert refusal(**fields).param == place


# What a response repeats.


def test_a_response_repeats_what_was_asked() -> None:
    echo = asked(
        instructions="Be brief.",
        tools=[READ],
        tool_choice="required",
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_object"}, "verbosity": "low"},
        metadata={"a": "b"},
        previous_response_id="resp_0",
        store=False,
        max_output_tokens=7,
    ).echo

    assert echo["instructions"] == "Be brief."
    assert echo["tools"] == [{"strict": None, **READ}]
    assert echo["tool_choice"] == "required"
    assert echo["reasoning"] == {"effort": "low", "summary": "auto"}
    assert echo["text"] == {"format": {"type": "json_object"}, "verbosity": "low"}
    assert echo["metadata"] == {"a": "b"}
    assert echo["previous_response_id"] == "resp_0"
    assert echo["store"] is False
    assert echo["max_output_tokens"] == 7


# Items as they are kept.


def test_a_string_is_kept_as_an_item() -> None:
    (item,) = input_items({"input": "hello"}, "req_1")

    assert item.pop("id").startswith("msg_")
    assert item == {
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": "hello"}],
    }


def test_items_keep_their_ids_and_get_those_they_lack() -> None:
    body = {
        "input": [
            {"role": "assistant", "content": "a"},
            {"type": "function_call_output", "call_id": "1", "output": "b"},
            {"type": "message", "role": "user", "id": "msg_mine", "content": []},
            {"type": "additional_tools", "tools": []},
            {"type": "shell_call", "call_id": "2"},
        ]
    }

    items = input_items(body, "req_1")

    assert items == input_items(body, "req_1")
    assert items[2] == body["input"][2]
    assert items[0]["content"] == [{"type": "output_text", "text": "a", "annotations": []}]
    assert [item["id"].split("_")[0] for item in items] == ["msg", "fco", "msg", "at", "item"]
    others = input_items(body, "req_2")
    assert {item["id"] for item in items} & {item["id"] for item in others} == {"msg_mine"}


def test_nothing_is_no_items() -> None:
    assert input_items({}, "req_1") == []


@pytest.mark.parametrize(("most", "uses"), [(None, None), (3, 3)])
def test_how_often_the_server_may_search_is_the_clients_word(most: Any, uses: Any) -> None:
    request = asked(tools=[{"type": "web_search"}], max_tool_calls=most).request

    assert request.web_search == WebSearch(max_uses=uses)


def test_no_call_of_the_servers_is_no_search() -> None:
    assert asked(tools=[{"type": "web_search"}], max_tool_calls=0).request.web_search is None
