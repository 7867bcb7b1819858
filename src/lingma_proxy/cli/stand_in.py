"""The built-in simulator behind the gateway, with a made-up login that only it takes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from lingma_proxy.settings import Settings
from lingma_proxy.simulator.remote import Simulator

PACE = 0.04
"""Seconds between two words: about as fast as a model speaks, and one can read along."""


@asynccontextmanager
async def stand_in(settings: Settings) -> AsyncIterator[Settings]:
    """Settings that lead to a simulator of our own, which lives as long as the `with`."""
    async with Simulator(pace=PACE) as simulator:
        yield replace(
            settings,
            backend="simulator",
            remote_base_url=simulator.url,
            cache_dir=str(simulator.home),
            # A real login and a real proxy have no business with it.
            login="auto",
            remote_auth_file="",
            remote_proxy_url="",
        )
