import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lingma_proxy.doctor.finding import Level
from lingma_proxy.doctor.port import Listener, address, check_port, who_listens
from lingma_proxy.settings import Settings


@asynccontextmanager
async def listening(status, body):
    async def version(request):
        return web.Response(status=status, body=body)

    application = web.Application()
    application.router.add_get("/version", version)
    server = TestServer(application)
    await server.start_server()
    try:
        yield server.port
    finally:
        await server.close()


OURS = b'{"service": "lingma-proxy", "version": "0"}'
OTHER_KEY = b'{"error": {"message": "This Lingma Proxy wants a key."}}'


@pytest.mark.parametrize(
    ("status", "body", "listener", "level"),
    [
        (200, OURS, Listener.OURS, Level.OK),
        (401, OTHER_KEY, Listener.OURS_WITH_ANOTHER_KEY, Level.WARNING),
        (401, b'{"error": {"message": "No."}}', Listener.STRANGER, Level.PROBLEM),
        (200, b"<html>", Listener.STRANGER, Level.PROBLEM),
        (200, b"[1]", Listener.STRANGER, Level.PROBLEM),
        (404, OURS, Listener.STRANGER, Level.PROBLEM),
        (302, b"", Listener.STRANGER, Level.PROBLEM),
    ],
)
async def test_who_listens_is_told_from_the_answer(status, body, listener, level):
    async with listening(status, body) as port, aiohttp.ClientSession() as session:
        settings = Settings(port=port)
        assert await who_listens(session, address(settings)) is listener
        (finding,) = await check_port(settings)
        assert finding.level is level
        assert bool(finding.cure) == (level is not Level.OK)


@pytest.fixture
def closed_port():
    with socket.socket() as bound:  # bound, never listening: nobody else can take it
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


async def test_a_port_where_nobody_listens_is_free(closed_port):
    (finding,) = await check_port(Settings(port=closed_port))

    assert finding.found == f"{closed_port} is free"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:1"),
        ("0.0.0.0", "http://127.0.0.1:1"),
        ("::", "http://[::1]:1"),
        ("fe80::1", "http://[fe80::1]:1"),
    ],
)
def test_the_address_is_one_that_this_machine_can_call(host, url):
    assert address(Settings(host=host, port=1)) == url


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({}, Level.PROBLEM),
        ({"open_bind": True}, Level.WARNING),
        ({"api_key": "x"}, Level.OK),
    ],
)
async def test_a_port_that_others_reach_is_looked_at(changes, level):
    network, port = await check_port(Settings(host="0.0.0.0", port=0, **changes))

    assert (network.about, network.level) == ("network", level)
    assert port.level is Level.OK
