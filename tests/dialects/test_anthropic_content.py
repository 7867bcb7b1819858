from base64 import b64encode
from typing import Any

import pytest

from lingma_proxy.conversation.history import check
from lingma_proxy.conversation.request import (
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    Part,
    Shown,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.dialects.anthropic_content import (
    asks_for_citations,
    decode_messages,
    decode_system,
)
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.jsonio import JsonObject

PNG = b"\x89PNG\r\n\x1a\n"
BASE64 = {"type": "base64", "media_type": "image/png", "data": b64encode(PNG).decode()}


def of(role: str, *blocks: Any) -> tuple[Part, ...]:
    (message,) = decode_messages([{"role": role, "content": list(blocks)}])
    return message.parts


def refusal(role: str, *blocks: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        of(role, *blocks)
    return caught.value


def test_text_is_kept_as_it_came() -> None:
    assert decode_messages(
        [
            {"role": "user", "content": "  \u2028a\n"},
            {"role": "assistant", "content": [{"type": "text", "text": ""}]},
        ]
    ) == [Message("user", (Text("  \u2028a\n"),)), Message("assistant", (Text(""),))]


@pytest.mark.parametrize(
    ("system", "parts"),
    [
        ("Be brief.", [Text("Be brief.")]),
        (
            [
                {"type": "text", "text": "One."},
                {"type": "text", "text": " Two.", "cache_control": {"type": "ephemeral"}},
            ],
            [Text("One."), Text(" Two.")],
        ),
    ],
)
def test_system_is_text_or_blocks(system: Any, parts: list[Part]) -> None:
    assert decode_system(system) == [Message("system", tuple(parts))]


@pytest.mark.parametrize("nothing", [None, "", []])
def test_no_system_is_no_message(nothing: Any) -> None:
    assert decode_system(nothing) == []


def test_a_system_message_stays_in_its_place() -> None:
    roles = [
        message.role
        for message in decode_messages(
            [
                {"role": "user", "content": "Hi"},
                {"role": "system", "content": "Now be rude."},
                {"role": "assistant", "content": "What?"},
                {"role": "system", "content": [{"type": "text", "text": "Now be kind."}]},
            ]
        )
    ]

    assert roles == ["user", "system", "assistant", "system"]


def test_a_system_message_for_one_turn_is_gone_after_it() -> None:
    once = {"role": "system", "content": "Only now.", "clear_at": "next_user_message"}
    said = {"role": "user", "content": "Hi"}

    assert len(decode_messages([said, once])) == 2
    assert len(decode_messages([said, once, said])) == 2


def test_images_come_as_bytes_or_as_links() -> None:
    assert of(
        "user",
        {"type": "image", "source": BASE64},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {
            "type": "image",
            "source": {"type": "url", "url": f"data:image/png;base64,{BASE64['data']}"},
        },
    ) == (
        Image("image/png", PNG),
        ImageLink("https://example.com/a.png"),
        Image("image/png", PNG),
    )


def test_calls_and_results_are_lossless_and_in_order() -> None:
    assert of(
        "assistant",
        {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
        {"type": "text", "text": "Look: "},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"z": 1, "a": 2**70}},
        {"type": "tool_use", "id": "b", "name": "f"},
        {"type": "tool_use", "id": "c", "name": "f", "input": '{"kept": 1.0}'},
    ) == (
        Thinking("Hm.", "sig"),
        Text("Look: "),
        ToolCall("a", "f", '{"z":1,"a":1180591620717411303424}'),
        ToolCall("b", "f", "{}"),
        ToolCall("c", "f", '{"kept": 1.0}'),
    )
    assert of(
        "user",
        {"type": "tool_result", "tool_use_id": "a", "content": " out\n", "is_error": True},
        {"type": "tool_result", "tool_use_id": "b"},
        {
            "type": "tool_result",
            "tool_use_id": "c",
            "content": [{"type": "text", "text": "See:"}, {"type": "image", "source": BASE64}],
            "cache_control": {"type": "ephemeral"},
        },
        {"type": "text", "text": "Go on."},
    ) == (
        ToolResult("a", (Text(" out\n"),), is_error=True),
        ToolResult("b", ()),
        ToolResult("c", (Text("See:"), Image("image/png", PNG))),
        Text("Go on."),
    )


def test_documents_and_search_results_become_text() -> None:
    document = {
        "type": "document",
        "title": "Notes",
        "source": {"type": "text", "media_type": "text/plain", "data": " body\n"},
    }
    found = {
        "type": "search_result",
        "title": "T",
        "source": "https://example.com",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    }

    assert of("user", document, found) == (
        Text('<document title="Notes">\n body\n\n</document>'),
        Text('<search_result title="T" source="https://example.com">\na\nb\n</search_result>'),
    )


def test_documents_that_are_files_come_as_bytes_or_as_links() -> None:
    pdf = b64encode(b"%PDF-1.7").decode()
    named = {"type": "document", "title": "Notes", "context": "Mine.", "citations": None}

    sources = [
        {"type": "base64", "media_type": "Application/PDF", "data": pdf},
        {"type": "url", "url": f"data:application/pdf;base64,{pdf}"},
        {"type": "url", "url": "https://example.com/a.pdf"},
    ]
    documents = [{**named, "source": source} for source in sources]
    held: tuple[Shown, ...] = (
        Document("application/pdf", b"%PDF-1.7", "Notes", "Mine."),
        Document("application/pdf", b"%PDF-1.7", "Notes", "Mine."),
        DocumentLink("https://example.com/a.pdf", "Notes", "Mine."),
    )

    assert of("user", *documents) == held
    result = {"type": "tool_result", "tool_use_id": "a", "content": documents}
    assert of("user", result) == (ToolResult("a", held),)
    nameless = {"type": "document", "title": None, "source": {"type": "base64", "data": pdf}}
    assert of("user", nameless) == (Document("", b"%PDF-1.7"),)


CITED = {"type": "document", "citations": {"enabled": True}}


@pytest.mark.parametrize(
    ("blocks", "asked"),
    [
        ([CITED], True),
        ([{"type": "tool_result", "content": [CITED]}], True),
        ([{**CITED, "citations": {"enabled": False}}, {"citations": True}, 1], False),
        ("text", False),
    ],
)
def test_whoever_wants_citations_is_found_out(blocks: Any, asked: bool) -> None:
    assert asks_for_citations([{"role": "user", "content": blocks}]) is asked


def test_a_document_of_blocks_keeps_its_images() -> None:
    blocks = [{"type": "text", "text": "a"}, {"type": "image", "source": BASE64}]
    parts = of("user", {"type": "document", "source": {"type": "content", "content": blocks}})

    assert parts == (Text("<document>\na"), Image("image/png", PNG), Text("</document>"))


def test_what_anthropics_own_tools_did_stays_readable() -> None:
    asked, found, failed = of(
        "assistant",
        {"type": "server_tool_use", "id": "s1", "name": "web_fetch", "input": {"url": "tea"}},
        {
            "type": "web_fetch_tool_result",
            "tool_use_id": "s1",
            "content": {"url": "https://example.com/tea", "encrypted_content": "SECRET"},
        },
        {"type": "mcp_tool_result", "tool_use_id": "m1", "content": "no", "is_error": True},
    )

    assert asked == Text(
        '<server_tool_use name="web_fetch" id="s1">\n{"url":"tea"}\n</server_tool_use>'
    )
    assert isinstance(found, Text)
    assert "https://example.com/tea" in found.text
    assert "SECRET" not in found.text
    assert failed == Text(
        '<mcp_tool_result tool_use_id="m1" is_error=true>\nno\n</mcp_tool_result>'
    )


def test_what_the_model_must_not_see_makes_no_part() -> None:
    assert decode_messages(
        [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"}]},
            {"role": "system", "output_config": {"effort": "low"}},
        ]
    ) == [Message("user", (Text("Hi"),))]
    assert of(
        "assistant",
        {"type": "compaction", "content": "They spoke of tea.", "encrypted_content": "x"},
        {"type": "fallback", "from": {"model": "a"}, "to": {"model": "b"}},
        {"type": "mcp_tool_listing", "mcp_server_name": "m", "tools": []},
    ) == (Text("They spoke of tea."),)


def test_a_tool_that_was_found_is_named() -> None:
    (result,) = of(
        "user",
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [{"type": "tool_reference", "tool_name": "WebFetch"}],
        },
    )

    assert isinstance(result, ToolResult)
    assert "WebFetch" in str(result.content)


