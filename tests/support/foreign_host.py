"""A host somewhere on the web, on this machine: a real socket that says what it was told to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Say = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Host:
    port: int
    answers: Mapping[str, bytes | Say]
    asked: list[bytes] = field(default_factory=list)
    """The heads of all requests."""
    open: int = 0
    """Connections that are not over yet."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """A connection is over."""

    def link(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


def answer(
    body: bytes = b"", status: str = "200 OK", kind: str = "image/png", **headers: str
) -> bytes:
    lines = {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return answer(status=status, Location=location)


@asynccontextmanager
async def foreign_host(answers: Mapping[str, bytes | Say]) -> AsyncIterator[Host]:
    """It looks up the path without its query; what it does not know is a 404."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host.open += 1
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            host.asked.append(head)
            path = head.split(b" ")[1].decode().partition("?")[0]
            said = answers.get(path, answer(status="404 Not Found"))
            if isinstance(said, bytes):
                writer.write(said)
                await writer.drain()
            else:
                await said(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the other side has had enough
        finally:
            writer.close()
            host.open -= 1
            host.closed.set()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    host = Host(server.sockets[0].getsockname()[1], answers)
    try:
        async with server:
            yield host
    finally:
        async with asyncio.timeout(10):
            while host.open:
                host.closed.clear()
                await host.closed.wait()
