import asyncio

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import RawTestServer

from lingma_proxy.errors import InvalidRequest, ProxyError, RequestTimeout, RequestTooLarge
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.server import body
from lingma_proxy.server.body import read_json_object

LIMIT = 1000


async def read(data, **headers):
    """What the server makes of a posted body: a value, or the error it raises."""
    outcome: list[JsonObject | ProxyError] = []

    async def handler(request):
        request._client_max_size = LIMIT
        try:
            outcome.append(await read_json_object(request))
        except ProxyError as error:
            outcome.append(error)
        return web.Response()

    async with RawTestServer(handler) as server, ClientSession() as session:
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


async def test_a_body_that_does_not_come_is_given_up(monkeypatch):
    monkeypatch.setattr(body, "PATIENCE", 0.01)
    outcome = asyncio.get_running_loop().create_future()

    async def handler(request):
        try:
            await read_json_object(request)
        except ProxyError as error:
            outcome.set_result(error)
        return web.Response()

    async with RawTestServer(handler) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
        error = await outcome
        writer.close()

    assert isinstance(error, RequestTimeout)
