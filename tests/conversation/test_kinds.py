import pytest

from lingma_proxy.conversation.kinds import has
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

PICTURE = Image("image/png", b"x")


@pytest.mark.parametrize(
    ("part", "kinds"),
    [
        (Text(""), {Text}),
        (Thinking("x"), {Thinking}),
        (PICTURE, {Image}),
        (ImageLink("u"), {ImageLink}),
        (ToolCall("1", "f", "{}"), {ToolCall}),
        (ToolResult("1", ()), {ToolResult}),
        (ToolResult("1", (Text("x"), PICTURE)), {ToolResult, Text, Image}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_parts_are_found_and_what_results_hold(part, kinds) -> None:
    messages = (Message("user", ()), Message("user", (part,)))

    for kind in (Text, Thinking, Image, ImageLink, Document, ToolCall, ToolResult):
        assert has(messages, kind) is (kind in kinds), kind
    assert has(messages, Document, *kinds)


def test_an_empty_conversation_has_nothing() -> None:
    assert not has((), Text, Image)
    assert not has((Message("user", (Text("x"),)),))
