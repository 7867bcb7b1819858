"""The vendor as a script on a real socket: it says bytes, exactly these and no others.

It checks nothing and understands nothing; the simulator does that.  Each request takes the
next script of the list, and the last one stays.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.stories import Spelling, Story, sse


class Hang:
    """Say nothing more, until the other side goes away."""


class Dribble:
    """Say that one is still there, again and again, until the other side goes away."""


class Reset:
    """Drop the connection, without an orderly end."""


class Sever:
    """Close the connection where it stands, without the end that HTTP demands."""


Step = bytes | asyncio.Event | Hang | Dribble | Reset | Sever


@dataclass(frozen=True)
class Says:
    """One answer: its head, then the steps of its body; chunked, and the connection is kept."""

    steps: Sequence[Step] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    media_type: str | None = "text/event-stream"


Script = Says | bytes | Hang | Dribble | Reset | Sever
"""Bytes on their own are all that is sent, without even a head."""


@dataclass
class Asked:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class VendorServer:
    def __init__(self, *scripts: Script) -> None:
        self.scripts = list(scripts)
        self.asked: list[Asked] = []
        self.connections = 0
        self.open = 0
        """Connections that are open now."""
        self.left = asyncio.Event()
        """Set when the other side closes a connection in the middle of an answer."""
        self.url = ""
        self.tasks: set[asyncio.Task[None]] = set()

    def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request.  False if the connection is over then."""
        self.asked.append(await read_request(reader))
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        if isinstance(script, bytes):
            writer.write(script)
            await writer.drain()
            return False
        if not isinstance(script, Says):
            return await self._step(script, reader, writer)
        kind = {"Content-Type": script.media_type} if script.media_type is not None else {}
        headers = {**kind, "Transfer-Encoding": "chunked", **script.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {script.status} X\r\n{head}\r\n".encode())
        for step in script.steps:
            if not await self._step(step, reader, writer):
                return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _step(
        self, step: Step, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        match step:
            case bytes():
                if step:
                    writer.write(b"%x\r\n%b\r\n" % (len(step), step))
                    await writer.drain()
                return True
            case asyncio.Event():
                await step.wait()
                return True
            case Hang():
                await writer.drain()
                try:
                    assert await reader.read(1) == b"", "the client sent more than one request"
                finally:
                    self.left.set()
                return False
            case Dribble():
                gone = asyncio.create_task(reader.read(1))
                try:
                    while not gone.done():
                        await self._step(b": still here\n\n", reader, writer)
                        await asyncio.wait([gone], timeout=0.02)
                    assert gone.result() == b"", "the client sent more than one request"
                finally:
                    self.left.set()
                    gone.cancel()
                return False
            case Reset():
                await writer.drain()
                writer.transport.abort()
                return False
            case Sever():
                await writer.drain()
                return False


async def read_request(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, target, _ = head[0].split(" ")
    pairs = (line.split(": ", 1) for line in head[1:] if line)
    headers = {name.lower(): value for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)


@asynccontextmanager
async def serving(*scripts: Script) -> AsyncIterator[VendorServer]:
    vendor = VendorServer(*scripts)
    server = await asyncio.start_server(vendor, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    vendor.url = f"http://{host}:{port}"
    try:
        yield vendor
    finally:
        server.close()
        for task in vendor.tasks:
            task.cancel()
        await asyncio.gather(*vendor.tasks, return_exceptions=True)
        await server.wait_closed()


def tells(story: Story, spelling: Spelling | None = None) -> Says:
    """The answer that tells a story, in one piece."""
    return Says((sse(story, spelling) if spelling else sse(story),))
