"""A client that holds its own socket: it says what it wants, when it wants, and leaves."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lingma_proxy.jsonio import JsonObject, dumpb


@dataclass(frozen=True)
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> bytes:
        """Everything, until the other side closes."""
        return await self.reader.read()

    def leave(self) -> None:
        self.writer.close()

    def vanish(self) -> None:
        """Close with RST instead of FIN, as a process that is killed may."""
        reset(self.writer)

    def half_close(self) -> None:
        self.writer.write_eof()


def reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def client(port: int, *, buffer: int | None = None) -> AsyncIterator[Client]:
    """`buffer`: bytes that the system takes in for a client that does not read."""
    connection = socket.socket()
    connection.setblocking(False)
    if buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    await asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=buffer or 2**16)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def post(path: str, body: JsonObject | bytes, *, version: str = "1.1", **headers: str) -> bytes:
    """A request, to the letter.  The connection ends with its answer."""
    data = body if isinstance(body, bytes) else dumpb(body)
    lines = {
        "Host": "localhost",
        "Content-Type": "application/json",
        "Connection": "close",
        "Content-Length": str(len(data)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/{version}\r\n{head}\r\n".encode() + data
