import asyncio

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol

from lingma_proxy.backends.answer import first_of, heard
from lingma_proxy.conversation.request import Text
from lingma_proxy.errors import NotLoggedIn, ProtocolError
from lingma_proxy.vendor.remote_stream import RemoteStream
from support.stories import ID, MODEL, Refused, Say, Story, heard_parts, new_ids, sse

HELLO = sse(Story("hello", (Say("Hello"),)))
CUT = HELLO[: HELLO.index(b"\n\n") + 2]
REFUSED = sse(Story("no", (), Refused(403, "101", "Signature invalid")))


@pytest.fixture
async def content():
    loop = asyncio.get_running_loop()
    protocol = BaseProtocol(loop)
    protocol.connection_made(asyncio.Transport())
    return aiohttp.StreamReader(protocol, 2**16, loop=loop)


@pytest.fixture
def stream():
    return RemoteStream(ID, MODEL, new_ids())


async def test_one_read_is_one_batch(content, stream):
    content.feed_data(HELLO[:-10])
    content.feed_data(HELLO[-10:])

    assert heard_parts(await heard(content, stream)) == [Text("Hello")]
    assert stream.over


async def test_what_came_before_a_break_is_heard(content, stream):
    content.feed_data(HELLO)
    content.set_exception(aiohttp.ClientPayloadError("broken"))

    assert heard_parts(await heard(content, stream)) == [Text("Hello")]
    assert stream.failure is None


async def test_a_break_in_the_middle_is_the_cause_of_the_failure(content, stream):
    content.feed_data(CUT)
    content.set_exception(error := aiohttp.ClientPayloadError("broken"))

    assert heard_parts(await heard(content, stream)) == [Text("Hello")]
    assert isinstance(stream.failure, ProtocolError)
    assert stream.failure.__cause__ is error


async def test_a_break_before_anything_is_for_the_seam(content, stream):
    content.set_exception(error := aiohttp.ClientPayloadError("broken"))

    with pytest.raises(aiohttp.ClientPayloadError) as raised:
        await first_of(content, stream)
    assert raised.value is error


async def test_a_refusal_before_a_break_is_still_the_refusal(content, stream):
    content.feed_data(REFUSED)
    content.set_exception(aiohttp.ClientPayloadError("broken"))

    with pytest.raises(NotLoggedIn):
        await first_of(content, stream)


async def test_the_first_events_may_take_several_reads(content, stream):
    reading = asyncio.create_task(first_of(content, stream))
    for piece in (b": hello\n\n", CUT[:5], CUT[5:]):
        content.feed_data(piece)
        await asyncio.sleep(0)

    assert heard_parts(await reading) == [Text("Hello")]
