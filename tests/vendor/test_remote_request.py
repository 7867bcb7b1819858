import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    NamedTool,
    Reasoning,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.vendor.remote_request import encode, unhonoured
from support.strategies import texts
from support.vectors import vectors

PICTURE = Image("image/png", b"\x89PNG")
PICTURE_URL = "data:image/png;base64,iVBORw=="
HELLO = ChatRequest("1", "", (Message("user", (Text("hi"),)),))


def body(request, key="kmodel", user_type="personal_standard", **more):
    return json.loads(
        encode(
            request,
            key=key,
            user_type=user_type,
            now=1777045062000,
            request_id="0123456789abcdef0123456789abcdef",
            business_id="22222222-3333-4444-8555-666666666666",
            **more,
        )
    )


def sent(*messages):
    """The vendor's messages, without the fields that carry nothing."""
    found = body(replace(HELLO, messages=messages))["messages"]
    for message in found:
        assert message.pop("reasoning_content_signature") == ""
        assert message.pop("response_meta")["id"] == ""
    return found


def said(role, *parts):
    return Message(role, tuple(Text(part) if isinstance(part, str) else part for part in parts))


def test_a_plain_request_is_the_one_of_the_vectors():
    expected = vectors("chat_body")["object"]
    request = replace(
        HELLO,
        messages=(said("user", expected["messages"][0]["content"]),),
        sampling=Sampling(temperature=0.1),
    )

    assert body(request) == expected


def test_the_model_and_the_kind_of_user_are_passed_on():
    found = body(HELLO, key="", user_type="enterprise_standard")

    assert found["model_config"]["key"] == ""
    assert found["aliyun_user_type"] == "enterprise_standard"
    assert body(HELLO, user_type="")["aliyun_user_type"] == "personal_standard"


def test_what_a_client_calls_its_conversation_is_not_the_vendors_business():
    assert body(replace(HELLO, conversation="mine")) == body(HELLO)


def test_turns_stay_where_they_are_and_text_as_it_came():
    assert sent(said("user", "  a\n"), said("system", "b"), said("assistant", " c"), said("user", "")) == [
        {"role": "user", "content": "  a\n"},
        {"role": "system", "content": "b"},
        {"role": "assistant", "content": " c"},
        {"role": "user", "content": ""},
    ]  # fmt: skip


def test_blocks_of_a_client_stay_apart_and_the_models_own_text_is_one():
    assert sent(said("system", "a", "b"), said("assistant", "c", Thinking("hm"), "d")) == [
        {"role": "system", "content": "a\n\nb"},
        {"role": "assistant", "content": "cd"},
    ]


def test_a_name_is_passed_on():
    assert sent(Message("user", (Text("a"),), name="ann"))[0]["name"] == "ann"


def test_calls_and_results_are_the_vendors_own():
    odd = '{"n": 12345678901234567890,  "s": "<&>"}'
    assert sent(
        said("assistant", ToolCall("c1", "shell", odd), ToolCall("c2", "ls", "")),
        said("user", ToolResult("c2", (Text("two"),)), ToolResult("c1", ())),
    ) == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"index": 0, "id": "c1", "type": "function", "function": {"name": "shell", "arguments": odd}},
                {"index": 1, "id": "c2", "type": "function", "function": {"name": "ls", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "content": "two", "tool_call_id": "c2"},
        {"role": "tool", "content": "", "tool_call_id": "c1"},
    ]  # fmt: skip


def test_mixed_parts_become_messages_in_the_same_order():
    roles = sent(said("user", "a", ToolResult("c", (Text("r"),)), "b", "c"))

    assert [(each["role"], each["content"]) for each in roles] == [
        ("user", "a"), ("tool", "r"), ("user", "b\n\nc"),
    ]  # fmt: skip


def test_a_result_that_is_an_error_says_so_in_words():
    (found,) = sent(said("user", ToolResult("c", (Text("Exit code 3"),), is_error=True)))

    assert found["content"] == "The tool call failed:\nExit code 3"


def test_a_picture_in_a_result_follows_the_last_result_of_the_run():
    found = sent(
        said("user", ToolResult("c1", (PICTURE,)), ToolResult("c2", (Text("x"), PICTURE))),
        said("user", ToolResult("c3", (Text("y"),))),
        said("user", "so?"),
    )

    assert [each["role"] for each in found] == ["tool", "tool", "tool", "user", "user"]
    assert found[0]["content"] == "(The result is a picture; it follows.)"
    assert found[3]["content"] == [
        {"type": "text", "text": "From the result of tool call c1:"},
        {"type": "image_url", "image_url": {"url": PICTURE_URL}},
        {"type": "text", "text": "From the result of tool call c2:"},
        {"type": "image_url", "image_url": {"url": PICTURE_URL}},
    ]
    assert found[4]["content"] == "so?"


