import asyncio
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lingma_proxy.errors import BackendUnavailable, ProtocolError
from lingma_proxy.transports import websocket
from lingma_proxy.transports.base import FramedTransport, Lsp
from lingma_proxy.transports.websocket import connect
from lingma_proxy.wire.lsp import encode


@asynccontextmanager
async def served(handle):
    """A server whose every request goes to `handle`; its WebSocket URL, without a path."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app) as server:
        yield f"ws://{server.host}:{server.port}"


@asynccontextmanager
async def listening(talk):
    """A server of plain bytes; its WebSocket URL."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def plugin(talk, requests=None):
    """A handler that speaks WebSocket: `talk` with it."""

    async def handle(request):
        if requests is not None:
            requests.append(request)
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        await talk(socket)
        return socket

    return handle


async def echo(socket):
    async for message in socket:
        assert message.type is aiohttp.WSMsgType.TEXT
        await socket.send_str(message.data)


async def everything(stream) -> bytes:
    said = b""
    while chunk := await stream.read():
        said += chunk
    return said


async def test_what_is_said_comes_back() -> None:
    async with served(plugin(echo)) as url:
        stream = await connect(url)
        await stream.write("你好".encode())

        assert await stream.read() == "你好".encode()

        await stream.close()


async def test_the_handshake_says_no_more_than_it_must() -> None:
    requests: list[web.Request] = []
    async with served(plugin(echo, requests)) as url:
        await (await connect(url)).close()
        await (await connect(f" {url}/a/b?c=d ")).close()

    assert [request.path_qs for request in requests] == ["/", "/a/b?c=d"]
    for name in ("Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Cookie", "Authorization"):
        assert name not in requests[0].headers


async def test_text_and_binary_messages_are_pieces_of_one_stream() -> None:
    async def talk(socket):
        frames = encode('{"id":"你"}'.encode()) + encode(b'{"id":2}')
        middle = frames.index("你".encode()) + 1
        await socket.send_bytes(frames[:9])
        await socket.send_frame(frames[9:middle], aiohttp.WSMsgType.TEXT)  # inside a character
        await socket.send_str("")
        await socket.send_bytes(frames[middle:])
        await socket.close()

    async with served(plugin(talk)) as url:
        transport = FramedTransport(await connect(url), Lsp())

        assert await transport.receive() == {"id": "你"}
        assert await transport.receive() == {"id": 2}
        assert await transport.receive() is None
        assert transport.failure is None

        await transport.close()


async def test_a_message_of_many_megabytes_goes_both_ways() -> None:
    body = b'{"x":"%b"}' % (b"x" * 20_000_000)
    async with served(plugin(echo)) as url:
        stream = await connect(url)
        await stream.write(encode(body))

        assert await stream.read() == encode(body)

        await stream.close()


async def test_a_message_beyond_the_limit_is_a_failure(monkeypatch) -> None:
    monkeypatch.setattr(websocket, "MAX_MESSAGE", 1000)

    async def talk(socket):
        await socket.send_str("x" * 1001)
        await socket.receive()

    async with served(plugin(talk)) as url:
        stream = await connect(url)

        with pytest.raises(ProtocolError, match="passes 1000 bytes"):
            await stream.read()

        await stream.close()


@pytest.mark.parametrize("frame", [b"\x83\x00", b"\xc1\x01x"], ids=["opcode", "compressed"])
async def test_what_is_no_websocket_frame_is_a_failure(frame) -> None:
    async def talk(socket):
        socket._req.transport.write(frame)
        await socket.receive()

    async with served(plugin(talk)) as url:
        stream = await connect(url)

        with pytest.raises(ProtocolError, match="rules"):
            await stream.read()

        await stream.close()


@pytest.mark.parametrize("how", ["close", "drop"])
async def test_a_side_that_goes_away_is_the_end(how) -> None:
    async def talk(socket):
        await socket.send_str("bye")
        await socket.close() if how == "close" else socket._req.transport.abort()

    async with served(plugin(talk)) as url:
        stream = await connect(url)

        assert await everything(stream) in {b"bye", b""}
        assert await stream.read() == b""
        with pytest.raises(ConnectionError):
            await stream.write(b"x")

        await stream.close()


