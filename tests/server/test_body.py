import asyncio
import gzip
import threading
import tracemalloc
import zlib

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import RawTestServer

from lingma_proxy.aside import LONG
from lingma_proxy.errors import InvalidRequest, ProxyError, RequestTimeout, RequestTooLarge
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.server import body
from lingma_proxy.server.body import inflated, understood

LIMIT = 1000


async def read(data, **headers):
    """What the server makes of a posted body: a value, or the error it raises."""
    outcome: list[JsonObject | ProxyError] = []

    async def handler(request):
        request._client_max_size = LIMIT
        try:
            outcome.append(await understood(request, lambda body: body))
        except ProxyError as error:
            outcome.append(error)
        return web.Response()

    server = RawTestServer(handler)
    await server.start_server(auto_decompress=False)
    async with server, ClientSession() as session:
        async with session.post(server.make_url("/"), data=data, headers=headers):
            return outcome[0]


async def test_an_object_is_read():
    assert await read(b' {"a": 12345678901234567890123} ') == {"a": 12345678901234567890123}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":1}x', "trailing"),
        (b"[]", "must be a JSON object"),
        (b'"a"', "must be a JSON object"),
        (b"\xff\xfe{}", "not JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
        (b'{"a":"\\ud83d"}', "not JSON"),
    ],
)
async def test_what_is_no_object_is_refused_in_words(data, says):
    error = await read(data)

    assert isinstance(error, InvalidRequest)
    assert says in error.message


async def test_an_announced_body_that_is_too_large_is_refused_before_it_is_read():
    error = await read(b"x" * (LIMIT + 1))

    assert isinstance(error, RequestTooLarge)
    assert "max_body_mb" in error.message


async def test_an_unannounced_one_is_refused_at_the_limit():
    async def pieces():
        for _ in range(50):
            yield b"x" * 100

    assert isinstance(await read(pieces()), RequestTooLarge)


# Without a time of its own: these bytes name tests, and workers must agree on the names.
GZIP = gzip.compress(b'{"a":1}', mtime=0)
ZLIB = zlib.compress(b'{"a":1}')


@pytest.mark.parametrize(
    ("data", "how"),
    [
        (GZIP, "gzip"),
        (GZIP, "X-Gzip"),
        (ZLIB, "deflate"),
        (ZLIB[2:-4], "deflate"),
        (b'{"a":1}', "identity"),
        (b'{"a":1}', "utf-8"),
    ],
)
async def test_what_is_compressed_is_inflated(data, how):
    assert await read(data, **{"Content-Encoding": how}) == {"a": 1}


@pytest.mark.parametrize(
    ("data", "how", "says"),
    [
        (b'{"a":1}', "gzip", "not compressed as"),
        (GZIP[:-9], "gzip", "not compressed as"),
        (GZIP + GZIP, "gzip", "not compressed as"),
        (b"", "deflate", "not compressed as"),
        (b"\x28\xb5\x2f\xfd", "zstd", "send it as it is, or as gzip"),
        (b"", "br", "cannot undo"),
        (GZIP, "gzip, gzip", "not JSON"),
    ],
)
async def test_what_cannot_be_inflated_is_refused_in_words(data, how, says):
    error = await read(data, **{"Content-Encoding": how})

    assert isinstance(error, InvalidRequest)
    assert says in error.message


@pytest.mark.parametrize("compress", [gzip.compress, zlib.compress])
def test_a_bomb_is_refused_before_it_is_large(compress):
    bomb = compress(b" " * 2**26)
    tracemalloc.start()

    with pytest.raises(RequestTooLarge):
        inflated(bomb, 2**20)

    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


async def test_a_long_body_is_understood_in_a_thread():
    threads: list[int] = []

    async def handler(request):
        await understood(request, lambda body: threads.append(threading.get_ident()))
        return web.Response()

    async with RawTestServer(handler) as server, ClientSession() as session:
        for data in (b"{}", b"{}" + b" " * LONG):
            async with session.post(server.make_url("/"), data=data):
                pass

    assert threads[0] == threading.get_ident() != threads[1]


async def talk(handler, *sent: bytes) -> bytes:
    """What a client hears that waits for an answer after each piece it sends."""
    async with RawTestServer(handler) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        heard = b""
        for piece in sent:
            writer.write(piece)
            heard += await reader.readuntil(b"\r\n\r\n")
        writer.close()
    return heard


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked():
    async def handler(request):
        return web.Response(headers={"x-read": await understood(request, str)})

    head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    heard = await talk(handler, head, b"{}")

    assert heard.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert b"x-read: {}" in heard


async def test_a_body_that_is_not_framed_as_announced_is_the_clients_fault():
    async def handler(request):
        request.content.set_exception(web.RequestPayloadError("as aiohttp's parser says it"))
        with pytest.raises(InvalidRequest, match="not framed"):
            await understood(request, str)
        return web.Response()

    async with RawTestServer(handler) as server, ClientSession() as session:
        async with session.post(server.make_url("/"), data=b"{}") as answer:
            assert answer.status == 200


async def test_a_body_that_does_not_come_is_given_up(monkeypatch):
    monkeypatch.setattr(body, "PATIENCE", 0.01)
    outcome = asyncio.get_running_loop().create_future()

    async def handler(request):
        try:
            await understood(request, lambda body: body)
        except ProxyError as error:
            outcome.set_result(error)
        return web.Response()

    async with RawTestServer(handler) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        error = await outcome
        writer.close()

    assert isinstance(error, RequestTimeout)
