"""An agent of the simulator's in this process, and the least that it takes for a client.  For
the simulator's own tests; written from the notes, so it shares nothing with what it tests."""

import asyncio
import socket
from base64 import b64encode
from contextlib import asynccontextmanager

from lingma_proxy.simulator.agent_faults import TABLE
from lingma_proxy.simulator.agent_sessions import Agent
from lingma_proxy.simulator.line import Wire
from support.plugin_client import Heard, over_streams
from support.vendor_client import PIXEL

PONG = "Reply with exactly one word, in capital letters and without punctuation: pong"
CANCELLED = {"outcome": {"outcome": "cancelled"}}
PICTURE = {"type": "image", "mimeType": "image/png", "data": b64encode(PIXEL).decode()}


class Streams(Wire):
    text = False

    def __init__(self, writer):
        self.writer = writer

    async def write(self, data, *, binary):
        self.writer.write(data)
        await self.writer.drain()

    def drop(self):
        self.writer.close()


async def chunks(reader):
    while chunk := await reader.read(65536):
        yield chunk


@asynccontextmanager
async def talking(faults="", **more):
    """An agent, what it notes, and a client that has introduced itself."""
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=theirs)
    notes: list[dict] = []
    agent = Agent(Streams(writer), TABLE.parse(faults), note=notes.append, **more)

    async def run():
        try:
            await agent.run(chunks(reader))
        finally:
            writer.close()

    running = asyncio.create_task(run())
    try:
        async with over_streams(*await asyncio.open_connection(sock=ours), newlines=True) as client:
            yield agent, client, notes
    finally:
        await running


async def hello(client):
    params = {"protocolVersion": 1, "clientCapabilities": {}}
    return (await client.call("initialize", params))["result"]


async def opened(client):
    """A new session's id, after a hello."""
    await hello(client)
    response = await client.call("session/new", {"cwd": "/work", "mcpServers": []})
    await client.until("available_commands_update")
    return response["result"]["sessionId"]


def parts(*said):
    return [{"type": "text", "text": part} if isinstance(part, str) else part for part in said]


async def turn(client, session, *said):
    id = await client.ask("session/prompt", {"sessionId": session, "prompt": parts(*said)})
    heard = Heard()
    while heard.response is None:
        heard.hear(await client.next(), id)
    return heard
