"""The whole program in this process, over the remote backend and the simulator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import ClientSession

from lingma_proxy.gateway import over, remote
from lingma_proxy.server.app import Server
from lingma_proxy.settings import Settings
from lingma_proxy.simulator.remote import Simulator
from support.served import ONE_TRY, Served


@asynccontextmanager
async def simulated(
    simulator: Simulator | None = None, **settings: object
) -> AsyncIterator[tuple[Served, Simulator]]:
    """`settings` are fields of `Settings`; the login is the simulator's, and is watched."""
    async with simulator or Simulator() as vendor:
        fixed = {
            "port": 0,
            "log_level": "error",
            "recording": "off",
            **ONE_TRY,
            "remote_base_url": vendor.url,
            "cache_dir": str(vendor.home),
        }
        chosen = Settings(**{**fixed, **settings})
        gateway = over(remote(chosen), chosen)
        server = Server(gateway)
        url = await server.start()
        try:
            async with ClientSession() as session:
                yield Served(url, session, gateway, server, None), vendor  # type: ignore[arg-type]  # there is no script
        finally:
            await server.stop()
