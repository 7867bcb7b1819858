import aiohttp
import pytest
from aiohttp import web

from lingma_proxy.simulator.local_server import LocalServer


class Empty(LocalServer):
    """Has nothing to show."""

    async def _start(self):
        await self._settle("lingma-empty-")
        await self._listen(web.Application())


def empty(*, host="127.0.0.1", port=0, home=None):
    return Empty(host, port, home)


async def test_it_listens_on_a_free_port_until_it_is_closed():
    async with empty() as server, aiohttp.ClientSession() as session:
        url = f"http://{server.authority}/"
        async with session.get(url) as answer:
            assert answer.status == 404
        await server.close()
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(url)

    assert server.port


async def test_a_home_that_was_given_stays_and_another_goes(tmp_path):
    async with empty(home=tmp_path), empty() as server:
        temporary = server.home
        assert temporary.is_dir()

    assert tmp_path.is_dir()
    assert not temporary.exists()


async def test_a_start_that_fails_leaves_nothing():
    async with empty() as first:
        second = empty(port=first.port)
        with pytest.raises(OSError):
            await second.start()

    assert not second.home.exists()


def test_a_host_of_ipv6_is_in_brackets():
    assert empty(host="::1", port=80).authority == "[::1]:80"
