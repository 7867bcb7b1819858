import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason
from lingma_proxy.conversation.reply import Reply, collect
from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    Image,
    ImageLink,
    Message,
    Part,
    Text,
    ToolCall,
    ToolResult,
)
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.images.shrink import Limits, shrunk
from lingma_proxy.policies import prepare_images
from lingma_proxy.policies.prepare_images import AT_ONCE, PrepareImages
from support.backends import ask, hands_on, leaves_nothing_behind, one_by_one
from support.pictures import opened, plain

PNG = plain()
REPLY = Reply("r", "m", (), FinishReason.STOP)
LINK = "https://a.example/b.png?signature=secret"


def asked(*parts: Part) -> ChatRequest:
    calls = Message("assistant", (ToolCall("c1", "look", "{}"),))
    return ask("Hi", calls, Message("user", parts))


async def sent(request: ChatRequest, **options: object) -> ChatRequest:
    vendor = Scripted([REPLY])
    await collect(PrepareImages(vendor, **options).reply(request))  # type: ignore[arg-type]  # the test's word
    return vendor.requests[0]


async def refusal(request: ChatRequest, **options: object) -> str:
    with pytest.raises(InvalidRequest) as caught:
        await sent(request, **options)
    assert caught.value.param == "messages"
    assert "secret" not in caught.value.message
    return caught.value.message


class Web:
    """A source that shows a picture of its own under each link, and counts."""

    def __init__(self, data: Callable[[str], bytes] = lambda _: PNG) -> None:
        self.asked: Counter[str] = Counter()
        self.running = self.most = 0
        self._data = data

    async def __call__(self, link: str) -> Image:
        self.asked[link] += 1
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return Image("text/html", self._data(link))


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
    ids=["shown", "in a result"],
)
async def test_what_is_no_picture_is_refused_and_its_place_is_named(part):
    assert (await refusal(asked(part))).startswith("The picture in message 3 (")


async def test_of_several_pictures_the_one_at_fault_is_named():
    whole = Image("image/png", PNG)

    said = await refusal(asked(whole, Text("and"), Image("image/png", PNG[:30])))

    assert said.startswith("Picture 2 of message 3 (30 bytes, called 'image/png') cannot be read")


async def test_without_pictures_nothing_changes():
    request = asked(Text("a"), Document("text/plain", b"a"), ToolResult("c1", ()))

    assert await hands_on(PrepareImages, request)


async def test_a_large_picture_is_made_smaller_wherever_it_stands():
    large = Image("image/png", plain(100, 50))
    request = ask(
        Message("user", (large,)), Message("assistant", (ToolCall("c", "f", "{}"),)), "next"
    )
    request = replace(
        request,
        messages=(*request.messages, Message("user", (ToolResult("c", (large, Text("x"))),))),
    )

    seen = await sent(request, shrink=partial(shrunk, limits=Limits(side=64)))

    [shown] = seen.messages[0].parts
    [result] = seen.messages[3].parts
    assert isinstance(shown, Image)
    assert opened(shown.data).size == (64, 32)
    assert result == ToolResult("c", (shown, Text("x")))


async def test_a_picture_is_made_smaller_once_in_a_conversation():
    large, calls = plain(100, 50), []

    def shrink(data: bytes) -> Image:
        calls.append(data)
        return shrunk(data, Limits(side=64))

    vendor = Scripted([REPLY] * 20)
    policy = PrepareImages(vendor, shrink=shrink)
    for turn in range(20):
        # Each turn decodes the bytes anew.
        request = ask(
            Message("user", (Image("image/png", bytes(bytearray(large))),)), *["x"] * turn
        )
        await collect(policy.reply(request))

    assert len(calls) == 1
    assert len({request.messages[0] for request in vendor.requests}) == 1


async def test_what_fits_is_looked_at_once_and_not_kept():
    calls = []

    def shrink(data: bytes) -> Image:
        calls.append(data)
        return shrunk(data)

    policy = PrepareImages(Scripted([REPLY] * 2), shrink=shrink)
    for _ in range(2):
        data = bytes(bytearray(PNG))
        await collect(policy.reply(asked(Image("", data))))

    assert len(calls) == 1
    assert policy._fitting.weight == prepare_images.KEY


async def test_a_link_becomes_the_picture_there():
    web = Web()

    seen = await sent(asked(ImageLink(LINK), ToolResult("c", (ImageLink(LINK),))), fetch=web)

    picture = Image("image/png", PNG)
    assert seen.messages[2].parts == (picture, ToolResult("c", (picture,)))
    assert web.asked == {LINK: 1}


