"""A plugin, and a client that has introduced itself to it."""

import pytest

from lingma_proxy.simulator.plugin import Plugin
from support.plugin_client import over_websocket


@pytest.fixture
async def plugin():
    async with Plugin() as plugin:
        yield plugin


@pytest.fixture
async def client(plugin):
    async with over_websocket(plugin.url) as client:
        await client.hello()
        yield client
