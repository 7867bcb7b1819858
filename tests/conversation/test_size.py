from collections.abc import Iterator

import pytest

from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    Part,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolResult,
)
from lingma_proxy.conversation.size import fills, is_long

LARGE = "x" * 5000


def request(*parts: Part, tools: tuple[Tool, ...] = ()) -> ChatRequest:
    return ChatRequest("r", "m", (Message("user", parts),), tools)


@pytest.mark.parametrize(
    "part",
    [
        Text(LARGE),
        Thinking(LARGE),
        ToolCall("1", "f", LARGE),
        ImageLink(LARGE),
        Image("image/png", LARGE.encode()),
        DocumentLink(LARGE),
        Document("text/plain", LARGE.encode()),
        ToolResult("1", (Text(""), Text(LARGE))),
    ],
    ids=lambda part: type(part).__name__,
)
def test_whatever_is_large_makes_a_request_long(part: Part) -> None:
    assert is_long(request(Text("hi"), part), 5000)
    assert not is_long(request(Text("hi"), part), 6000)


def test_many_small_things_are_long_too() -> None:
    assert is_long(request(*[Text("")] * 200), 5000)
    assert is_long(request(tools=(Tool("f", "", {}),) * 10), 5000)
    assert not is_long(request(Text("hi")), 5000)


def test_no_more_is_looked_at_than_needed() -> None:
    def parts() -> Iterator[Part]:
        yield Text(LARGE)
        raise AssertionError("it was long enough")

    request = ChatRequest("r", "m", (Message("user", parts()),))  # type: ignore[arg-type]  # to see who looks

    assert is_long(request, 1000)


def test_how_much_a_request_fills_does_not_go_by_the_bytes_of_its_pictures() -> None:
    picture = Image("image/png", bytes(5 * 2**20))
    shown = request(picture, ToolResult("1", (picture,)))

    assert not fills(shown, 3000)
    assert fills(shown, 2000)
    assert fills(request(Text("x" * 30_000)), 10_000)
    assert not fills(request(Text("x" * 29_000)), 10_000)
