from base64 import b64encode
from typing import Any

import pytest

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
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "tea"}},
        {
            "type": "web_search_tool_result",
            "tool_use_id": "s1",
            "content": [
                {
                    "type": "web_search_result",
                    "title": "Tea",
                    "url": "https://example.com/tea",
                    "encrypted_content": "SECRET",
                }
            ],
        },
        {"type": "mcp_tool_result", "tool_use_id": "m1", "content": "no", "is_error": True},
    )

    assert asked == Text(
        '<server_tool_use name="web_search" id="s1">\n{"query":"tea"}\n</server_tool_use>'
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
