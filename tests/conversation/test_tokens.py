import random
from base64 import b64encode
from copy import copy
from pathlib import Path

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
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from lingma_proxy.conversation.token_shapes import Family
from lingma_proxy.conversation.tokens import (
    A_LINKED_DOCUMENT,
    A_PAGE,
    LARGEST_PICTURE,
    SLICE,
    TokenMeter,
    count_request,
    count_text,
    picture_tokens,
    slices,
)
from support.cuts import at_points, one_by_one
from support.qwen_tokenizer import PATTERNS, real_count

CORPUS = Path(__file__).parent / "corpus"
HELD_OUT = sorted(CORPUS.glob("*.txt"))
EVERYTHING = "\n".join(path.read_text("utf-8") for path in HELD_OUT)
NOISE = random.Random(1).randbytes(3000)


def off(text: str, family: Family = "qwen") -> float:
    """By what part of the real count the estimate is off."""
    real = real_count(text, family)
    return abs(count_text(text, family) - real) / real


@pytest.mark.parametrize("family", PATTERNS)
@pytest.mark.parametrize("path", HELD_OUT, ids=lambda path: path.stem)
def test_texts_that_the_fit_has_not_seen_are_within_a_tenth(path: Path, family: Family) -> None:
    assert off(path.read_text("utf-8"), family) < 0.1


@pytest.mark.parametrize(
    "text",
    [
        "12345678901234567890" * 50,
        ("    " * 5 + "x = 1\n") * 100,
        "\t\t\tif (x) {\n" * 100,
        "a\n\n\n\nb\n" * 80,
        NOISE.hex(),
    ],
    ids=["digits", "indented", "tabs", "blank lines", "hex"],
)
def test_digits_and_blanks_are_within_a_tenth(text: str) -> None:
    assert off(text) < 0.1


@pytest.mark.parametrize(
    "text",
    [b64encode(NOISE).decode(), "😀🎉🙏✅🚀 👩\u200d👩\u200d👧 " * 50],
    ids=["base64", "emoji"],
)
def test_what_is_no_language_is_within_a_sixth(text: str) -> None:
    assert off(text) < 1 / 6


def test_nothing_is_no_tokens() -> None:
    assert count_text("") == 0


