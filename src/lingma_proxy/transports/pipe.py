r"""The plugin over a Unix socket, or over a named pipe of Windows (`\\.\pipe\lingma-bf0f32`).

Both are a reader and a writer once they are open.  Only the call that opens a pipe is
Windows' own; in its place tests put one that opens something else.
"""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import PurePath

from lingma_proxy.errors import BackendUnavailable, translated
from lingma_proxy.transports.base import ByteStream, Once

OPENING = 5.0
"""Seconds until the other side has taken us in."""
FAREWELL = 1.0
"""Seconds that the other side has to take what is still to be said."""
CHUNK = 256 * 1024
"""Bytes of a read, and about what is read ahead of it."""
PIPES = "\\\\.\\pipe\\"
"""Where Windows keeps its pipes."""


async def connect_socket(path: str, *, timeout: float = OPENING) -> ByteStream:  # noqa: ASYNC109
    """Raises BackendUnavailable; the sentence has the socket's name, not its folder."""
    if sys.platform == "win32":
        raise BackendUnavailable(
            "There are no Unix sockets on Windows; the plugin has a pipe there."
        )
    name = f"The socket {PurePath(path).name}"
    with _sentences(name):
        async with asyncio.timeout(timeout):
            return _Stream(*await asyncio.open_unix_connection(path, limit=CHUNK))


async def connect_pipe(name: str, *, timeout: float = OPENING) -> ByteStream:  # noqa: ASYNC109
    """`name` is that of the pipe, with or without the beginning that all of them have."""
    full = name if name.startswith("\\\\") else PIPES + name
    with _sentences(f"The pipe {full}"):
        async with asyncio.timeout(timeout):  # a pipe that is busy is tried again until then
            reader = asyncio.StreamReader(CHUNK)
            protocol = asyncio.StreamReaderProtocol(reader)
            transport = await open_pipe(lambda: protocol, full)
    loop = asyncio.get_running_loop()
    return _Stream(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


async def open_pipe(
    protocol: Callable[[], asyncio.BaseProtocol], name: str
) -> asyncio.WriteTransport:
    """The call of Windows that opens a pipe: the seam."""
    opening = getattr(asyncio.get_running_loop(), "create_pipe_connection", None)
    if opening is None:
        raise BackendUnavailable("Named pipes exist only on Windows.")
    transport: asyncio.WriteTransport
    transport, _ = await opening(protocol, name)
    return transport


class _Stream:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._closed = False
        self._finish = Once(self._finished)

    async def read(self) -> bytes:
        return b"" if self._closed else await self._reader.read(CHUNK)

    async def write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            # Whole as soon as it begins: only then does it wait for room.
            self._writer.write(data)
            await self._writer.drain()
        if self._writer.is_closing():
            raise ConnectionResetError("the connection is closed")

    async def close(self) -> None:
        self._closed = True
        await self._finish()

    async def _finished(self) -> None:
        self._writer.close()
        try:
            async with asyncio.timeout(FAREWELL):
                await self._writer.wait_closed()
        except OSError:  # a timeout is one, too
            pass
        finally:
            self._writer.transport.abort()


def _sentences(name: str) -> AbstractContextManager[None]:
    return translated(
        {
            TimeoutError: (BackendUnavailable, f"{name} did not answer in time."),
            FileNotFoundError: (BackendUnavailable, f"{name} does not exist (any more)."),
            ConnectionRefusedError: (
                BackendUnavailable,
                f"{name} refused the connection: nobody listens there (any more).",
            ),
            PermissionError: (
                BackendUnavailable,
                f"{name} belongs to another user: run Lingma Proxy as the one who runs the plugin.",
            ),
            OSError: (BackendUnavailable, f"{name} cannot be opened."),
            ValueError: (BackendUnavailable, f"{name} has a name that cannot be."),
        }
    )