def test_a_picture_at_the_very_end_is_not_forgotten():
    assert sent(said("user", ToolResult("c", (PICTURE,))))[-1]["role"] == "user"


def test_pictures_are_sent_both_ways_and_the_model_is_told_to_look():
    link = ImageLink("https://example.com/cat.png")
    found = body(replace(HELLO, messages=(said("user", "a", PICTURE, "b", link),)))

    assert found["image_urls"] == [PICTURE_URL, link.url]
    assert found["model_config"]["is_vl"] is True
    assert [piece["type"] for piece in found["messages"][0]["content"]] == [
        "text", "image_url", "text", "image_url",
    ]  # fmt: skip


def test_a_picture_that_is_there_twice_is_named_once():
    found = body(replace(HELLO, messages=(said("user", PICTURE), said("user", PICTURE, "b"))))

    assert found["image_urls"] == [PICTURE_URL]


def test_uploaded_pictures_stand_beside_the_text():
    one, two = ImageLink("https://cdn.example/1"), ImageLink("https://cdn.example/2")
    messages = (
        said("user", "a", one, "b"),
        said("assistant", "so?"),
        said("user", ToolResult("c", (two,)), "look"),
        said("user", one),
    )
    found = body(replace(HELLO, messages=messages), uploaded=True)

    assert found["image_urls"] == [one.url, two.url]
    assert found["model_config"]["is_vl"] is True
    assert [(each["role"], each["content"]) for each in found["messages"]] == [
        ("user", "a\n\nb"),
        ("assistant", "so?"),
        ("tool", "(The result is a picture; it follows.)"),
        ("user", "From the result of tool call c:"),
        ("user", "look"),
        ("user", ""),
    ]
    assert found["messages"][0]["parts"] == [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": {"url": one.url, "detail": "auto"}},
        {"type": "text", "text": "b"},
    ]
    assert [len(each.get("parts", ())) for each in found["messages"]] == [3, 0, 0, 2, 0, 1]


@pytest.mark.parametrize("url", ["file:///etc/hostname", "/home/x.png", "ftp://x/y", ""])
def test_a_picture_that_the_vendor_could_not_fetch_is_refused(url):
    with pytest.raises(InvalidRequest):
        body(replace(HELLO, messages=(said("user", ImageLink(url)),)))


def test_thoughts_of_earlier_turns_are_not_sent():
    assert sent(said("user", "a"), said("assistant", Thinking("hm")), said("user", "b")) == [
        {"role": "user", "content": "a"},
        {"role": "user", "content": "b"},
    ]


@pytest.mark.parametrize(
    ("sampling", "parameters"),
    [
        (Sampling(), {}),
        (Sampling(temperature=0.0), {"temperature": 0.0}),
        (Sampling(max_tokens=16384), {"max_tokens": 16384}),
        (Sampling(max_tokens=16385, top_p=0.5), {}),
    ],
)
def test_only_what_is_given_and_known_to_work_is_sent(sampling, parameters):
    assert body(replace(HELLO, sampling=sampling))["parameters"] == parameters


@pytest.mark.parametrize(
    ("reasoning", "key", "thinks"),
    [
        (Reasoning(), "kmodel", False),
        (Reasoning(), "dashscope_qwen_plus_20250428_thinking", True),
        (Reasoning(wanted=True), "kmodel", True),
        (Reasoning(effort="low"), "kmodel", True),
        (Reasoning(budget_tokens=1024), "kmodel", True),
        (Reasoning(effort="none"), "kmodel", False),
        (Reasoning(wanted=False, effort="high"), "x_thinking", False),
        (Reasoning(effort="high"), "dashscope_qwen3_coder", False),
        (Reasoning(wanted=False), "mmodel", False),
        (Reasoning(wanted=True), "mmodel", True),
    ],
)
def test_the_model_thinks_when_it_is_asked_to(reasoning, key, thinks):
    found = body(replace(HELLO, reasoning=reasoning), key=key)

    assert found["model_config"]["is_reasoning"] is thinks


SHELL = Tool("shell", "Run it.", {"type": "object", "properties": {"cmd": {"type": "string"}}})


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("none", "none"),
        ("required", "required"),
        (NamedTool("shell"), {"type": "function", "function": {"name": "shell"}}),
    ],
)
def test_a_choice_of_tools_is_passed_on(choice, expected):
    found = body(replace(HELLO, tools=(SHELL, Tool("now", "", {})), tool_choice=choice))

    assert found["tool_choice"] == expected
    assert [tool["function"] for tool in found["tools"]] == [
        {"name": "shell", "description": "Run it.", "parameters": SHELL.parameters},
        {"name": "now", "description": "", "parameters": {"type": "object", "properties": {}}},
    ]


