"""Signs of life, seen from the client's end of a real socket; no test counts seconds."""

import asyncio

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import RawTestServer

from lingma_proxy.server.heartbeat import EventStreamResponse, LiveStream

BEAT = b": alive\n\n"


class Served:
    """A server whose handler is the test's, and a client's connection to it."""

    def __init__(self, handler):
        self.server = RawTestServer(handler)
        self.session = ClientSession()

    async def __aenter__(self):
        await self.server.start_server()
        return self

    async def __aexit__(self, *_):
        await self.session.close()
        await self.server.close()

    def get(self):
        return self.session.get(self.server.make_url("/"))


def live(request, interval):
    return LiveStream(request, web.StreamResponse(), lambda: BEAT, interval)


async def test_the_head_goes_out_with_the_first_bytes():
    heads = []

    async def handler(request):
        stream = live(request, 60)
        heads.append(stream.started)
        await stream.write(b"one")
        heads.append(stream.started)
        stream.close()
        return stream.response

    async with Served(handler) as served, served.get() as response:
        assert await response.read() == b"one"
    assert heads == [False, True]


async def test_head_and_first_bytes_are_one_write_and_so_are_the_last_bytes_and_the_end():
    written = []

    async def handler(request):
        transport = request.transport
        pass_on = transport.write

        def note(data):
            written.append(bytes(data))
            pass_on(data)

        transport.write = note
        stream = LiveStream(request, EventStreamResponse(), lambda: BEAT, 60)
        await stream.write(b"one")
        await stream.end(b"two")
        await stream.end(b"three")
        stream.close()
        return stream.response

    async with Served(handler) as served, served.get() as response:
        assert await response.read() == b"onetwo"

    head_and_first, last = written
    assert head_and_first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head_and_first.endswith(b"\r\n3\r\none\r\n")
    assert last == b"3\r\ntwo\r\n0\r\n\r\n"


async def test_silence_before_the_first_bytes_is_broken_by_a_sign_of_life():
    heard = asyncio.Event()

    async def handler(request):
        stream = live(request, 0.01)
        await heard.wait()
        assert stream.started
        await stream.write(b"one")
        stream.close()
        return stream.response

    async with Served(handler) as served, served.get() as response:
        assert await response.content.readexactly(len(BEAT)) == BEAT
        heard.set()
        rest = await response.read()

    assert rest.replace(BEAT, b"") == b"one"


async def test_silence_between_events_is_broken_again_and_again():
    heard = asyncio.Event()

    async def handler(request):
        stream = live(request, 0.01)
        await stream.write(b"one")
        await heard.wait()
        await stream.write(b"two")
        stream.close()
        return stream.response

    async with Served(handler) as served, served.get() as response:
        first = await response.content.readexactly(len(b"one" + 3 * BEAT))
        heard.set()
        rest = await response.read()

    assert first.startswith(b"one")
    assert (first + rest).replace(BEAT, b"") == b"onetwo"


async def test_a_stream_that_speaks_often_enough_has_no_pulse():
    async def handler(request):
        stream = live(request, 60)
        for _ in range(20):
            await stream.write(b"x")
        stream.close()
        return stream.response

    async with Served(handler) as served, served.get() as response:
        assert await response.read() == b"x" * 20


async def test_a_pulse_that_finds_nobody_leaves_nothing_behind():
    gone = asyncio.Event()

    async def handler(request):
        stream = live(request, 0.01)
        try:
            while request.transport is not None and not request.transport.is_closing():
                await asyncio.sleep(0.01)
            with pytest.raises(ConnectionError):
                await stream.write(b"late")
        finally:
            stream.close()
            gone.set()
        return stream.response

    async with Served(handler) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.server.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await writer.drain()
        writer.close()
        async with asyncio.timeout(20):
            await gone.wait()
