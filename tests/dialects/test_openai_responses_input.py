"""Items become turns: nothing lost, nothing moved, nothing made up."""

from typing import Any

import pytest

from lingma_proxy.conversation.request import (
    Document,
    DocumentLink,
    ImageLink,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.dialects.openai_reasoning_content import hidden
from lingma_proxy.dialects.openai_responses_input import UNREADABLE, Items, as_list
from lingma_proxy.dialects.openai_responses_tools import offered
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import loads
from support.judges import PIXEL

TOOLS = [
    {"type": "custom", "name": "patch"},
    {"type": "namespace", "name": "agents", "tools": [{"type": "function", "name": "stop"}]},
]


def read(*items: Any) -> tuple[Message, ...]:
    return Items(items, offered({"tools": TOOLS}, [])).messages()


def warned(*items: Any) -> list[str]:
    found = Items(items, offered({}, []))
    found.messages()
    return list(found.warnings)


def refusal(*items: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        read(*items)
    return caught.value


def call(id: str, **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": "read", "arguments": "{}", **more}


def said(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "assistant", "content": text}


# Messages.


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_stand_where_they_stand(role: str) -> None:
    assert read({"role": "user", "content": "a"}, {"role": role, "content": " b\n"}) == (
        Message("user", (Text("a"),)),
        Message("system", (Text(" b\n"),)),
    )


def test_parts_of_a_message_are_kept_apart() -> None:
    parts = [
        {"type": "input_text", "text": " a"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "high"},
        {"type": "input_image", "image_url": "https://example.com/a.png"},
        {"type": "input_text", "text": ""},
    ]

    (message,) = read({"type": "message", "role": "user", "content": parts, "id": "msg_1"})

    assert [type(part).__name__ for part in message.parts] == ["Text", "Image", "ImageLink", "Text"]


def test_files_are_shown_by_the_user_and_by_results() -> None:
    file = {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}
    link = {"type": "input_file", "file_url": "https://example.com/a.pdf"}

    shown, answered = read(
        {"role": "user", "content": [file, link]},
        {"type": "function_call_output", "call_id": "1", "output": [file]},
    )

    read_it = Document("text/plain", b"hi", "a.txt")
    assert shown.parts == (read_it, DocumentLink("https://example.com/a.pdf"))
    assert answered.parts == (ToolResult("1", (read_it,)),)


def test_what_an_assistant_refused_was_said() -> None:
    parts = [{"type": "output_text", "text": "a"}, {"type": "refusal", "refusal": "No."}]

    assert read({"role": "assistant", "content": parts}) == (
        Message("assistant", (Text("a"), Text("No."))),
    )


def test_a_string_is_a_message_of_the_users() -> None:
    assert read(*as_list("")) == (Message("user", (Text(""),)),)
    assert as_list(None) == []


# Calls and their results.


def test_thoughts_text_and_calls_are_one_turn() -> None:
    thought = {"type": "reasoning", "summary": [], "encrypted_content": hidden(Thinking("hm"))}

    assert read(
        {"role": "user", "content": "x"},
        thought,
        said("Let me look."),
        call("1"),
        call("2", name="stop", namespace="agents"),
        {"type": "function_call_output", "call_id": "1", "output": "a"},
        {"type": "function_call_output", "call_id": "2", "output": ""},
        said("So."),
    ) == (
        Message("user", (Text("x"),)),
        Message(
            "assistant",
            (
                Thinking("hm"),
                Text("Let me look."),
                ToolCall("1", "read", "{}"),
                ToolCall("2", "agents__stop", "{}"),
            ),
        ),
        Message("user", (ToolResult("1", (Text("a"),)), ToolResult("2", (Text(""),)))),
        Message("assistant", (Text("So."),)),
    )


def test_two_messages_in_a_row_are_two_replies() -> None:
    assert len(read(said("a"), said("b"))) == 2
    assert len(read({"role": "user", "content": "a"}, {"role": "user", "content": "b"})) == 2


def test_arguments_are_never_spelled_anew() -> None:
    written = ' {"a":  9223372036854775808}\n'

    assert read(call("1", arguments=written))[0].parts == (ToolCall("1", "read", written),)


def test_the_input_of_a_custom_tool_comes_back_as_the_model_wrote_it() -> None:
    ((made,),) = [
        it.parts
        for it in read(
            {"type": "custom_tool_call", "call_id": "1", "name": "patch", "input": "+\n"}
        )
    ]

    assert made == ToolCall("1", "patch", '{"input":"+\\n"}')


@pytest.mark.parametrize("kind", ["function_call_output", "custom_tool_call_output"])
def test_a_result_may_be_a_list_with_pictures_or_nothing(kind: str) -> None:
    some = [
        {"type": "input_text", "text": "a"},
        {"type": "input_image", "image_url": "https://example.com/a.png"},
    ]

    (message,) = read(
        {"type": kind, "call_id": "1", "output": some},
        {"type": kind, "call_id": "2", "output": []},
        {"type": kind, "call_id": "3"},
    )

    assert message.parts == (
        ToolResult("1", (Text("a"), ImageLink("https://example.com/a.png"))),
        ToolResult("2", ()),
        ToolResult("3", ()),
    )


@pytest.mark.parametrize("names", [{"id": "lsh_1"}, {"id": "call_1"}, {"call_id": "call_1"}])
def test_the_output_of_a_shell_finds_its_call(names: dict[str, str]) -> None:
    action: dict[str, Any] = {"type": "exec", "command": ["ls"], "env": {}, "user": None}

    made, answered = read(
        {"type": "local_shell_call", "id": "lsh_1", "call_id": "call_1", "action": action},
        {"type": "local_shell_call_output", "output": "a", **names},
    )

    assert made.parts == (ToolCall("call_1", "local_shell", '{"command":["ls"],"env":{}}'),)
    assert answered.parts == (ToolResult("call_1", (Text("a"),)),)


def test_a_search_for_tools_is_a_call() -> None:
    made, answered = read(
        {"type": "tool_search_call", "call_id": "1", "arguments": {"query": "a"}},
        {
            "type": "tool_search_output",
            "call_id": "1",
            "tools": [{"type": "function", "name": "b"}],
        },
    )

    assert made.parts == (ToolCall("1", "tool_search", '{"query":"a"}'),)
    (result,) = answered.parts
    assert isinstance(result, ToolResult)
    assert result.content == (Text('[{"type":"function","name":"b"}]'),)


def test_other_calls_that_clients_run_are_kept() -> None:
    made, answered = read(
        {"type": "shell_call", "call_id": "1", "action": {"commands": ["ls"]}},
        {"type": "apply_patch_call", "call_id": "2", "operation": {"type": "delete_file"}},
        {"type": "shell_call_output", "call_id": "1", "output": [{"stdout": "a"}]},
        {"type": "apply_patch_call_output", "call_id": "2", "output": "Done."},
    )

    names = [
        (part.name, loads(part.arguments)) for part in made.parts if isinstance(part, ToolCall)
    ]
    assert names == [
        ("shell", {"action": {"commands": ["ls"]}}),
        ("apply_patch", {"operation": {"type": "delete_file"}}),
    ]
    assert [part.content for part in answered.parts if isinstance(part, ToolResult)] == [
        (Text('[{"stdout":"a"}]'),),
        (Text("Done."),),
    ]


def test_a_call_of_an_mcp_server_is_kept_with_what_came_of_it() -> None:
    item = {"type": "mcp_call", "id": "mcp_1", "name": "roll", "arguments": "{}", "output": "4"}

    assert read(item) == (
        Message("assistant", (ToolCall("mcp_1", "roll", "{}"),)),
        Message("user", (ToolResult("mcp_1", (Text("4"),)),)),
    )


# Thoughts.


@pytest.mark.parametrize(
    ("item", "thought"),
    [
        ({"encrypted_content": hidden(Thinking("a", "me"))}, Thinking("a", "me")),
        ({"encrypted_content": "gAAAA", "summary": [{"text": "b"}]}, Thinking("b")),
        ({"content": [{"text": "a"}], "summary": [{"text": "b"}]}, Thinking("a")),
        ({"summary": [{"text": "a"}, {"text": "b"}], "content": None}, Thinking("a\n\nb")),
    ],
)
def test_thoughts_come_back(item: dict[str, Any], thought: Thinking) -> None:
    assert read({"type": "reasoning", "id": "rs_1", **item}) == (Message("assistant", (thought,)),)


@pytest.mark.parametrize("content", ["gAAAA", "", None, 5, hidden(Thinking("a"))[:-3]])
def test_thoughts_of_others_are_no_fault(content: Any) -> None:
    assert read({"type": "reasoning", "summary": [], "encrypted_content": content}) == ()


# What is left out, and what is refused.


def test_what_openai_ran_itself_is_left_out_with_a_warning() -> None:
    items = [{"type": "web_search_call", "id": "ws_1"}, {"type": "image_generation_call"}]

    assert warned(*items, *items) == [
        "input: items of type 'web_search_call' are left out.",
        "input: items of type 'image_generation_call' are left out.",
    ]


def test_the_model_is_told_of_a_summary_that_cannot_be_read() -> None:
    item = {"type": "compaction", "encrypted_content": "gAAAA"}

    assert read(item) == (Message("system", (Text(UNREADABLE),)),)
    assert warned(item)


@pytest.mark.parametrize(
    ("item", "place"),
    [
        (None, "input[0]"),
        ({}, "input[0]"),
        ({"type": "of tomorrow"}, "input[0].type"),
        ({"type": "item_reference", "id": "msg_1"}, "input[0]"),
        ({"type": "compaction_trigger"}, "input[0]"),
        ({"type": "message"}, "input[0].role"),
        ({"role": "judge", "content": "a"}, "input[0].role"),
        ({"role": 5, "content": "a"}, "input[0].role"),
        ({"role": "user"}, "input[0].content"),
        ({"role": "user", "content": {}}, "input[0].content"),
        ({"role": "user", "content": ["a"]}, "input[0].content[0]"),
        ({"role": "user", "content": [{"type": "input_audio"}]}, "input[0].content[0]"),
        (
            {"role": "user", "content": [{"type": "input_image", "file_id": "f"}]},
            "input[0].content[0]",
        ),
        ({"role": "user", "content": [{"type": "input_text"}]}, "input[0].content[0]"),
        ({"role": "user", "content": [{"type": "of tomorrow"}]}, "input[0].content[0]"),
        ({"role": "user", "content": [{"type": "input_file"}]}, "input[0].content[0]"),
        ({"role": "system", "content": [{"type": "input_file"}]}, "input[0].content[0]"),
        (
            {"role": "assistant", "content": [{"type": "input_image", "image_url": "https://a/"}]},
            "input[0].content[0]",
        ),
        ({"type": "function_call", "name": "a", "arguments": "{}"}, "input[0].call_id"),
        ({"type": "function_call", "call_id": "1", "arguments": "{}"}, "input[0].name"),
        (call("1", arguments={}), "input[0].arguments"),
        (call("1", namespace=5), "input[0].namespace"),
        ({"type": "custom_tool_call", "call_id": "1", "name": "a"}, "input[0].input"),
        ({"type": "function_call_output", "output": "a"}, "input[0].call_id"),
        ({"type": "function_call_output", "call_id": "1", "output": 5}, "input[0].output"),
        ({"type": "mcp_call", "id": "1"}, "input[0]"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(item: Any, place: str) -> None:
    assert refusal(item).param == place


def test_input_is_a_string_or_a_list() -> None:
    with pytest.raises(InvalidRequest, match="not a number"):
        as_list(5)
