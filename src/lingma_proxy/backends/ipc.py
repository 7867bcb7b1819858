"""The plugin of Lingma or Qoder CN on this machine: its chat sessions over a local socket.

    meet      try what discovery finds, in order, until somebody answers `initialize`
    open      session/new, in the user's folder or an empty one
    choose    session/set_model
    prompt    session/prompt, told by session/update, ended by chat_finish
    end       chat/deleteSessionById, in the form that this build takes

`protocol/ipc.md` C.1 to C.8.  A stale info file leads to nobody and costs a moment; a build
without sessions (the VS Code extension alone) is left for the next one that answers.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from lingma_proxy.backend import Model
from lingma_proxy.backends.counterpart import Prompt
from lingma_proxy.backends.discovery import Discovery
from lingma_proxy.backends.logins import SYSTEMS
from lingma_proxy.backends.peer import Hear, Peer, Unfit, code_of
from lingma_proxy.backends.pictures import Pictures, remove
from lingma_proxy.backends.prompting import Prompting
from lingma_proxy.backends.sessions import Mode, Session
from lingma_proxy.backends.workplace import Workplace
from lingma_proxy.conversation.request import Image, ImageLink
from lingma_proxy.errors import Absent, BackendUnavailable, InvalidRequest, NotLoggedIn, ProxyError
from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.transports.base import FramedTransport, Lsp
from lingma_proxy.transports.pipe import connect_pipe, connect_socket
from lingma_proxy.transports.websocket import connect as connect_websocket
from lingma_proxy.vendor import ids, ipc_messages
from lingma_proxy.vendor.asked_of_us import NO_SUCH_METHOD
from lingma_proxy.vendor.plugin_places import Endpoint
from lingma_proxy.vendor.updates import NO_SESSIONS, Said

HANDSHAKE = 5.0
"""Seconds for a connection and the answer to `initialize`: it is on this machine."""
LEAST = 1.0
"""Seconds of these that are left for the answer."""
OPEN_IT = "Open Lingma (or Qoder CN), log in there, and try again."


class Plugin:
    """A `Counterpart`."""

    def __init__(
        self,
        discovery: Discovery,
        workplace: Workplace,
        pictures: Pictures,
        *,
        mode: str,
        shell: str,
        current_file: str,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._discovery = discovery
        self._workplace = workplace
        self._pictures = pictures
        self._mode, self._current_file = mode, current_file
        self._shell = shell or ipc_messages.shell_type(
            SYSTEMS.get(sys.platform, "linux"), os.environ.get("SHELL", "")
        )
        self._now = now
        self._endpoint: Endpoint | None = None
        self._unfit: set[str] = set()
        """Addresses where there are no sessions."""
        self._swept = False

    @property
    def name(self) -> str:
        return self._endpoint.product if self._endpoint is not None else "Lingma (or Qoder CN)"

    @property
    def address(self) -> str:
        """Where it answers, fit to be shown."""
        if self._endpoint is None:
            return ""
        if self._endpoint.kind == "socket":
            return f"a socket of {self._endpoint.product}"
        return self._endpoint.address

    def again(self) -> str:
        return f"Is it open, and logged in? {OPEN_IT}"

    async def meet(self, hear: Hear) -> Peer:
        self._endpoint = None
        if not self._swept:
            self._swept = True
            await asyncio.to_thread(self._pictures.sweep)
        found = await asyncio.to_thread(self._discovery.endpoints)
        unfit, tried = "", []
        for endpoint in found:
            if endpoint.address in self._unfit:
                unfit = NO_SESSIONS
                continue
            try:
                peer = await self._introduced(endpoint, hear)
            except ProxyError as error:
                tried.append(f"{endpoint.product} by {endpoint.whence}: {error.message}")
                continue
            self._endpoint = endpoint
            return peer
        self._unfit.clear()  # whoever asks later may find that one has learnt it
        if tried:
            words = f"{unfit} Nobody else answers." if unfit else "Nobody answers."
            raise Absent(f"{words} {' '.join(tried)} {OPEN_IT}")
        if unfit:
            raise Absent(unfit)
        raise Absent(
            f"No running Lingma or Qoder CN was found on this machine. {OPEN_IT}"
            " `lingma-proxy doctor` shows where it was looked for."
        )

    async def models(self, peer: Peer) -> Sequence[Model]:
        found = ipc_messages.models(await peer.request("config/queryModels", {}))
        if not found:
            raise NotLoggedIn(f"{self.name} lists no models: nobody is logged in there. {OPEN_IT}")
        return found

    async def open(self, peer: Peer) -> Session:
        folder = await self._workplace.folder()
        try:
            result = await peer.request(
                "session/new", ipc_messages.new_session(folder, self._milliseconds())
            )
        except ProxyError as error:
            if code_of(error) == NO_SUCH_METHOD and self._endpoint is not None:
                self._unfit.add(self._endpoint.address)
                raise Unfit(NO_SESSIONS) from error
            raise
        return Session(ipc_messages.session_id_of(result), "")

    async def choose(self, peer: Peer, session: Session, key: str) -> str:
        meta = self._meta(self.new_id(), key)
        params = ipc_messages.set_model(session.id, key, self._milliseconds(), meta)
        await peer.request("session/set_model", params)
        session.model = key
        return ""

    async def prompt(
        self, session: Session, id: str, text: str, images: Sequence[Image | ImageLink]
    ) -> Prompt:
        files: list[Path] = []
        try:
            items = [await self._picture(image, files) for image in images]
        except BaseException:
            remove(files)
            raise
        meta = self._meta(id, session.model)
        params = ipc_messages.prompt(session.id, text, items, meta)
        return Prompt(params, lambda: remove(files))

    def new_id(self) -> str:
        return ipc_messages.new_request_id(self._milliseconds(), ids.new_id()[:8])

    def answered(self, result: Json) -> Said | None:
        del result  # it may come before the answer: only chat_finish ends a turn
        return None

    @property
    def worn(self) -> bool:
        return False

    async def end(self, peer: Peer, session: Session) -> None:
        first, other = ipc_messages.deletions(session.id)
        try:
            await peer.request("chat/deleteSessionById", first)
        except ProxyError:
            await peer.request("chat/deleteSessionById", other)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._pictures.clear)
        await self._workplace.aclose()

    async def _introduced(self, endpoint: Endpoint, hear: Hear) -> Peer:
        clock = asyncio.get_running_loop().time
        began = clock()
        match endpoint.kind:
            case "websocket":
                stream = await connect_websocket(endpoint.address, timeout=HANDSHAKE)
            case "socket":
                stream = await connect_socket(endpoint.address, timeout=HANDSHAKE)
            case "pipe":
                stream = await connect_pipe(endpoint.address, timeout=HANDSHAKE)
        left = HANDSHAKE - (clock() - began)
        peer = await Peer.over(FramedTransport(stream, Lsp()), endpoint.product, hear)
        try:
            hello = ipc_messages.initialize(self._milliseconds())
            await peer.request("initialize", hello, limit=max(left, LEAST))
        except BaseException:
            await peer.aclose()
            raise
        return peer

    async def _picture(self, image: Image | ImageLink, files: list[Path]) -> JsonObject:
        if isinstance(image, ImageLink):
            raise InvalidRequest(
                f"{self.name} takes pictures, not links to them: let links be fetched"
                " (`fetch_links`), or send the picture itself, as a data URL or as base64."
            )
        if self._endpoint is not None and self._endpoint.product == "Qoder CN":
            return ipc_messages.picture(image, None)
        path = await self._file(image)
        files.append(path)
        return ipc_messages.picture(image, str(path))

    async def _file(self, image: Image) -> Path:
        """The picture as a file; if nobody waits for it any more, it goes once it is there."""
        extension = ipc_messages.extension(image.media_type)
        writing = asyncio.ensure_future(
            asyncio.to_thread(self._pictures.put, image.data, extension)
        )
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            writing.add_done_callback(_unwrite)
            raise
        except OSError as error:
            raise BackendUnavailable(
                f"{self.name} reads pictures from the disk, and this one could not be written"
                " there. Is there room left?"
            ) from error

    def _meta(self, id: str, key: str) -> JsonObject:
        return ipc_messages.meta(
            id, shell=self._shell, mode=self._mode, model=key, current_file=self._current_file
        )

    def _milliseconds(self) -> int:
        return int(self._now() * 1000)


def _unwrite(writing: asyncio.Future[Path]) -> None:
    if not writing.cancelled() and writing.exception() is None:
        remove([writing.result()])


class Ipc(Prompting):
    """The backend; `endpoint` says where it is connected, "" while it is not."""

    word = "ipc"

    def __init__(self, plugin: Plugin, setup: float, mode: Mode) -> None:
        # Its sessions are chats in the history of the IDE, whoever is connected.
        super().__init__(plugin, setup=setup, session_mode=mode, outlive=True)
        self._plugin = plugin

    @property
    def endpoint(self) -> str:
        return self._plugin.address if self.peer_name else ""


def ipc(
    discovery: Discovery,
    *,
    setup: float = 15.0,
    session_mode: str = "auto",
    cwd: str = "",
    current_file: str = "",
    mode: str = "agent",
    shell: str = "",
    pictures: Pictures | None = None,
) -> Ipc:
    """The backend over what is discovered, `setup` in seconds.  Raises SettingsError for a bad `cwd`."""
    plugin = Plugin(
        discovery,
        Workplace(cwd),
        pictures or Pictures(),
        mode=mode,
        shell=shell,
        current_file=current_file,
    )
    return Ipc(plugin, setup, cast("Mode", session_mode))