def test_slices_are_the_whole_text_and_end_before_blanks() -> None:
    text = "word " * SLICE
    parts = [*slices(text)]

    assert "".join(parts) == text
    assert max(map(len, parts)) <= SLICE
    assert all(part.startswith(" ") for part in parts[1:])
    assert count_text(text) == pytest.approx(2 * count_text("word " * (SLICE // 2)), rel=0.001)
    assert [*slices("x" * (SLICE + 1))] == ["x" * SLICE, "x"]


@given(st.lists(st.integers(0, len(EVERYTHING)), max_size=30))
def test_a_meter_hardly_minds_how_a_text_is_cut(points: list[int]) -> None:
    meter = TokenMeter()
    for piece in at_points(EVERYTHING, points):
        meter.feed(piece)

    assert meter.tokens == pytest.approx(count_text(EVERYTHING), rel=0.02)


@pytest.mark.parametrize("path", HELD_OUT, ids=lambda path: path.stem)
def test_a_meter_may_be_read_at_any_time(path: Path) -> None:
    text = path.read_text("utf-8")
    meter, seen = TokenMeter(), 0
    for piece in one_by_one(text):
        meter.feed(piece)
        assert meter.tokens >= seen - 2  # a word that goes on may turn out to be cheaper
        seen = meter.tokens

    assert seen == pytest.approx(count_text(text), rel=0.03)


def test_a_copy_of_a_meter_counts_on_by_itself() -> None:
    meter = TokenMeter()
    meter.feed("one two")
    ahead = copy(meter)
    ahead.feed(" three four")

    assert (meter.tokens, ahead.tokens) == (2, 4)


def said(*parts: object) -> int:
    message = Message("user", parts)  # type: ignore[arg-type]  # any kind of part, for short
    return count_request(ChatRequest("r", "m", (message,)))


def test_a_request_is_its_texts_and_what_stands_around_them() -> None:
    assert said() == 8
    assert said(Text("hello")) == 9
    assert said(ToolCall("a", "f", '{"x":1}')) > said(Text('{"x":1}'))
    assert said(ToolResult("a", (Text("hello"), ImageLink("x")))) > LARGEST_PICTURE


def test_thinking_is_not_sent_and_so_not_counted() -> None:
    assert said(Thinking("A long thought.")) == said()


def test_thinking_since_the_last_word_is_counted_where_the_model_is_shown_it() -> None:
    earlier = Message("assistant", (Thinking("An earlier thought."), Text("Done.")))
    thinks = Message("assistant", (Thinking("A long thought."), ToolCall("a", "f", "{}")))
    result = Message("user", (ToolResult("a", (Text("3"),)),))
    request = ChatRequest("r", "m", (earlier, Message("user", (Text("hi"),)), thinks, result))

    more = count_request(request, recalls_thinking=True) - count_request(request)

    assert more == count_text("A long thought.")


@pytest.mark.parametrize(
    "part",
    [
        Text("中文" * 50),
        ToolCall("a", "f", '{"x":"中文"}' * 20),
        ToolResult("a", (Text("中文" * 50),)),
        Document("text/plain", "中文".encode() * 50, "文件"),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_family_counts_all_kinds_of_parts_in_its_own_way(part: object) -> None:
    request = ChatRequest("r", "m", (Message("user", (part,)),))  # type: ignore[arg-type]  # likewise

    assert count_request(request, "qwen3.5") != count_request(request)


def test_tools_count_with_their_schemas() -> None:
    small = Tool("f", "", {})
    large = Tool("f", "Does it.", {"type": "object", "properties": {"path": {"type": "string"}}})
    none = count_request(ChatRequest("r", "m", ()))
    one = count_request(ChatRequest("r", "m", (), (small,)))

    assert none < one < count_request(ChatRequest("r", "m", (), (large,)))
    assert count_request(ChatRequest("r", "m", (), (small, small))) - one < one - none


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + (280).to_bytes(4) + (57).to_bytes(4)
GIF = b"GIF89a" + (280).to_bytes(2, "little") + (57).to_bytes(2, "little")
FRAME = b"\xff\xc0\x00\x11\x08" + (57).to_bytes(2) + (280).to_bytes(2) + b"\x03"
JPEG = b"\xff\xd8" + b"\xff\xe0\x00\x04ab" + b"\xff\xc4\x00\x03a" + FRAME


@pytest.mark.parametrize("picture", [PNG, GIF, JPEG], ids=["PNG", "GIF", "JPEG"])
def test_a_picture_is_as_many_tokens_as_patches(picture: bytes) -> None:
    assert picture_tokens(picture) == 10 * 3 + 2
    assert said(Image("image/x", picture)) == said() + 32


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", PNG[:20], GIF[:8], JPEG[:12], b"\xff\xd8\xff\xe0\x00\x00" * 3]
)
def test_a_picture_of_unknown_size_counts_as_the_largest(data: bytes) -> None:
    assert picture_tokens(data) == LARGEST_PICTURE + 2


def test_a_document_that_is_text_counts_as_its_text() -> None:
    text = "Tea is a drink. " * 50

    counted = said(Document("text/plain", text.encode(), "tea.txt"))
    assert counted == said(Text(text)) + count_text("tea.txt")


@pytest.mark.parametrize(
    ("data", "tokens"),
    [
        (b"%PDF-1.7 /Type /Pages /Type/Page\n /Type /Page /Type\n/Page>>", 3 * A_PAGE),
        (b"%PDF-1.7" + bytes(600_000), 600_008 // 30),
        (b"%PDF-1.7", A_PAGE),
    ],
    ids=["pages", "pages out of sight", "almost nothing"],
)
def test_a_pdf_that_nobody_has_read_is_guessed_by_its_pages_or_its_bytes(
    data: bytes, tokens: int
) -> None:
    assert said(Document("application/pdf", data)) == said() + tokens
    assert said(DocumentLink("https://example.com/a.pdf")) == said() + A_LINKED_DOCUMENT
