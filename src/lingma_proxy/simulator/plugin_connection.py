"""One connection to the plugin's side, whatever carries it."""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol

from msgspec import Struct, field

from lingma_proxy.errors import ProtocolError
from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.simulator.line import Line, Wire
from lingma_proxy.simulator.plugin_common import Handler
from lingma_proxy.simulator.plugin_faults import Step
from lingma_proxy.simulator.plugin_lsp4j import Lsp4jProtocol
from lingma_proxy.simulator.plugin_sessions import SessionProtocol
from lingma_proxy.simulator.plugin_state import State
from lingma_proxy.simulator.prompt_parts import convert
from lingma_proxy.simulator.rpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    NOT_INITIALIZED,
    Call,
    Peer,
    RpcError,
)
from lingma_proxy.simulator.step_breaks import survive
from lingma_proxy.wire import lsp

STEPS: dict[str, Step] = {
    "initialize": "initialize",
    "config/queryModels": "models",
    "session/new": "new",
    "session/set_model": "model",
    "chat/deleteSessionById": "delete",
}
"""Which methods break at which step; a prompt looks after its own."""


class SessionHello(Struct):
    version: int = field(name="protocolVersion")
    capabilities: JsonObject = field(default_factory=dict, name="clientCapabilities")
    timestamp: int = 0


class Lsp4jHello(Struct):
    process: int | None = field(name="processId")
    capabilities: JsonObject
    root: str | None = field(default=None, name="rootUri")


class Speaks(Protocol):
    """One of the two protocols."""

    methods: dict[str, Handler]

    @staticmethod
    def hello() -> JsonObject: ...
    def notice(self, method: str, params: JsonObject) -> None: ...


class Connection:
    """`run` hears it to its end."""

    def __init__(self, state: State, wire: Wire) -> None:
        self._state = state
        self._line = Line(wire, lsp.encode, "binary")
        self._peer = Peer(
            self._line,
            self._serve,
            self._notice,
            state.complain,
            answered=state.note_answer,
            faults=lambda: state.travel,
            ids="integers",
        )
        self._speaks: Speaks | None = None

    async def run(self, chunks: AsyncIterator[bytes]) -> None:
        await self._peer.run(self._bodies(chunks))

    async def _bodies(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        decoder = lsp.LspDecoder()
        try:
            async for chunk in chunks:
                for body in decoder.feed(chunk):
                    yield body
                decoder.feed(b"")  # says now what is wrong behind the last body
            decoder.end()
        except ProtocolError as error:
            self._state.complain(f"Unknown message header: {error.message}")
            self._line.drop()
        except ConnectionError:
            pass  # gone without a word

    async def _serve(self, call: Call) -> Json:
        step = STEPS.get(call.method)
        if step is None:
            faults = self._state.travel
        else:
            faults = self._state.chosen(step)
            await survive(step, faults, self._line)
        if call.method == "initialize":
            result: Json = self._initialize(call.params)
        elif self._speaks is None:
            raise RpcError(NOT_INITIALIZED, "server not initialized")
        else:
            result = await self._handler(self._speaks.methods, call.method)(call, faults)
        if not call.answered:
            await call.respond(result, faults)
        return None

    def _notice(self, method: str, params: JsonObject) -> None:
        if self._speaks is None:
            self._state.complain(f"{method} before initialize")
        else:
            self._speaks.notice(method, params)

    def _initialize(self, params: JsonObject) -> JsonObject:
        if self._speaks is not None:
            raise RpcError(INVALID_REQUEST, "initialized already")
        if "protocolVersion" in params:
            version = convert(params, SessionHello).version
            if version != 1:
                raise RpcError(INVALID_PARAMS, f"protocolVersion {version} is not supported")
            self._speaks = SessionProtocol(self._state, self._line, self._peer)
        else:
            convert(params, Lsp4jHello)
            self._speaks = Lsp4jProtocol(self._state, self._line, self._peer)
        self._state.tally.add("initialized")
        return self._speaks.hello()

    @staticmethod
    def _handler(methods: Mapping[str, Handler], method: str) -> Handler:
        if method not in methods:
            raise RpcError(METHOD_NOT_FOUND, f"method not found: {method[:80]}")
        return methods[method]