async def test_closing_ends_who_waits() -> None:
    async with served(plugin(echo)) as url:
        stream = await connect(url)
        waiting = asyncio.create_task(stream.read())
        await stream.write(b"x")
        assert await waiting == b"x"
        waiting = asyncio.create_task(stream.read())
        await asyncio.sleep(0)

        await asyncio.gather(stream.close(), stream.close())
        await stream.close()

        assert await waiting == b""
        assert await stream.read() == b""
        with pytest.raises(ConnectionError):
            await stream.write(b"x")


async def test_a_side_that_never_parts_does_not_keep_us(monkeypatch) -> None:
    monkeypatch.setattr(websocket, "FAREWELL", 0.05)
    over = asyncio.Event()

    async def talk(socket):
        await over.wait()  # reads nothing, so it neither takes what is said nor hears the end

    async with served(plugin(talk)) as url:
        stream = await connect(url)
        stuck = asyncio.create_task(stream.write(b"x" * 20_000_000))
        await asyncio.sleep(0)
        await stream.close()
        over.set()

        with pytest.raises(OSError):
            await stuck


async def test_who_is_cancelled_while_closing_leaves_nothing(monkeypatch) -> None:
    monkeypatch.setattr(websocket, "FAREWELL", 0.05)
    over = asyncio.Event()

    async def talk(socket):
        await over.wait()

    async with served(plugin(talk)) as url:
        stream = await connect(url)
        closing = asyncio.create_task(stream.close())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait({closing})

        await stream.close()
        over.set()

        assert closing.cancelled()


async def answer(status, **headers):
    return web.Response(status=status, headers=headers)


@pytest.mark.parametrize("status", [200, 302, 404, 500])
async def test_a_web_server_is_no_plugin_and_leads_nowhere(status) -> None:
    requests = []

    async def handle(request):
        requests.append(request.path)
        return await answer(status, Location="/elsewhere")

    async with served(handle) as url:
        with pytest.raises(BackendUnavailable) as failure:
            await connect(f"{url}/secret?key=hunter2")

    assert (
        failure.value.message
        == f"{url} is no WebSocket of the plugin: it answered with HTTP {status}."
    )
    assert requests == ["/secret"]


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"oops\r\n\r\n",
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ],
)
async def test_who_speaks_another_way_is_named(said) -> None:
    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)
        writer.close()

    async with listening(talk) as url:
        with pytest.raises(BackendUnavailable, match=f"^{url} does not speak WebSocket.$"):
            await connect(url)


async def test_who_does_not_answer_is_named() -> None:
    over = asyncio.Event()

    async def talk(_reader, writer):
        await over.wait()
        writer.close()

    async with listening(talk) as url:
        with pytest.raises(BackendUnavailable, match=r"within 0\.05 seconds"):
            await connect(url, timeout=0.05)
        over.set()


async def test_who_is_cancelled_while_connecting_leaves_nothing() -> None:
    arrived, over = asyncio.Event(), asyncio.Event()

    async def talk(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await reader.read()  # until the end
        writer.close()
        over.set()

    async with listening(talk) as url:
        connecting = asyncio.create_task(connect(url))
        await arrived.wait()
        connecting.cancel()
        await over.wait()

        with pytest.raises(asyncio.CancelledError):
            await connecting


async def test_nobody_there_is_said() -> None:
    async with listening(lambda *_: None) as url:
        pass

    with pytest.raises(BackendUnavailable, match=f"^{url} refused the connection: nobody"):
        await connect(url)


@pytest.mark.parametrize(
    "url",
    ["", "x", "http://127.0.0.1:1/", "ws://", "ws:///x", "ws://127.0.0.1:99999", "ws://[::1", "\0"],
)
async def test_a_url_that_is_none_of_a_websocket_is_refused(url) -> None:
    with pytest.raises(BackendUnavailable, match="URL is not valid"):
        await connect(url)


async def test_the_code_in_a_url_is_not_said() -> None:
    async with listening(lambda *_: None) as url:
        pass

    with pytest.raises(BackendUnavailable) as failure:
        await connect(url.replace("//", "//me:hunter2@") + "/?key=hunter2")

    assert "hunter2" not in failure.value.message
