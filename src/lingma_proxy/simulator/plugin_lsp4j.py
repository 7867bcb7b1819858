"""The plugin's older protocol, as JetBrains' plugin speaks it (`protocol/ipc.md` C.5).

chat/ask  →  {"isSuccess": true}, then requests of the server's: chat/think*, chat/answer*,
chat/finish; each must be acknowledged before the next one comes
"""

from collections.abc import Iterator
from itertools import count
from typing import Literal

from msgspec import Struct, field

from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.simulator import plugin_turn
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.line import Line
from lingma_proxy.simulator.plugin_common import Handler, common
from lingma_proxy.simulator.plugin_seen import Prompt
from lingma_proxy.simulator.plugin_state import State
from lingma_proxy.simulator.prompt_parts import convert
from lingma_proxy.simulator.rpc import INVALID_PARAMS, Call, Peer, RpcError
from lingma_proxy.simulator.turn_steps import Ask, Pause, Respond, Step, Tell, Words
from lingma_proxy.simulator.turn_wishes import wishes


class ModelConfig(Struct):
    key: str


class Extra(Struct):
    model: ModelConfig | None = field(default=None, name="modelConfig")


class AskParams(Struct):
    request_id: str = field(name="requestId")
    task: str = field(name="chatTask")
    context: JsonObject = field(name="chatContext")
    session: str = field(name="sessionId")
    question: str = field(name="questionText")
    stream: Literal[True]
    session_type: str = field(name="sessionType")
    language: str = field(default="", name="codeLanguage")
    is_reply: bool = field(default=False, name="isReply")
    source: int = 1
    definition: str = field(default="system", name="taskDefinitionType")
    extra: Extra = field(default_factory=Extra)
    agent: str = field(default="", name="targetAgent")
    payload: JsonObject = field(default_factory=dict, name="pluginPayloadConfig")
    mode: str = "normal"
    shell: str = field(default="", name="shellType")
    custom_model: Json = field(default=None, name="customModel")


class Lsp4jProtocol:
    """One connection that was initialized as a language server's."""

    methods: dict[str, Handler]

    def __init__(self, state: State, line: Line, peer: Peer) -> None:
        self._state, self._line, self._peer = state, line, peer
        self.methods = {
            **common(state),
            "chat/ask": self._ask,
            "chat/stop": common(state)["chat/stopSession"],
        }

    @staticmethod
    def hello() -> JsonObject:
        return {"capabilities": {}, "serverInfo": {"name": "lingma", "version": "2.11.2"}}

    def notice(self, method: str, _: JsonObject) -> None:
        """None is known, not even `initialized`; the runtime logs that, and goes on."""
        if method != "initialized":
            self._state.complain(f"unknown method: {method}")

    async def _ask(self, call: Call, _: Faults) -> Json:
        asked: AskParams = convert(call.params, AskParams)
        model = asked.extra.model.key if asked.extra.model else ""
        prompt = Prompt(asked.session, asked.request_id, asked.question, model, params=call.params)
        self._state.prompts.append(prompt)
        self._state.tally.add("prompted")
        if not asked.request_id:
            raise RpcError(INVALID_PARAMS, "requestId is empty")
        if model and not self._state.has_model(model):
            raise RpcError(INVALID_PARAMS, f"model not found: {model[:80]}")
        known = self._state.sessions.get(asked.session)
        session = known or self._state.new_session(asked.session)

        def begin(said: Words, faults: Faults) -> Lsp4jManner:
            return Lsp4jManner(prompt, said, faults)

        await plugin_turn.answer(self._state, self._line, self._peer, call, session, prompt, begin)
        return None


class Lsp4jManner:
    """How a turn looks on the wire."""

    def __init__(self, prompt: Prompt, said: Words, faults: Faults) -> None:
        self.said = ""
        self._prompt, self._words, self._faults = prompt, said, faults
        self._times = count(1)

    def opening(self) -> Iterator[Step]:
        yield Respond(
            {
                "isSuccess": True,
                "errorCode": "",
                "errorMessage": "",
                "requestId": self._prompt.request_id,
                "status": "",
            }
        )

    def word(self, delta: JsonObject) -> Iterator[Step]:
        yield from self._says(delta, self._prompt.request_id)
        self.said += delta.get("content") or ""

    def around(self, delta: JsonObject) -> Iterator[Step]:
        if "foreign-request" in self._faults:
            yield from self._says(delta, "a-foreign-request")

    def middle(self) -> Iterator[Step]:
        for method, params in wishes(self._prompt.session, self._faults):
            yield Ask(method, params, limited=False)
        if "unknown-updates" in self._faults:
            yield Tell("simulated/news", {"requestId": self._prompt.request_id})
        yield from plugin_turn.garbled(self._faults)

    def ending(self, finish: str) -> Iterator[Step]:
        if "late-finish" in self._faults:
            yield Pause(self._faults.seconds("late-finish"))
        if "no-finish" in self._faults:
            yield Pause(None)
        yield self._finish("success" if finish == "stop" else finish, 200)

    def failing(self, error: RpcError) -> Iterator[Step]:
        yield self._finish(error.message, 500)

    def cancelled(self) -> Iterator[Step]:
        yield self._finish("cancelled", 200)

    def unheard(self) -> Iterator[Step]:
        """It is no use to tell it to a client that does not answer."""
        return iter(())

    def _says(self, delta: JsonObject, request_id: str) -> Iterator[Step]:
        base = {"requestId": request_id, "sessionId": self._prompt.session}
        if (text := delta.get("reasoning_content")) is not None:
            more = {"text": text, "step": "start", "timestamp": next(self._times)}
            yield Ask("chat/think", {**base, **more})
        if (text := delta.get("content")) is not None:
            replaces = "overwrite" in self._faults
            more = {
                "text": self.said + text if replaces else text,
                "overwrite": replaces,
                "isFiltered": False,
                "timestamp": next(self._times),
                "extra": {},
            }
            yield Ask("chat/answer", {**base, **more})

    def _finish(self, reason: str, status: int) -> Ask:
        whole = {
            "requestId": self._prompt.request_id,
            "sessionId": self._prompt.session,
            "reason": self._faults.word("reason") or reason,
            "statusCode": self._faults.number("status") or status,
            "fullAnswer": self.said,
            "extra": {},
        }
        return Ask("chat/finish", whole)
