import os
from pathlib import Path

import aiohttp
import pytest

from lingma_proxy.cli.stand_in import stand_in
from lingma_proxy.settings import Settings

REAL = Settings(
    remote_auth_file="real.json", remote_proxy_url="http://real-proxy", model="Qwen3", port=1
)


async def test_everything_leads_to_the_simulator_and_nothing_to_the_vendor():
    async with stand_in(REAL) as settings:
        assert settings.remote_base_url.startswith("http://127.0.0.1:")
        assert (settings.remote_auth_file, settings.remote_proxy_url) == ("", "")
        assert (settings.backend, settings.model, settings.port) == ("simulator", "Qwen3", 1)


def mode(path):
    return path.stat().st_mode & 0o777 if path.exists() else None


async def test_it_leaves_nothing_behind():
    async with stand_in(REAL) as settings:
        home = Path(settings.cache_dir)
        assert mode(home / "cache" / "user") is not None
        assert os.name != "posix" or mode(home) == 0o700

    assert mode(home) is None
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(settings.remote_base_url)
