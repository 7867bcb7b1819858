import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason
from lingma_proxy.conversation.reply import Reply, collect
from lingma_proxy.conversation.request import (
    ChatRequest,
    Image,
    ImageLink,
    Message,
    Part,
    Text,
    ToolCall,
    ToolResult,
)
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.policies.prepare_images import PrepareImages

PNG = b"\x89PNG\r\n\x1a\n...."
REPLY = Reply("r", "m", (), FinishReason.STOP)


def asked(*parts: Part) -> ChatRequest:
    calls = Message("assistant", (ToolCall("c1", "look", "{}"),))
    return ChatRequest(
        "req_1", "m", (Message("user", (Text("Hi"),)), calls, Message("user", parts))
    )


async def sent(request: ChatRequest) -> ChatRequest:
    vendor = Scripted([REPLY])
    await collect(PrepareImages(vendor).reply(request))
    return vendor.requests[0]


@pytest.mark.parametrize("called", ["image/jpeg", "image/jpg", "application/octet-stream", ""])
async def test_a_picture_is_called_what_it_is(called):
    result = ToolResult("c1", (Text("See:"), Image(called, PNG)))

    seen = await sent(asked(result, Image(called, PNG)))

    assert seen.messages[2].parts == (
        ToolResult("c1", (Text("See:"), Image("image/png", PNG))),
        Image("image/png", PNG),
    )


@pytest.mark.parametrize(
    "part",
    [Image("image/png", b"hello"), ToolResult("c1", (Image("image/png", b""),))],
)
async def test_what_is_no_picture_is_refused_and_its_place_is_named(part):
    with pytest.raises(InvalidRequest, match="message 3"):
        await sent(asked(part))


async def test_without_pictures_nothing_changes():
    request = asked(Text("a"), ImageLink("https://example.com/a.png"), ToolResult("c1", ()))

    assert await sent(request) is request
