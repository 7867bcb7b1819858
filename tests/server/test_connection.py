"""What comes before there is a request, and after there is an answer."""

import asyncio
import logging
import socket

import pytest
from aiohttp import web

from lingma_proxy.jsonio import loads
from lingma_proxy.server import connection
from lingma_proxy.server.connection import Connections
from support.served import CHAT, HELLO, scripted

SECRET = b"sk-canary"
NOT_HTTP = {
    "no colon": b"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization Bearer sk-canary\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "a length and chunks": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "a long header": b"GET / HTTP/1.1\r\nHost: localhost\r\nx-api-key: " + SECRET * 9000 + b"\r\n\r\n",
    "a long address": b"GET /?key=" + SECRET * 1000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a: sk-canary\r\n" * 1000 + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
    "bytes in the path": b"GET /\xff\xfesk-canary HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP)
async def test_what_is_not_http_is_refused_in_words_and_repeated_nowhere(sent, caplog):
    caplog.set_level(logging.DEBUG)
    async with scripted() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(sent)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()

    assert head.split(b" ")[1] == b"400"
    assert b"request-id: req_" in head
    assert "not HTTP that" in loads(body)["error"]["message"]
    assert SECRET not in body
    assert SECRET.decode() not in caplog.text
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_body_that_breaks_off_after_the_answer_is_no_news(caplog):
    head = b"POST /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with scripted() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(head)
        assert b"404" in await reader.readline()
        writer.write(b"zz\r\n")
        writer.close()

    assert not caplog.records


async def test_a_request_after_one_that_was_refused_is_answered():
    async with scripted(HELLO) as served:
        refused, _ = await served.get("/nowhere")
        answered, _ = await served.post("/v1/chat/completions", CHAT)

    assert (refused.status, answered.status) == (404, 200)


@pytest.mark.parametrize("whole", [True, False], ids=["one large answer", "a stream"])
async def test_a_client_that_takes_nothing_is_let_go(whole, monkeypatch):
    monkeypatch.setattr(connection, "STALLED_AFTER", 0.05)
    lost = asyncio.Event()
    large = b"x" * 2**26  # more than any system keeps for a connection

    async def handler(request):
        if whole:
            return web.Response(body=large)
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(large)
        return response

    class Watched(Connections):
        def connection_lost(self, *arguments):
            super().connection_lost(*arguments)
            lost.set()

    server = await asyncio.get_running_loop().create_server(
        Watched(handler, handler_cancellation=True, access_log=None), "127.0.0.1", 0
    )
    async with server:
        with socket.create_connection(server.sockets[0].getsockname()) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(20):
                await lost.wait()


async def test_a_client_that_reads_slowly_hears_everything(monkeypatch):
    monkeypatch.setattr(connection, "STALLED_AFTER", 0.3)
    body = b"x" * 2**23

    async def handler(_):
        return web.Response(body=body)

    server = await asyncio.get_running_loop().create_server(
        Connections(handler, access_log=None), "127.0.0.1", 0
    )
    async with server:
        reader, writer = await asyncio.open_connection(
            *server.sockets[0].getsockname(), limit=2**16
        )
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        heard = 0
        while piece := await reader.read(2**18):
            heard += len(piece)
            await asyncio.sleep(0.02)
        writer.close()

    assert heard > len(body)


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: local"], ids=["nothing", "a part"])
async def test_a_connection_without_a_head_is_let_go_like_one_that_is_idle(sent):
    async def never(_: web.BaseRequest) -> web.StreamResponse:
        raise AssertionError

    runner = web.ServerRunner(Connections(never, keepalive_timeout=0.05))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    reader, writer = await asyncio.open_connection(*runner.addresses[0][:2])
    writer.write(sent)
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()
    await runner.cleanup()
