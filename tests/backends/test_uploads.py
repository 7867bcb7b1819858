import asyncio
import gc
import json

import pytest

from lingma_proxy.backends.uploads import AT_ONCE, LIFETIME, Uploads
from lingma_proxy.conversation.request import Image, ImageLink, Message, Text, ToolResult
from lingma_proxy.errors import BackendUnavailable, ProtocolError, ProxyError
from lingma_proxy.vendor.ids import new_id
from lingma_proxy.vendor.image_upload import PATHS
from lingma_proxy.vendor.remote_request import pictures_of
from support.backends import ask

NEW, OLD = PATHS


def picture(number) -> Image:
    return Image("image/png", b"\x89PNG%d" % number)


def showing(*numbers):
    return ask(Message("user", (Text("see"), *map(picture, numbers))))


class Vendor:
    """Takes uploads at one path, and holds them until it is let go on."""

    def __init__(self, path: str = NEW, *, error: ProxyError | None = None) -> None:
        self.path = path
        self.error = error
        self.posted: list[tuple[str, str]] = []
        """Paths and what was uploaded."""
        self.at_once = self.most = 0
        self.go = asyncio.Event()
        self.go.set()

    async def post(self, target: str, body: bytes) -> bytes | None:
        said = json.loads(body)
        path, _, id = target.partition("?request_id=")
        assert id == said["RequestId"]
        self.posted.append((path, said["ImageUri"]))
        number = len(self.posted)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.go.wait()
            await asyncio.sleep(0)
        finally:
            self.at_once -= 1
        if path != self.path:
            return None
        if self.error is not None:
            raise self.error
        url = f"https://cdn.example/{number}"
        return json.dumps({"Data": {"Success": True, "ImageUrl": url}}).encode()


def links(request) -> list[str]:
    return [each.url for each in pictures_of(request.messages) if isinstance(each, ImageLink)]


async def test_each_distinct_picture_is_uploaded_once_and_all_are_linked():
    vendor = Vendor()
    found = links(await Uploads(new_id).linked(showing(1, 2, 1), "me", vendor.post))

    assert len(vendor.posted) == len(set(found)) == 2
    assert found[0] == found[2]


async def test_links_of_pictures_are_handed_in_like_pictures():
    vendor = Vendor()
    request = ask(Message("user", (ToolResult("c", (ImageLink("https://a.example/b"),)),)))
    found = await Uploads(new_id).linked(request, "me", vendor.post)

    assert vendor.posted == [(NEW, "https://a.example/b")]
    assert links(found) == ["https://cdn.example/1"]


async def test_a_conversation_does_not_upload_its_pictures_every_turn():
    vendor, now = Vendor(), [0.0]
    uploads = Uploads(new_id, lambda: now[-1])
    first = links(await uploads.linked(showing(1), "me", vendor.post))
    now.append(LIFETIME - 1)
    assert links(await uploads.linked(showing(1, 2), "me", vendor.post))[:1] == first
    assert len(vendor.posted) == 2
    now.append(LIFETIME)
    assert links(await uploads.linked(showing(1), "me", vendor.post)) != first
    assert len(vendor.posted) == 3


async def test_a_link_is_nobody_elses():
    vendor, uploads = Vendor(), Uploads(new_id)
    for whose in ("me", "you", "me", "you"):
        await uploads.linked(showing(1), whose, vendor.post)

    assert len(vendor.posted) == 2


async def test_links_that_may_be_worth_nothing_are_forgotten():
    vendor, uploads = Vendor(), Uploads(new_id)
    await uploads.linked(showing(1), "me", vendor.post)
    assert uploads.remembered == 1
    uploads.forget()
    assert uploads.remembered == 0
    await uploads.linked(showing(1), "me", vendor.post)

    assert len(vendor.posted) == 2


async def test_not_too_many_are_uploaded_at_once():
    vendor = Vendor()
    await Uploads(new_id).linked(showing(*range(20)), "me", vendor.post)

    assert (len(vendor.posted), vendor.most) == (20, AT_ONCE)


async def test_requests_that_show_the_same_new_picture_upload_it_once():
    vendor, uploads = Vendor(), Uploads(new_id)
    vendor.go.clear()
    asking = [asyncio.create_task(uploads.linked(showing(1), "me", vendor.post)) for _ in range(5)]
    while not vendor.posted:
        await asyncio.sleep(0)
    asking[0].cancel()  # who uploads it leaves: the next one does
    vendor.go.set()
    found = await asyncio.gather(*asking, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert len({tuple(links(each)) for each in found[1:]}) == 1
    assert len(vendor.posted) == 2
    asking.clear()
    gc.collect()
    assert len(uploads._under_way) == 0


async def test_the_other_path_is_tried_where_the_first_is_not_there_and_then_comes_first():
    vendor, uploads = Vendor(OLD), Uploads(new_id)
    for number in range(3):
        await uploads.linked(showing(number), "me", vendor.post)

    assert [path for path, _ in vendor.posted] == [NEW, OLD, OLD, OLD]


async def test_no_path_at_all_is_an_error_that_says_what_to_do():
    with pytest.raises(ProtocolError, match="image_delivery"):
        await Uploads(new_id).linked(showing(1), "me", Vendor("/elsewhere").post)


async def test_one_failure_ends_the_others_and_is_not_remembered():
    vendor, uploads = Vendor(error=BackendUnavailable("no")), Uploads(new_id)
    with pytest.raises(BackendUnavailable):
        await uploads.linked(showing(*range(20)), "me", vendor.post)
    assert len(vendor.posted) <= 2 * AT_ONCE
    assert len(asyncio.all_tasks()) == 1

    vendor.error = None
    assert len(links(await uploads.linked(showing(1), "me", vendor.post))) == 1


async def test_who_leaves_ends_the_uploads():
    vendor = Vendor()
    vendor.go.clear()
    asking = asyncio.create_task(Uploads(new_id).linked(showing(1, 2), "me", vendor.post))
    while len(vendor.posted) < 2:
        await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait([asking])

    assert asking.cancelled()
    assert vendor.at_once == 0
    assert len(asyncio.all_tasks()) == 1


async def test_a_large_picture_arrives_whole():
    large = Image("image/png", bytes(3_000_000))
    vendor = Vendor()
    await Uploads(new_id).linked(ask(Message("user", (large,))), "me", vendor.post)

    assert len(vendor.posted[0][1]) == len("data:image/png;base64,") + 4_000_000