@pytest.mark.parametrize(
    ("role", "block", "word"),
    [
        ("user", {"type": "document", "source": {"type": "base64", "data": "***"}}, "base64"),
        ("user", {"type": "document", "source": {"type": "base64", "data": ""}}, "base64"),
        ("user", {"type": "document", "source": {"type": "url", "url": "data:x"}}, "comma"),
        ("user", {"type": "document", "source": {"type": "file", "file_id": "f"}}, "Files API"),
        ("user", {"type": "image", "source": {"type": "file", "file_id": "f"}}, "Files API"),
        ("user", {"type": "image", "source": {**BASE64, "data": "***"}}, "base64"),
        ("user", {"type": "image", "source": {**BASE64, "data": ""}}, "base64"),
        ("user", {"type": "image"}, "lacks"),
        ("user", {"type": "text", "text": 1}, "lacks"),
        ("user", {"type": "container_upload", "file_id": "f"}, "container"),
        ("user", {"type": "hologram"}, "hologram"),
        ("user", {"type": "tool_use", "id": "a", "name": "f", "input": {}}, "assistant"),
        ("user", {"type": "tool_result", "content": "x"}, "id"),
        ("user", "text", "object"),
        ("assistant", {"type": "tool_result", "tool_use_id": "a"}, "user"),
        ("assistant", {"type": "tool_use", "id": "a", "name": "f", "input": [1]}, "object"),
        ("assistant", {"type": "tool_use", "id": "a", "name": "f", "input": "no"}, "object"),
        ("assistant", {"type": "tool_use", "name": "f"}, "id"),
        ("system", {"type": "image", "source": BASE64}, "text"),
        ("system", 1, "text"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(role: str, block: Any, word: str) -> None:
    error = refusal(role, {"type": "text", "text": "a"}, block)

    assert error.message.startswith("messages.0.content.1")
    assert word in error.message


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        (None, "messages"),
        ([], "messages"),
        ("Hi", "messages"),
        (["Hi"], "messages.0"),
        ([{"role": "tool", "content": "x"}], "messages.0.role"),
        ([{"role": "user"}], "messages.0.content"),
        ([{"role": "user", "content": None}], "messages.0.content"),
        ([{"content": "x"}], "messages.0"),
    ],
)
def test_messages_of_another_shape_are_refused(messages: Any, place: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_messages(messages)

    assert caught.value.param == place


@pytest.mark.parametrize("system", [1, {"type": "text"}, [1], [{"type": "image"}]])
def test_a_system_of_another_shape_is_refused(system: Any) -> None:
    with pytest.raises(InvalidRequest):
        decode_system(system)


@pytest.mark.parametrize(
    ("block", "parts"),
    [
        ({"thinking": "hm", "signature": "EqQBCkYIARgC"}, (Thinking("hm", "EqQBCkYIARgC"),)),
        ({"thinking": "hm"}, (Thinking("hm"),)),
        ({"thinking": "hm", "signature": None}, (Thinking("hm"),)),
        ({"thinking": "", "signature": "x" * 1_000_000}, (Thinking("", "x" * 1_000_000),)),
        ({"thinking": "hm" * 2_500_000}, (Thinking("hm" * 2_500_000),)),
        ({"thinking": None, "signature": "x"}, ()),
        ({}, ()),
    ],
    ids=["foreign", "unsigned", "null", "empty", "huge", "no text", "bare"],
)
def test_thinking_that_comes_back_breaks_nothing(block, parts):
    content = [{"type": "thinking", **block}, {"type": "text", "text": "so"}]
    (found,) = decode_messages([{"role": "assistant", "content": content}])

    assert found.parts == (*parts, Text("so"))


def search(id: str, query: str = "tea") -> JsonObject:
    return {
        "type": "server_tool_use",
        "id": id,
        "name": "web_search",
        "input": {"query": query},
        "caller": {"type": "direct"},
    }


def found(id: str, **more: Any) -> JsonObject:
    page = {"type": "web_search_result", "title": "Tea", "url": "https://tea.test", **more}
    return {"type": "web_search_tool_result", "tool_use_id": id, "content": [page]}


def text(said: str) -> JsonObject:
    return {"type": "text", "text": said}


def test_a_search_that_comes_back_is_a_call_and_its_result() -> None:
    foreign = found("s1", encrypted_content="EqgfCioIARgBIiQ3YTAwMjY1Mi1mZj", page_age="May 2026")
    content = [text("Let me see."), search("s1"), foreign, text("Tea is hot.")]
    said, result, answer = decode_messages([{"role": "assistant", "content": content}])

    assert said.parts == (Text("Let me see."), ToolCall("s1", "web_search", '{"query":"tea"}'))
    told = Text("[1] Tea\nhttps://tea.test\nMay 2026")
    assert result == Message("user", (ToolResult("s1", (told,)),))
    assert answer == Message("assistant", (Text("Tea is hot."),))


def test_searches_at_once_and_a_call_of_the_clients_stay_one_turn() -> None:
    own = {"type": "tool_use", "id": "t1", "name": "read", "input": {}}
    answer = {"type": "tool_result", "tool_use_id": "t1", "content": "x"}
    messages = decode_messages(
        [
            {"role": "assistant", "content": [own, search("s1"), search("s2"), found("s2"), found("s1")]},
            {"role": "user", "content": [answer]},
        ]
    )  # fmt: skip

    check(messages)
    assert [message.role for message in messages] == ["assistant", "user", "user"]
    assert [part.id for part in messages[0].parts if isinstance(part, ToolCall)] == [
        "t1",
        "s1",
        "s2",
    ]


def test_a_search_that_failed_says_why_it_may_have() -> None:
    error = {"type": "web_search_tool_result_error", "error_code": "too_many_requests"}
    failed = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": error}
    _, result = decode_messages([{"role": "assistant", "content": [search("s1"), failed]}])

    (part,) = result.parts
    assert isinstance(part, ToolResult)
    assert part.is_error


@pytest.mark.parametrize(
    "content",
    [
        [search("s1")],
        [found("s1")],
        [found("s1"), search("s1")],
        [search("s1", query=1)],  # type: ignore[arg-type]  # what a client may send
    ],
    ids=["no result", "no call", "the wrong way round", "no query"],
)
def test_half_a_search_stays_readable(content: list[JsonObject]) -> None:
    (message,) = decode_messages([{"role": "assistant", "content": content}])

    assert all(isinstance(part, Text) for part in message.parts)


def test_a_second_result_is_only_text() -> None:
    content = [search("s1"), found("s1"), found("s1")]
    messages = decode_messages([{"role": "assistant", "content": content}])

    check(messages)
    assert len(messages) == 3
