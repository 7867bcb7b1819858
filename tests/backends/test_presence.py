import asyncio
import sys
from pathlib import PurePosixPath

import pytest

from lingma_proxy.backends.discovery import Discovery
from lingma_proxy.backends.login import Login
from lingma_proxy.backends.presence import (
    agent_presence,
    listens,
    login_presence,
    plugin_presence,
)
from lingma_proxy.vendor.places import Machine
from lingma_proxy.vendor.plugin_places import Endpoint
from support.login import write_cache
from support.remote import machine

BEFORE, AFTER = 1_700_000_000.0, 1_900_000_000.0
ENDS = 1_800_014_400_000


def hang_up(_, writer):
    writer.close()


async def of_login(home, now=BEFORE):
    login = Login(machine=machine(home), now=lambda: now)
    try:
        return await login_presence(login, lambda: now)
    finally:
        await login.aclose()


async def test_a_login_is_there_until_it_ends(tmp_path):
    write_cache(tmp_path / ".lingma", expire_time=ENDS)
    there, ended = await of_login(tmp_path), await of_login(tmp_path, AFTER)

    assert there.found
    assert there.says.startswith("the login of ~/.lingma (user …")
    assert there.says.endswith(", until 2027-01-15)")
    assert not ended.found
    assert "ended on 2027-01-15" in ended.says


async def test_a_login_may_not_be_there_or_not_be_readable(tmp_path):
    missing = await of_login(tmp_path)
    (tmp_path / ".lingma" / "cache").mkdir(parents=True)
    (tmp_path / ".lingma" / "cache" / "user").write_text("nonsense")
    broken = await of_login(tmp_path)

    assert (missing.found, missing.says) == (False, "no login was found")
    assert (broken.found, broken.says) == (False, "the login in ~/.lingma cannot be used")


async def test_a_login_that_comes_later_is_seen(tmp_path):
    login = Login(machine=machine(tmp_path))
    assert not (await login_presence(login)).found
    write_cache(tmp_path / ".lingma", expire_time=None)
    assert (await login_presence(login)).found
    await login.aclose()


def info(home, port):
    folder = home / ".qodercn" / "vscode" / "sharedClientCache"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".info").write_text(f"{port}\n")


async def test_a_plugin_is_there_if_somebody_listens_where_its_file_leads(tmp_path):
    discovery = Discovery(machine(tmp_path))
    nowhere = await plugin_presence(discovery)
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        info(tmp_path, port)
        there = await plugin_presence(discovery)
    stale = await plugin_presence(discovery)

    assert (nowhere.found, nowhere.says) == (False, "neither Qoder CN nor Lingma is open")
    assert there.found
    assert there.says == "Qoder CN is running (~/.qodercn/vscode/sharedClientCache/.info)"
    assert not stale.found
    assert "Qoder CN is not open" in stale.says


@pytest.mark.skipif(sys.platform == "win32", reason="it has no Unix sockets in asyncio")
async def test_a_socket_is_there_if_somebody_listens_on_it(tmp_path):
    path = tmp_path / "s"
    endpoint = Endpoint("socket", str(path), "Lingma", "a test")
    assert not await listens(endpoint)
    async with await asyncio.start_unix_server(hang_up, path):
        assert await listens(endpoint)
    assert not await listens(endpoint)


@pytest.mark.parametrize(
    ("kind", "address", "there"),
    [
        ("pipe", "\\\\.\\pipe\\lingma-1", True),  # it was listed
        ("websocket", "wss://plugin.example/", True),  # it is not waited for
        ("websocket", "ws://127.0.0.1:1/", False),
        ("websocket", "ws://[::1]:1/", False),
        ("socket", "/" + "long" * 100, False),
    ],
)
async def test_who_listens_is_not_waited_for(kind, address, there):
    assert await listens(Endpoint(kind, address, "Lingma", "a test")) is there


async def test_pipes_are_there_when_they_are_listed():
    windows = Machine("windows", PurePosixPath("/nowhere"))
    there = await plugin_presence(Discovery(windows, pipe_names=lambda: ["lingma-bf0f32"]))

    assert (there.found, there.says) == (True, "Lingma is running (the list of pipes)")


async def test_an_agent_is_there_if_its_program_is():
    there = await agent_presence("opencode", lambda _: "/bin/opencode")
    missing = await agent_presence("/home/me/bin/opencode", lambda _: None)

    assert (there.found, there.says) == (True, "opencode is installed")
    assert (missing.found, missing.says) == (False, "there is no program opencode")
