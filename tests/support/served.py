"""The whole server in this process, over a scripted backend or any other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from aiohttp import ClientResponse, ClientSession

from lingma_proxy.backend import Backend, Model
from lingma_proxy.backends.scripted import Script, Scripted
from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text
from lingma_proxy.gateway import Behind, Gateway, over
from lingma_proxy.jsonio import JsonObject, dumpb
from lingma_proxy.server.app import Server
from lingma_proxy.settings import Settings

HELLO = Reply("reply-1", "kmodel", (Text("Hello!"),), FinishReason.STOP, Usage(3, 2))
MODELS = (
    Model("kmodel", "Kimi-K2.6", context_window=256000, sees=True, reasons=True),
    Model("dashscope_qwen3_coder", "Qwen3-Coder"),
)
CHAT: JsonObject = {"model": "kmodel", "messages": [{"role": "user", "content": "Hi"}]}
MESSAGES: JsonObject = {**CHAT, "max_tokens": 100}
RESPONSES: JsonObject = {"model": "kmodel", "input": "Hi"}
DIALECTS = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/api/chat": CHAT,
}
"""The same question in each, by the path where it is asked."""
ONE_TRY: dict[str, Any] = {"remote_fallback_enabled": False}
"""A failure is what a test looks at, unless it says otherwise."""


@dataclass
class Served:
    url: str
    session: ClientSession
    gateway: Gateway
    server: Server
    backend: Scripted
    """When the server was made by `scripted`."""

    async def post(
        self, path: str, body: JsonObject, **headers: str
    ) -> tuple[ClientResponse, bytes]:
        """An answer, read to its end."""
        data = BytesIO(dumpb(body))
        async with self.session.post(self.url + path, data=data, headers=headers) as answer:
            return answer, await answer.read()

    async def get(self, path: str, **headers: str) -> tuple[ClientResponse, bytes]:
        async with self.session.get(self.url + path, headers=headers) as answer:
            return answer, await answer.read()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


@asynccontextmanager
async def serving(backend: Backend, **settings: object) -> AsyncIterator[Served]:
    """`settings` are fields of `Settings`; any free port."""
    async with standing(Behind(backend), **settings) as served:
        yield served


@asynccontextmanager
async def standing(behind: Behind, **settings: object) -> AsyncIterator[Served]:
    """The same in front of a backend and what is told about it."""
    # What a test leaves on disk, it says: `recording="on", data_dir=…`.
    usual = {"port": 0, "log_level": "error", "recording": "off", **ONE_TRY}
    chosen = Settings(**{**usual, **settings})
    gateway = over(behind, chosen)
    server = Server(gateway)
    url = await server.start()
    try:
        async with ClientSession() as session:
            yield Served(url, session, gateway, server, behind.backend)  # type: ignore[arg-type]  # see there
    finally:
        await server.stop()


@asynccontextmanager
async def scripted(*scripts: Script, **settings: object) -> AsyncIterator[Served]:
    async with serving(Scripted(scripts, MODELS), **settings) as served:
        yield served
