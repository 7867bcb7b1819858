from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.request import (
    Document,
    Image,
    ImageLink,
    Message,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.dialects.openai_chat_messages import conversation
from lingma_proxy.errors import InvalidRequest
from support.strategies import texts

PNG = b"\x89PNG\r\n\x1a\n"
DATA_URL = f"data:image/png;base64,{b64encode(PNG).decode()}"
CALL = {"id": "call_1", "type": "function", "function": {"name": "ls", "arguments": "{ }"}}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def assistant(**fields: Any) -> dict[str, Any]:
    return {"role": "assistant", **fields}


def tool(id: str, content: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": content}


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), texts), min_size=1))
def test_text_is_kept_as_it_came_and_where_it_stands(said: list[tuple[Any, str]]):
    messages = [{"role": role, "content": text} for role, text in said]

    assert conversation(messages) == tuple(Message(role, (Text(text),)) for role, text in said)


def test_a_developer_is_the_system():
    assert conversation([{"role": "developer", "content": "x"}])[0].role == "system"


def test_names_are_kept():
    messages = [{"role": role, "content": "x", "name": "Ann"} for role in ("user", "assistant")]

    assert [message.name for message in conversation(messages)] == ["Ann", "Ann"]


def test_parts_stay_apart_and_in_order():
    (message,) = conversation(
        [
            user(
                {"type": "text", "text": " a"},
                {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}},
                {"type": "text", "text": ""},
                {"type": "image_url", "image_url": "https://example.com/b.png"},
            )
        ]
    )

    assert message.parts == (
        Text(" a"),
        Image("image/png", PNG),
        Text(""),
        ImageLink("https://example.com/b.png"),
    )


@pytest.mark.parametrize(
    ("content", "parts"),
    [(None, ()), ("", (Text(""),)), ([], ()), ([{"type": "text", "text": "a"}], (Text("a"),))],
)
def test_an_assistant_may_say_nothing_beside_its_calls(content: Any, parts: Any):
    (message,) = conversation([assistant(content=content, tool_calls=[CALL])])

    assert message.parts == (*parts, ToolCall("call_1", "ls", "{ }"))


def test_an_assistant_thinks_speaks_and_calls_in_that_order():
    (message,) = conversation(
        [assistant(tool_calls=[CALL], content="so", reasoning_content="hm", refusal=None)]
    )

    assert message.parts == (Thinking("hm"), Text("so"), ToolCall("call_1", "ls", "{ }"))


def test_a_refusal_is_text():
    parts = [{"type": "refusal", "refusal": "no"}]

    assert conversation([assistant(content=None, refusal="no")])[0].parts == (Text("no"),)
    assert conversation([assistant(content=parts)])[0].parts == (Text("no"),)


@pytest.mark.parametrize("arguments", ["", "{", '{"id": 18446744073709551616, "b":1,"a":2}', "“"])
def test_arguments_are_text_and_stay_so(arguments: str):
    call = {"id": "c", "function": {"name": "f", "arguments": arguments}}

    assert conversation([assistant(tool_calls=[call])])[0].parts == (ToolCall("c", "f", arguments),)


def test_the_input_of_a_custom_tool_comes_back_as_the_model_wrote_it():
    call = {"id": "c", "type": "custom", "custom": {"name": "patch", "input": "+\n"}}

    assert conversation([assistant(tool_calls=[call])])[0].parts == (
        ToolCall("c", "patch", '{"input":"+\\n"}'),
    )


