import asyncio
import json
import socket
from contextlib import asynccontextmanager

import aiohttp
import pytest

from lingma_proxy.simulator.plugin import Plugin, Transport
from lingma_proxy.simulator.plugin_faults import FAULTS
from lingma_proxy.simulator.seen import Outcome
from lingma_proxy.simulator.turn_faults import TRAVEL
from support.plugin_client import (
    Gone,
    over_socket,
    over_streams,
    over_websocket,
)
from support.transcripts import replay
from support.vectors import vectors

BOTH: tuple[Transport, ...] = ("websocket", "unix")


@pytest.fixture
async def plugin():
    async with Plugin(BOTH) as plugin:
        yield plugin


@asynccontextmanager
async def over_a_pipe(plugin):
    """As a named pipe would be served: a stream that is made elsewhere."""
    ours, theirs = socket.socketpair()
    serving = asyncio.create_task(plugin.serve(*await asyncio.open_connection(sock=theirs)))
    async with over_streams(*await asyncio.open_connection(sock=ours)) as client:
        yield client
    await serving


WAYS = {
    "websocket": lambda plugin: over_websocket(plugin.url),
    "unix": lambda plugin: over_socket(plugin.socket),
    "pipe": over_a_pipe,
}


@pytest.fixture(params=WAYS)
async def client(request, plugin):
    async with WAYS[request.param](plugin) as client:
        yield client


def step_end(message):
    """The second of two callbacks; the transcript of sessions has only the first."""
    return message.get("params", {}).get("step") == "step_end"


async def test_the_transcript_of_sessions_is_spoken_to_the_letter(plugin, client):
    plugin.say([{"reasoning_content": "hmm"}, "po", "ng"], used=1234)
    await replay(client, vectors("plugin_messages")["acp"]["messages"], step_end)

    assert (plugin.sessions, len(plugin.deleted), list(plugin.complaints)) == ({}, 1, [])


async def test_the_transcript_of_the_older_protocol_is_spoken_to_the_letter(plugin, client):
    plugin.say([{"reasoning_content": "hmm"}, "po", "ng"])
    await replay(client, vectors("lsp4j")["messages"])

    await plugin.prompts[0].over.wait()
    assert plugin.prompts[0].outcome is Outcome.FINISHED
    assert list(plugin.complaints) == []


async def test_the_home_leads_to_it(plugin):
    info = json.loads((plugin.home / ".qodercn/vscode/sharedClientCache/.info.json").read_text())

    assert plugin.url == f"ws://127.0.0.1:{info['websocketPort']}/"
    assert info["ipcServerPath"] == str(plugin.socket)
    assert plugin.socket.stat().st_mode & 0o777 == 0o600


async def test_the_other_product_lives_elsewhere(tmp_path):
    layout = ".config/Lingma/SharedClientCache"
    async with Plugin(home=tmp_path, product="Lingma", layout=layout, form="text") as plugin:
        assert (tmp_path / layout / ".info").read_text().startswith(f"{plugin.port}\n")
    async with Plugin(home=tmp_path / "other", form=None) as plugin:
        assert list(plugin.runtime.iterdir()) == []


async def test_nothing_is_left_when_it_is_closed():
    before = asyncio.all_tasks()
    plugin = await Plugin(BOTH).start()
    home = plugin.home
    async with over_websocket(plugin.url) as first, over_socket(plugin.socket) as second:
        await first.hello()
        await second.hello()
        session = await second.new()
        plugin.next("stall")
        await second.prompt(session, "hello")
        prompt = await plugin.prompted()
        await prompt.answering.wait()
        await plugin.close()
        await plugin.close()
        with pytest.raises(Gone):
            await first.until("nothing")

    assert prompt.outcome is Outcome.CLOSED
    assert not home.exists()
    assert asyncio.all_tasks() <= before


async def test_a_taken_socket_is_an_error_that_leaves_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        plugin = Plugin(port=taken.getsockname()[1])
        with pytest.raises(OSError):
            await plugin.start()

    assert not plugin.home.exists()


