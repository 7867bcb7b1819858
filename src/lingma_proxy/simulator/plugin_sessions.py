"""The plugin's session protocol, as the desktop apps speak it (`protocol/ipc.md` C.3).

It is ACP, version 1, with keys of the vendor's own in `_meta`.  A turn ends with an update
of the kind `notification`, type `chat_finish`; the response to the prompt is null, and
comes before or after it.
"""

from collections.abc import Iterator

from msgspec import Struct, field

from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.simulator import plugin_turn
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.line import Line
from lingma_proxy.simulator.plugin_common import Handler, common
from lingma_proxy.simulator.plugin_seen import Prompt
from lingma_proxy.simulator.plugin_state import Session, State
from lingma_proxy.simulator.prompt_parts import PluginPart, convert, pictures_for, text_of
from lingma_proxy.simulator.rpc import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    Call,
    Peer,
    RpcError,
    notification,
)
from lingma_proxy.simulator.seen import Outcome
from lingma_proxy.simulator.turn_steps import Ask, Fail, Pause, Respond, Step, Tell, Words
from lingma_proxy.simulator.turn_wishes import doings, wishes

LIMIT = 180_000
"""Tokens that fit into a session."""
LONGEST_TITLE = 40


class Meta(Struct):
    request_id: str = field(default="", name="ai-coding/request-id")
    shell: str = field(default="", name="ai-coding/shell-type")
    servers: list[Json] = field(default_factory=list, name="ai-coding/enabled-mcp-servers")
    mode: str = field(default="agent", name="ai-coding/mode")
    model: str = field(default="", name="ai-coding/model")


class New(Struct):
    cwd: str
    mcp_servers: list[JsonObject] = field(name="mcpServers")
    meta: JsonObject = field(default_factory=dict, name="_meta")
    timestamp: int = 0


class SetModel(Struct):
    session: str = field(name="sessionId")
    model: str = field(name="modelId")
    meta: Meta = field(default_factory=Meta, name="_meta")
    timestamp: int = 0


class PromptParams(Struct):
    session: str = field(name="sessionId")
    prompt: list[PluginPart]
    meta: Meta = field(default_factory=Meta, name="_meta")


class SessionProtocol:
    """One connection that was initialized with a protocolVersion."""

    methods: dict[str, Handler]

    def __init__(self, state: State, line: Line, peer: Peer) -> None:
        self._state, self._line, self._peer = state, line, peer
        self.methods = {
            **common(state),
            "session/new": self._new,
            "session/set_model": self._set_model,
            "session/prompt": self._prompt,
            "session/getCurrent": self._current,
        }

    @staticmethod
    def hello() -> JsonObject:
        return {"protocolVersion": 1, "serverInfo": {"name": "lingma", "version": "0.7.1"}}

    def notice(self, method: str, params: JsonObject) -> None:
        if method != "session/cancel":
            self._state.complain(f"unknown method: {method}")
            return
        try:
            self._state.cancel(self._state.session(params.get("sessionId")))
        except RpcError as error:
            self._state.complain(f"session/cancel: {error.message}")

    async def _new(self, call: Call, faults: Faults) -> Json:
        if "no-sessions" in faults:
            raise RpcError(METHOD_NOT_FOUND, "method not found: session/new")
        if not convert(call.params, New).cwd:
            raise RpcError(INVALID_PARAMS, "cwd is empty")
        session = self._state.new_session()
        await call.respond({"sessionId": session.id}, faults)
        update = {"sessionUpdate": "available_commands_update", "availableCommands": []}
        params = {"sessionId": session.id, "update": update}
        await self._line.send(notification("session/update", params), faults=faults)
        return None

    async def _set_model(self, call: Call, _: Faults) -> Json:
        asked = convert(call.params, SetModel)
        session = self._state.session(asked.session)
        session.model = self._known(asked.model)
        return None

    async def _prompt(self, call: Call, _: Faults) -> Json:
        asked: PromptParams = convert(call.params, PromptParams)
        prompt = Prompt(asked.session, asked.meta.request_id, "", "", params=call.params)
        self._state.prompts.append(prompt)
        try:
            session = self._state.session(asked.session)
            if not asked.meta.request_id:
                raise RpcError(INTERNAL_ERROR, "requestId is empty")
            prompt.text = text_of(asked.prompt)
            prompt.model = self._known(asked.meta.model) if asked.meta.model else session.model
            files = self._state.product == "Lingma"
            prompt.pictures = pictures_for(asked.prompt, from_files=files)
        except RpcError:
            prompt.outcome = Outcome.REFUSED
            prompt.over.set()
            raise
        finally:
            self._state.tally.add("prompted")

        def begin(said: Words, faults: Faults) -> SessionManner:
            return SessionManner(session, prompt, said, faults)

        await plugin_turn.answer(self._state, self._line, self._peer, call, session, prompt, begin)
        return None

    async def _current(self, _: Call, __: Faults) -> Json:
        return {"currentSessionIds": list(self._state.sessions)}

    def _known(self, model: str) -> str:
        if not self._state.has_model(model):
            raise RpcError(INVALID_PARAMS, f"model not found: {model[:80]}")
        return model