def test_without_a_choice_or_without_tools_nothing_is_said_of_it():
    assert "tool_choice" not in body(replace(HELLO, tools=(SHELL,)))
    assert not {"tools", "tool_choice"} & set(body(replace(HELLO, tool_choice="none")))


def test_parallel_calls_are_mentioned_only_when_they_are_not_wanted():
    assert "parallel_tool_calls" not in body(replace(HELLO, tools=(SHELL,)))
    once = body(replace(HELLO, tools=(SHELL,), parallel_tool_calls=False))
    assert once["parallel_tool_calls"] is False


def test_a_request_that_can_be_honoured_needs_no_warning():
    assert unhonoured(replace(HELLO, sampling=Sampling(0.5, max_tokens=5, stop=("x",)))) == ()
    assert unhonoured(replace(HELLO, reasoning=Reasoning(effort="none"))) == ()


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        (replace(HELLO, sampling=Sampling(top_p=0.0)), "top_p"),
        (replace(HELLO, sampling=Sampling(top_k=1)), "top_k"),
        (replace(HELLO, sampling=Sampling(seed=0)), "seed"),
        (replace(HELLO, sampling=Sampling(presence_penalty=0.0)), "presence_penalty"),
        (replace(HELLO, sampling=Sampling(frequency_penalty=0.0)), "frequency_penalty"),
        (replace(HELLO, reasoning=Reasoning(effort="high")), "high"),
        (replace(HELLO, reasoning=Reasoning(budget_tokens=9)), "budget"),
        (replace(HELLO, tools=(replace(SHELL, strict=True),)), "strict"),
    ],
)
def test_what_cannot_be_honoured_is_named(changed, word):
    (warning,) = unhonoured(changed)

    assert word in warning


@pytest.mark.parametrize(
    ("model", "reasoning", "word"),
    [
        ("dashscope_qwen3_coder", Reasoning(wanted=True, effort="high"), "does not think"),
        ("mmodel", Reasoning(wanted=False), "always thinks"),
    ],
)
def test_a_model_that_cannot_be_switched_is_named(model, reasoning, word):
    (warning,) = unhonoured(replace(HELLO, model=model, reasoning=reasoning))

    assert word in warning


def test_who_must_recall_its_thinking_is_shown_that_of_the_same_turn():
    def turn(thought):
        return said("assistant", Thinking(thought), "so", ToolCall("1", "shell", "{}"))

    result = Message("user", (ToolResult("1", ()), Text("a reminder")))
    messages = (said("user", "a"), turn("old"), result, said("user", "b"), turn("new"), result)

    def contents(key):
        found = body(replace(HELLO, messages=messages), key=key)["messages"]
        return [it["content"] for it in found if it["role"] == "assistant"]

    assert contents("mmodel") == ["so", "<think>\nnew\n</think>\n\nso"]
    assert contents("kmodel") == ["so", "so"]


user_parts = st.one_of(
    st.builds(Text, texts),
    st.builds(ToolResult, st.sampled_from("abc"), st.lists(st.builds(Text, texts) | st.just(PICTURE), max_size=2).map(tuple)),
    st.just(PICTURE),
)  # fmt: skip


@given(
    st.lists(
        st.lists(user_parts, max_size=4).map(lambda parts: Message("user", tuple(parts))),
        max_size=4,
    )
)
def test_no_part_is_lost_and_results_keep_their_order(messages):
    found = sent(*messages)
    parts = [part for message in messages for part in message.parts]
    results = [part for part in parts if isinstance(part, ToolResult)]
    inside = [piece for result in results for piece in result.content]

    tools = [each for each in found if each["role"] == "tool"]
    shown = [
        piece
        for each in found
        if isinstance(each["content"], list)
        for piece in each["content"]
        if piece["type"] == "image_url"
    ]
    assert [each["tool_call_id"] for each in tools] == [result.call_id for result in results]
    assert len(shown) == [*parts, *inside].count(PICTURE)
    for text in (part.text for part in [*parts, *inside] if isinstance(part, Text)):
        assert any(
            text in (content if isinstance(content, str) else content_texts(content))
            for content in (each["content"] for each in found)
        )


def content_texts(content):
    return "\n".join(piece.get("text", "") for piece in content)


@pytest.mark.parametrize(
    "document", [Document("", b"a"), DocumentLink("https://a/b")], ids=["file", "link"]
)
def test_a_document_that_nobody_has_read_is_refused(document):
    for parts in ((document,), (ToolResult("a", (document,)),)):
        with pytest.raises(InvalidRequest, match="documents"):
            body(replace(HELLO, messages=(said("user", *parts),)))