async def test_links_are_fetched_at_once_but_not_all():
    web = Web()

    await sent(asked(*(ImageLink(f"https://a.example/{at}") for at in range(20))), fetch=web)

    assert web.most == AT_ONCE
    assert web.asked.total() == 20


async def test_a_link_in_an_earlier_turn_shows_what_it_showed_then():
    def expired(link: str) -> bytes:
        return PNG if web.asked[link] == 1 else plain(colour="blue")

    web = Web(expired)
    vendor = Scripted([REPLY] * 3)
    policy = PrepareImages(vendor, fetch=web)
    first = Message("user", (ImageLink(LINK),))
    said = Message("assistant", (Text("I see"),))
    await collect(policy.reply(ask(first)))
    await collect(policy.reply(ask(first, said, "and?")))
    await collect(policy.reply(ask(first, said, Message("user", (ImageLink(LINK),)))))

    assert web.asked == {LINK: 2}
    assert vendor.requests[1].messages[0].parts == (Image("image/png", PNG),)
    assert vendor.requests[2].messages[2].parts == (Image("image/png", plain(colour="blue")),)


async def test_what_a_link_leads_to_and_is_no_picture_is_refused():
    web = Web(lambda _: b"<html>")

    said = await refusal(asked(ImageLink(LINK)), fetch=web)

    assert said.startswith("The picture in message 3 (https://a.example/b.png, 6 bytes, called")


async def test_a_link_that_cannot_be_had_is_named():
    async def gone(link: str) -> Image:
        raise InvalidRequest("https://a.example/b.png answers with HTTP 404.")

    said = await refusal(asked(ImageLink(LINK)), fetch=gone)

    assert said == "The picture in message 3: https://a.example/b.png answers with HTTP 404."


async def test_where_links_are_not_fetched_they_go_on():
    request = asked(ImageLink(LINK), Image("", PNG))

    seen = await sent(request)

    assert seen.messages[2].parts == (ImageLink(LINK), Image("image/png", PNG))


@pytest.mark.parametrize("fetch", [None, Web()], ids=["not fetched", "fetched"])
async def test_a_path_is_read(fetch):
    paths = []

    async def read(path: str) -> Image:
        paths.append(path)
        return Image("", PNG)

    links = ["/a/b.png", "file:///a/b%20c.png", "C:\\a.png", "~/a.png"]
    seen = await sent(asked(*map(ImageLink, links)), read=read, fetch=fetch)

    assert seen.messages[2].parts == (Image("image/png", PNG),) * 4
    assert paths == ["/a/b.png", "/a/b c.png", "C:\\a.png", "~/a.png"]


@pytest.mark.parametrize(
    "link",
    ["/secret/b.png", "file://nas/b.png", "b.png", "ftp://a/b.png", "javascript:b", "cid:b", ""],
)
async def test_what_leads_nowhere_is_refused(link):
    assert "message 3" in await refusal(asked(ImageLink(link)), fetch=Web())


async def test_there_may_be_too_many():
    one = Image("", PNG)

    await sent(asked(one, one), most=2)
    assert "3 pictures" in await refusal(asked(one, one, one), most=2)


async def test_whoever_hangs_up_leaves_nothing_running():
    request = asked(ImageLink(LINK), Image("", PNG))
    await leaves_nothing_behind(
        lambda inner: PrepareImages(inner, fetch=Web()), request, one_by_one(REPLY)
    )


async def test_who_stops_waiting_stops_the_fetch():
    begun, over = asyncio.Event(), asyncio.Event()

    async def hang(link: str) -> Image:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            over.set()
        raise AssertionError

    inner = Scripted([])
    asking = asyncio.create_task(
        collect(PrepareImages(inner, fetch=hang).reply(asked(ImageLink(LINK))))
    )
    await begun.wait()
    asking.cancel()
    await asyncio.wait([asking])

    assert over.is_set()
    assert inner.requests == []


async def test_what_is_remembered_has_a_limit(monkeypatch):
    monkeypatch.setattr(prepare_images, "REMEMBERED", 3 * (len(PNG) + prepare_images.KEY))
    policy = PrepareImages(Scripted([REPLY]), fetch=Web())
    await collect(policy.reply(asked(*(ImageLink(f"https://a.example/{at}") for at in range(9)))))

    assert len(policy._seen) == 3
