"""The plugin's side: a runtime that listens on a WebSocket, a Unix socket, or both.

    async with Plugin(transports=("websocket", "unix")) as plugin:
        …  # point `LINGMA_PROXY_WS_URL` at plugin.url, `LINGMA_IPC_SOCKET` at plugin.socket,
           # or let plugin.home be the home, where the info file leads to both

It takes what the vendor's runtime takes and no more, says what `script` says, and breaks as
`plugin_faults` tells it to.  It remembers what it was asked and what became of it, so that
a test can look, and wait for it.

A named pipe of Windows, or a fake of one, is served by `serve`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal, TypeAlias
from uuid import uuid4

from aiohttp import WSMsgType, web

from lingma_proxy.simulator.catalogue import Scenes
from lingma_proxy.simulator.line import Wire
from lingma_proxy.simulator.local_server import LocalServer
from lingma_proxy.simulator.plugin_connection import Connection
from lingma_proxy.simulator.plugin_home import SOCKETS, Form, Product, runtime, write_info
from lingma_proxy.simulator.plugin_state import State
from lingma_proxy.simulator.silence import silence

Transport: TypeAlias = Literal["websocket", "unix"]

MAX_MESSAGE = 64 * 1024 * 1024
PIECE = 64 * 1024


class Plugin(State, LocalServer):
    """The server.  Nothing of it is left after `close`, but for the files of a given home.

    transports      on which it listens
    host, port      of the WebSocket; port 0 takes a free one
    home            the home of its person, where its info file and its socket lie; without
                    one, a temporary directory
    layout, form    where in it, and in which form, as `plugin_home` has them; form None
                    writes no info file
    product         whose runtime it is
    models          lists of models by scene, instead of `catalogue.SCENES`
    pace            seconds between two words
    logged_in       whether somebody is logged in; may be switched later
    ack_limit       seconds in which the client must answer requests; None: for ever
    always          faults of whatever can break so
    remember        how many of each are kept in `prompts`, `asked` and `complaints`
    """

    def __init__(
        self,
        transports: Sequence[Transport] = ("websocket",),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        home: Path | None = None,
        layout: str | None = None,
        form: Form | None = "json",
        product: Product = "Qoder CN",
        models: Scenes | None = None,
        pace: float = 0,
        logged_in: bool = True,
        ack_limit: float | None = 10,
        always: str = "",
        remember: int = 1000,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        LocalServer.__init__(self, host, port, home)
        State.__init__(
            self,
            product=product,
            models=models,
            pace=pace,
            logged_in=logged_in,
            ack_limit=ack_limit,
            always=always,
            remember=remember,
            new_id=new_id,
        )
        self._transports = tuple(transports)
        self._layout, self._form = layout, form
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._bugs: list[Exception] = []

    # Its life.

    async def close(self) -> None:
        """Stop at once: whatever is being said is cut off.  Safe to call twice.

        Raises what went wrong in here, which no client can be blamed for.
        """
        self.closing = True
        if self._server is not None:
            self._server.close()
            self._server = None
            await asyncio.to_thread(self.socket.unlink, missing_ok=True)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await super().close()
        if bugs := self._bugs:
            self._bugs = []
            raise ExceptionGroup("the simulator has a bug", bugs)

    @property
    def url(self) -> str:
        """Of the WebSocket, as a setting takes it."""
        return f"ws://{self.authority}/"

    @property
    def runtime(self) -> Path:
        """The folder of its info file and its socket."""
        return runtime(self.home, self.product, self._layout)

    @property
    def socket(self) -> Path:
        return self.runtime / SOCKETS[self.product]

    # Its transports.

    async def _start(self) -> None:
        await self._settle("lingma-ipc-")
        if "websocket" in self._transports:
            application = web.Application()
            application.router.add_get("/", self._websocket, allow_head=False)
            await self._listen(application)
        if "unix" in self._transports:
            self._server = await self._listen_on(self.socket)
        if self._form is not None:
            path = str(self.socket) if "unix" in self._transports else ""
            port = self._port if "websocket" in self._transports else 0
            write_info(
                self.home,
                port=port,
                path=path,
                product=self.product,
                layout=self._layout,
                form=self._form,
            )

    async def _listen_on(self, path: Path) -> asyncio.Server:
        """A Unix socket for nobody but its owner."""
        before = os.umask(0o177)
        try:
            return await asyncio.start_unix_server(self.serve, path)
        finally:
            os.umask(before)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection that is made already, until it ends."""
        async with self._connection():
            try:
                faults = self.chosen("connect")
                if "hang-connect" in faults:
                    seconds = faults.seconds("hang-connect")
                    await (_hear_out(reader) if seconds is None else asyncio.sleep(seconds))
                if "drop-connect" not in faults and "error-connect" not in faults:
                    await Connection(self, _Stream(writer)).run(_read(reader))
            finally:
                writer.transport.abort()

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE, timeout=1)
        if not socket.can_prepare(request):
            return web.Response(status=400)
        async with self._connection():
            faults = self.chosen("connect")
            if "hang-connect" in faults:
                await silence(faults.seconds("hang-connect"))
            if "drop-connect" in faults:
                _abort(request)
                return web.Response()
            if "error-connect" in faults:
                return web.Response(status=403)
            await socket.prepare(request)
            await Connection(self, _WebSocket(request, socket)).run(_messages(socket))
        return socket

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[None]:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.tally.add("connected")
        try:
            yield
        except* ConnectionError:
            pass  # nobody is there any more: no news for the log
        except* Exception as bugs:  # noqa: BLE001 — `close` raises them
            self._bugs += bugs.exceptions
        finally:
            self._tasks.discard(task)
            self.tally.add("gone")


class _WebSocket(Wire):
    text = True

    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self._request = request
        self._socket = socket

    async def write(self, data: bytes, *, binary: bool) -> None:
        if binary:
            await self._socket.send_bytes(data)
        else:
            await self._socket.send_str(data.decode())

    def drop(self) -> None:
        _abort(self._request)


class _Stream(Wire):
    text = False

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def write(self, data: bytes, *, binary: bool) -> None:  # noqa: ARG002 — a stream has no messages
        self._writer.write(data)
        await self._writer.drain()

    def drop(self) -> None:
        self._writer.close()


async def _messages(socket: web.WebSocketResponse) -> AsyncIterator[bytes]:
    async for message in socket:
        match message.type:
            case WSMsgType.TEXT:
                yield message.data.encode()
            case WSMsgType.BINARY:
                yield message.data
            case _:
                return


async def _read(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await reader.read(PIECE):
        yield chunk


async def _hear_out(reader: asyncio.StreamReader) -> None:
    """Hear it, and say nothing."""
    async for _ in _read(reader):
        pass


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