class SessionManner:
    """How a turn of a session looks on the wire."""

    def __init__(self, session: Session, prompt: Prompt, said: Words, faults: Faults) -> None:
        self.said = ""
        self._session, self._prompt = session, prompt
        self._words, self._faults = said, faults

    def opening(self) -> Iterator[Step]:
        if "early-response" in self._faults:
            yield self._response
        for step, status in (("step_start", "doing"), ("step_end", "done")):
            yield Ask("chat/process_step_callback", self._callback(step, status))
        yield Tell("snapshot/syncAll", {})
        if not self._session.title:
            title = self._prompt.text[:LONGEST_TITLE] or "a picture"
            self._session.title = title
            params = {"sessionId": self._session.id, "sessionTitle": title}
            yield Tell("session/title/update", params)

    def word(self, delta: JsonObject) -> Iterator[Step]:
        self.said += delta.get("content") or ""
        for update in _chunks(delta):
            yield self._update(update)

    def around(self, delta: JsonObject) -> Iterator[Step]:
        for update in _chunks(delta):
            if "foreign-request" in self._faults:
                yield self._update(update, request_id="serve-0-foreign")
            if "foreign-session" in self._faults:
                yield self._update(update, request_id="serve-0-foreign", session="foreign")

    def middle(self) -> Iterator[Step]:
        for update in doings(self._faults):
            yield self._update(update)
        for method, params in wishes(self._session.id, self._faults):
            yield Ask(method, params, limited=False)
        yield from plugin_turn.garbled(self._faults)

    def ending(self, finish: str) -> Iterator[Step]:
        if "no-usage" not in self._faults:
            used = self._words.used or (self._session.memory.size + len(self.said)) // 4 + 1
            data = {"usedTokens": used, "limitTokens": LIMIT}
            yield self._notification("context_usage", data)
        reason = "success" if finish == "stop" else finish
        if "late-finish" in self._faults:
            yield self._response
            yield Pause(self._faults.seconds("late-finish"))
        if "no-finish" not in self._faults:
            yield self._finish(reason)
        if "no-response" not in self._faults:
            yield self._response
        elif "no-finish" in self._faults:
            yield Pause(None)

    def failing(self, error: RpcError) -> Iterator[Step]:
        yield self._finish("error") if "early-response" in self._faults else Fail(error)

    def cancelled(self) -> Iterator[Step]:
        yield self._finish("cancelled")
        yield self._response

    def unheard(self) -> Iterator[Step]:
        yield Fail(RpcError(INTERNAL_ERROR, "no response from client, timeout reached"))

    @property
    def _response(self) -> Respond:
        reason = self._faults.word("stop-reason")
        return Respond(None if reason is None else {"stopReason": reason})

    def _callback(self, step: str, status: str) -> JsonObject:
        return {
            "requestId": self._prompt.request_id,
            "sessionId": self._session.id,
            "step": step,
            "description": "",
            "status": status,
            "result": None,
            "message": "",
        }

    def _finish(self, reason: str) -> Tell:
        data: JsonObject = {"reason": self._faults.word("reason") or reason, "fullAnswer": ""}
        match data["reason"]:
            case "none":
                del data["reason"]
            case "number":
                data["reason"] = 7
        if "full-answer" in self._faults:
            data["fullAnswer"] = self.said
        return self._notification("chat_finish", data)

    def _notification(self, kind: str, data: JsonObject) -> Tell:
        return self._update({"sessionUpdate": "notification", "type": kind, "data": data})

    def _update(
        self, update: JsonObject, *, request_id: str | None = None, session: str | None = None
    ) -> Tell:
        params: JsonObject = {"sessionId": session or self._session.id, "update": update}
        if "bare-updates" not in self._faults:
            params["_meta"] = {"ai-coding/request-id": request_id or self._prompt.request_id}
        return Tell("session/update", params)


def _chunks(delta: JsonObject) -> Iterator[JsonObject]:
    if (text := delta.get("reasoning_content")) is not None:
        content = {"type": "text", "text": text}
        meta = {"ai-coding/thinking-duration-millis": 12}
        yield {"sessionUpdate": "agent_thought_chunk", "content": content, "_meta": meta}
    if (text := delta.get("content")) is not None:
        content = {"type": "text", "text": text}
        yield {"sessionUpdate": "agent_message_chunk", "content": content}