def test_results_that_follow_one_another_are_one_message():
    messages = [
        tool("a", "one"),
        tool("b", ""),
        {"role": "user", "content": "go on"},
        tool("c", None),
        tool("d", [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": DATA_URL}]),
    ]

    assert conversation(messages) == (
        Message("user", (ToolResult("a", (Text("one"),)), ToolResult("b", (Text(""),)))),
        Message("user", (Text("go on"),)),
        Message(
            "user",
            (ToolResult("c", ()), ToolResult("d", (Text("x"), Image("image/png", PNG)))),
        ),
    )


def test_a_file_is_a_document():
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf,x"}}
    document = Document("application/pdf", b"x", "a.pdf")

    assert conversation([user(file), tool("a", [file])]) == (
        Message("user", (document,)),
        Message("user", (ToolResult("a", (document,)),)),
    )


def test_a_function_call_and_its_result_find_each_other():
    said, came = conversation(
        [
            assistant(content=None, function_call={"name": "ls", "arguments": "{}"}),
            {"role": "function", "name": "ls", "content": "a.txt"},
        ]
    )

    assert said.parts == (ToolCall("function_ls", "ls", "{}"),)
    assert came.parts == (ToolResult("function_ls", (Text("a.txt"),)),)


PART = "messages[0].content[0]"


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        (None, "messages"),
        ([], "messages"),
        ({}, "messages"),
        ("hello", "messages"),
        (["hello"], "messages[0]"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": "ipython", "content": "x"}], "messages[0].role"),
        ([{"role": 1, "content": "x"}], "messages[0].role"),
        ([{"role": "user"}], "messages[0].content"),
        ([{"role": "user", "content": None}], "messages[0].content"),
        ([{"role": "user", "content": []}], "messages[0].content"),
        ([{"role": "user", "content": 1}], "messages[0].content"),
        ([{"role": "system", "content": {}}], "messages[0].content"),
        ([{"role": "user", "content": "x", "name": 1}], "messages[0].name"),
        ([user("x")], PART),
        ([user({"text": "x"})], PART),
        ([user({"type": "text"})], PART),
        ([user({"type": "text", "text": 1})], PART),
        ([user({"type": "input_audio", "input_audio": {}})], PART),
        ([user({"type": "file"})], PART),
        ([user({"type": "file", "file": {}})], f"{PART}.file"),
        ([user({"type": "file", "file": {"file_id": "f"}})], f"{PART}.file.file_id"),
        ([user({"type": "video_url", "video_url": {}})], PART),
        ([user({"type": "image_url", "image_url": {}})], PART),
        ([user({"type": "image_url", "image_url": ""})], f"{PART}.image_url"),
        (
            [user({"type": "image_url", "image_url": "data:image/png;base64,?"})],
            f"{PART}.image_url",
        ),
        ([user({"type": "image_url", "image_url": "data:text/plain,x"})], f"{PART}.image_url"),
        ([{"role": "system", "content": [{"type": "image_url", "image_url": "x"}]}], PART),
        ([assistant(content=[{"type": "image_url", "image_url": "x"}])], PART),
        ([assistant(content="x", audio={"id": "a"})], "messages[0].audio"),
        ([assistant(tool_calls={})], "messages[0].tool_calls"),
        ([assistant(tool_calls=[1])], "messages[0].tool_calls[0]"),
        ([assistant(tool_calls=[{"function": CALL["function"]}])], "messages[0].tool_calls[0]"),
        ([assistant(tool_calls=[{**CALL, "type": "custom"}])], "messages[0].tool_calls[0]"),
        (
            [assistant(tool_calls=[{"type": "custom", "id": "1", "custom": {"name": "ls"}}])],
            "messages[0].tool_calls[0]",
        ),
        (
            [assistant(tool_calls=[{"id": "a", "function": {"name": "f", "arguments": {}}}])],
            "messages[0].tool_calls[0].function.arguments",
        ),
        ([assistant(function_call={"name": "f"})], "messages[0].function_call"),
        ([{"role": "tool", "content": "x"}], "messages[0].tool_call_id"),
        ([{"role": "tool", "content": 1, "tool_call_id": "a"}], "messages[0].content"),
        ([{"role": "function", "content": "x"}], "messages[0].name"),
    ],
)
def test_what_cannot_be_read_is_refused_at_its_place(messages: Any, param: str):
    with pytest.raises(InvalidRequest) as error:
        conversation(messages)

    assert error.value.param == param
    assert error.value.message.startswith(f"{param} ")


@pytest.mark.parametrize("thought", ["", None, 1, [], {"text": "hm"}, [{"type": "thinking"}]])
def test_thinking_in_a_shape_of_its_own_breaks_nothing(thought):
    (found,) = conversation([assistant(content="x", reasoning_content=thought)])

    assert found.parts == (Text("x"),)


def test_thinking_of_any_length_is_read():
    (found,) = conversation([assistant(content="x", reasoning_content="hm" * 2_500_000)])

    assert found.parts == (Thinking("hm" * 2_500_000), Text("x"))
