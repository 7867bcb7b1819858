"""A standard agent's side of the Agent Client Protocol, version 1, over any wire.

    initialize → session/new → (session/set_config_option) → session/prompt* → session/close

A turn is told by `session/update`, and ends with the response to the prompt: `stopReason`.
(`protocol/ipc.md` C.8; agentclientprotocol.com)
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import PurePosixPath, PureWindowsPath
from typing import TypeAlias
from uuid import uuid4

from lingma_proxy.errors import ProtocolError
from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.simulator.agent_choices import MODELS, Session, choose, offer
from lingma_proxy.simulator.agent_faults import TABLE, Step
from lingma_proxy.simulator.agent_params import Choose, ChooseModel, Hello, New, PromptParams
from lingma_proxy.simulator.agent_turn import NOISE, AgentManner
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.line import Line, Wire
from lingma_proxy.simulator.prompt_parts import AgentPicture, convert, pictures_for, text_of
from lingma_proxy.simulator.refusal import Refusal
from lingma_proxy.simulator.rpc import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    Asked,
    Call,
    Peer,
    RpcError,
    notification,
)
from lingma_proxy.simulator.step_breaks import survive
from lingma_proxy.simulator.turn_carry import Turn
from lingma_proxy.simulator.turn_steps import Words, turn
from lingma_proxy.simulator.turn_wishes import odd_answer
from lingma_proxy.wire import ndjson

AUTH_REQUIRED = -32000
LOGIN: JsonObject = {
    "id": "simulated-login",
    "name": "Log in",
    "description": "Run `simulated-agent login` in a terminal",
}

Handler: TypeAlias = Callable[[Call, Faults], Awaitable[Json]]
Note: TypeAlias = Callable[[JsonObject], None]


class Agent:
    """One connection.  `run` hears it to its end.

    faults      of whatever can break so
    pace        seconds between two words
    words       what to say in the first turns, to the letter
    note        is told what is heard and answered, for a test to read
    about       what the answer to initialize has in `_meta`
    idle        called after each turn
    """

    methods: dict[str, Handler]

    def __init__(
        self,
        wire: Wire,
        faults: Faults = TABLE.none,
        *,
        pace: float = 0,
        words: Iterable[Words] = (),
        note: Note = lambda _: None,
        about: JsonObject | None = None,
        idle: Callable[[], None] = lambda: None,
    ) -> None:
        self.sessions: dict[str, Session] = {}
        self._faults = faults
        self._pace = pace
        self._words = deque(words)
        self._note = note
        self._about = about
        self._idle = idle
        self._initialized = False
        self._logged_in = "needs-login" not in faults
        self._line = Line(wire, ndjson.encode)
        self._peer = Peer(
            self._line,
            self._serve,
            self._notice,
            self._complain,
            answered=self._answered,
            faults=lambda: faults,
        )
        self.methods = {
            "initialize": self._initialize,
            "authenticate": self._authenticate,
            "session/new": self._new,
            "session/prompt": self._prompt,
        }
        if "no-close" not in faults:
            self.methods["session/close"] = self._close
        if "old-models" in faults:
            self.methods["session/set_model"] = self._set_model
        elif "no-models" not in faults:
            self.methods["session/set_config_option"] = self._choose

    async def run(self, chunks: AsyncIterator[bytes]) -> None:
        if "noise" in self._faults:
            await self._line.raw(NOISE, self._faults)
        await self._peer.run(self._bodies(chunks))

    # What is heard.

    async def _bodies(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        decoder = ndjson.NdjsonDecoder()
        try:
            async for chunk in chunks:
                for body in decoder.feed(chunk):
                    yield body
            for body in decoder.end():
                yield body
        except ProtocolError as error:
            self._complain(error.message)
            self._line.drop()
        except ConnectionError:
            pass  # gone without a word

    async def _serve(self, call: Call) -> Json:
        self._note({"heard": call.method, "params": call.params})
        handler = self.methods.get(call.method)
        if handler is None:
            raise RpcError(METHOD_NOT_FOUND, f"Method not found: {call.method[:80]}")
        if call.method != "initialize" and not self._initialized:
            raise RpcError(INVALID_REQUEST, "initialize comes first")
        step = STEP_OF.get(call.method)
        if step is not None:
            await survive(step, self._faults, self._line)
        result = await handler(call, self._faults)
        if not call.answered:
            await call.respond(result, self._faults)
        return None

    def _notice(self, method: str, params: JsonObject) -> None:
        self._note({"heard": method, "params": params})
        session = self.sessions.get(str(params.get("sessionId")))
        if method != "session/cancel" or session is None:
            self._complain(f"{method}: nothing to tell")
        elif session.cancelled is not None:
            session.cancelled.set()

    def _complain(self, complaint: str) -> None:
        self._note({"complaint": complaint})

    def _answered(self, asked: Asked) -> None:
        said = {"result": asked.result} if asked.error is None else {"error": asked.error}
        self._note({"answered": asked.method, **said})
        if odd := odd_answer(asked):
            self._complain(odd)

    # The methods.

    async def _initialize(self, call: Call, faults: Faults) -> Json:
        hello = convert(call.params, Hello)
        if hello.version < 1:
            raise RpcError(INVALID_PARAMS, "protocolVersion begins at 1")
        self._initialized = True
        capabilities: JsonObject = {
            "loadSession": False,
            "promptCapabilities": {"image": "no-pictures" not in faults},
            "sessionCapabilities": {} if "no-close" in faults else {"close": {}},
        }
        said: JsonObject = {
            "protocolVersion": faults.number("version") or 1,
            "agentInfo": {"name": "simulated-agent", "title": "Simulated", "version": "1.0.0"},
            "agentCapabilities": capabilities,
            "authMethods": self._login_methods,
        }
        return said if self._about is None else said | {"_meta": self._about}

    @property
    def _login_methods(self) -> list[JsonObject]:
        return [] if "no-login-methods" in self._faults else [LOGIN]

    async def _authenticate(self, call: Call, _: Faults) -> Json:
        if call.params.get("methodId") != LOGIN["id"]:
            raise RpcError(INVALID_PARAMS, "methodId is none of authMethods")
        self._logged_in = True
        return {}

    async def _new(self, call: Call, faults: Faults) -> Json:
        asked = convert(call.params, New)
        if not (PurePosixPath(asked.cwd).is_absolute() or PureWindowsPath(asked.cwd).is_absolute()):
            raise RpcError(INVALID_PARAMS, "cwd is no absolute path")
        if not self._logged_in:
            bare = "bare-login-error" in self._faults
            data = None if bare else {"authMethods": self._login_methods}
            raise RpcError(AUTH_REQUIRED, "Authentication required", data)
        session = Session(f"session-{uuid4()}")
        self.sessions[session.id] = session
        result: JsonObject = {"sessionId": session.id, **offer(session, self._faults)}
        await call.respond(result, faults)
        commands = [{"name": "help", "description": "Say what there is"}]
        update = {"sessionUpdate": "available_commands_update", "availableCommands": commands}
        params = {"sessionId": session.id, "update": update}
        await self._line.send(notification("session/update", params), faults=faults)
        return None

    async def _choose(self, call: Call, _: Faults) -> Json:
        asked = convert(call.params, Choose)
        session = self._session(asked.session)
        choose(session, asked.option, asked.value)
        return offer(session, self._faults)

    async def _set_model(self, call: Call, _: Faults) -> Json:
        asked = convert(call.params, ChooseModel)
        choose(self._session(asked.session), "model", asked.model)
        return {}

    async def _close(self, call: Call, _: Faults) -> Json:
        session = self._session(call.params.get("sessionId"))
        del self.sessions[session.id]
        if session.cancelled is not None:
            session.cancelled.set()
        return {}

    async def _prompt(self, call: Call, always: Faults) -> Json:
        asked = convert(call.params, PromptParams)
        session = self._session(asked.session)
        if session.cancelled is not None:
            raise RpcError(INVALID_REQUEST, "the session is busy with another prompt")
        if "no-pictures" in always and any(isinstance(p, AgentPicture) for p in asked.prompt):
            raise RpcError(INVALID_PARAMS, "pictures were not offered")
        text = text_of(asked.prompt)
        heard = session.memory.hear(text, pictures_for(asked.prompt, from_files=False))
        try:
            faults = always if heard.results else always | TABLE.in_text(heard.question)
        except Refusal as refusal:
            raise RpcError(INVALID_PARAMS, refusal.message) from None
        said = self._words.popleft() if self._words else None
        if said is None:
            thought = session.memory.answer(reasons=MODELS[session.model].reasons)
            said = Words(thought.deltas, thought.finish)
        manner = AgentManner(session, said, faults)
        session.cancelled = cancelled = asyncio.Event()
        carrier = Turn(self._line, self._peer, call, faults, cancelled, None, self._asked)
        try:
            await carrier.carry(manner, turn(manner, said, faults, self._pace))
        finally:
            session.cancelled = None
        session.memory.remember(manner.said)
        self._note({"ended": session.id, "cancelled": cancelled.is_set()})
        self._idle()
        return None

    def _asked(self, asked: Asked) -> None:
        self._note({"asked": asked.method, "params": asked.params})

    def _session(self, id: Json) -> Session:
        if not isinstance(id, str) or id not in self.sessions:
            raise RpcError(INVALID_PARAMS, f"no such session: {id!r}"[:100])
        return self.sessions[id]


STEP_OF: dict[str, Step] = {
    "initialize": "initialize",
    "authenticate": "authenticate",
    "session/new": "new",
    "session/set_config_option": "model",
    "session/set_model": "model",
    "session/close": "close",
}
"""Which methods break at which step; a prompt looks after its own."""