async def test_a_client_that_leaves_is_noticed(plugin):
    plugin.next("stall")
    async with over_websocket(plugin.url) as client:
        await client.hello()
        await client.prompt(await client.new(), "hello")
        prompt = await plugin.prompted()
        await prompt.answering.wait()
    await plugin.gone()

    assert prompt.outcome is Outcome.ABANDONED
    assert len(plugin.sessions) == 1


async def test_other_paths_and_plain_requests_are_refused(plugin):
    async with aiohttp.ClientSession() as session:
        base = plugin.url.replace("ws", "http", 1)

        assert (await session.get(base + "else")).status == 404
        assert (await session.get(base)).status == 400


async def test_a_handshake_can_fail(plugin):
    plugin.next("error-connect")
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with over_websocket(plugin.url):
            pass
    plugin.next("drop-connect", times=2)  # aiohttp tries a GET once more by itself
    with pytest.raises(aiohttp.ClientError):
        async with over_websocket(plugin.url):
            pass


async def test_a_handshake_can_be_waited_for_for_ever(plugin):
    plugin.next("hang-connect")
    async with aiohttp.ClientSession() as session:
        connecting = asyncio.create_task(session.ws_connect(plugin.url))
        await plugin.connected()
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting
    await plugin.gone()


async def test_a_socket_can_be_silent_for_ever(plugin):
    plugin.next("hang-connect")
    async with over_socket(plugin.socket) as client:
        await client.ask("initialize", {"protocolVersion": 1})
        await plugin.connected()
    await plugin.gone()

    assert plugin.tally.counts["initialized"] == 0


VALUES = {"seconds": "=0.001", "number": "=3"}
OF_THE_WIRE = {name for name in FAULTS if name.startswith("drop-") or name.endswith("-connect")}
OF_THE_WIRE |= TRAVEL | {"cut", "garbage", "big-header"}
BREAKS = [("websocket", fault) for fault in FAULTS]
BREAKS += [("unix", fault) for fault in sorted(OF_THE_WIRE)]


@pytest.mark.parametrize(("way", "fault"), BREAKS)
async def test_no_fault_is_an_accident(way, fault):
    """With each fault, a client that is patient comes to an end, and so does the plugin."""
    before = asyncio.all_tasks()
    ended = "well"
    async with Plugin(BOTH, always=fault + VALUES.get(FAULTS[fault].takes, "")) as plugin:
        try:
            async with WAYS[way](plugin) as client:
                await a_life(client)
        except (Gone, aiohttp.ClientError, ConnectionError):
            ended = "gone"
        except ValueError:
            ended = "garbled"
        await plugin.gone()

    assert (ended == "gone") == (fault in {"drop-after", "cut"} or fault in dropping(way))
    assert (ended == "garbled") == (fault in {"garbage", "big-header"})
    assert all(prompt.over.is_set() for prompt in plugin.prompts)
    assert asyncio.all_tasks() <= before
    odd = [complaint for complaint in plugin.complaints if "session/cancel" not in complaint]
    assert odd == []


def dropping(way):
    refused = {"error-connect"}  # by HTTP, or without a word
    return {name for name in FAULTS if name.startswith("drop-")} | refused


async def a_life(client):
    client.answers["session/request_permission"] = {"outcome": {"outcome": "cancelled"}}
    await client.hello()
    await client.call("config/queryModels")
    response = await client.call("session/new", {"cwd": "/", "mcpServers": []})
    session = response.get("result", {}).get("sessionId", "none")
    await client.call("session/set_model", {"sessionId": session, "modelId": "kmodel"})
    id = await client.prompt(session, "one two three four")
    while True:
        message = await client.next()
        if message.get("id") == id and "method" not in message:
            break
        if message.get("params", {}).get("update", {}).get("type") == "chat_finish":
            break
    for name in ("sessionId", "id"):
        await client.call("chat/deleteSessionById", {name: session})
    await client.tell("session/cancel", {"sessionId": "gone"})
    await client.call("ping")
