"""How an agent's turn looks on the wire: updates, and the response that ends it."""

from collections.abc import Iterator

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator.agent_choices import Session
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.rpc import RpcError
from lingma_proxy.simulator.turn_steps import Ask, Fail, Garble, Respond, Step, Tell, Words
from lingma_proxy.simulator.turn_wishes import doings, wishes

LIMIT = 180_000
"""Tokens that fit into a session."""
STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
NOISE = b"Loading the tools of the trade...\n\n\x1b[32mready\x1b[0m\n"


class AgentManner:
    """Tells one turn of a session."""

    def __init__(self, session: Session, said: Words, faults: Faults) -> None:
        self.said = ""
        self._session, self._words, self._faults = session, said, faults

    def opening(self) -> Iterator[Step]:
        return iter(())

    def word(self, delta: JsonObject) -> Iterator[Step]:
        self.said += delta.get("content") or ""
        for update in chunks(delta):
            yield self._update(update)

    def around(self, delta: JsonObject) -> Iterator[Step]:
        if "foreign-session" in self._faults:
            for update in chunks(delta):
                yield Tell("session/update", {"sessionId": "foreign", "update": update})

    def middle(self) -> Iterator[Step]:
        if "noise" in self._faults:
            yield Garble(NOISE)
        if "garbage" in self._faults:
            yield Garble(b'{"jsonrpc": "2.0", "method"\n')
        for update in doings(self._faults):
            yield self._update(update)
        for method, params in wishes(self._session.id, self._faults):
            yield Ask(method, params, limited=False)

    def ending(self, finish: str) -> Iterator[Step]:
        reason = self._faults.word("stop-reason") or STOP_REASONS.get(finish, finish)
        result: JsonObject = {} if reason == "none" else {"stopReason": reason}
        if "no-usage" not in self._faults:
            before, spoken = self._session.memory.size // 4 + 1, len(self.said) // 4 + 1
            used = self._words.used or before + spoken
            yield self._update({"sessionUpdate": "usage_update", "used": used, "size": LIMIT})
            result["usage"] = self._words.usage or {
                "inputTokens": before,
                "outputTokens": spoken,
                "totalTokens": before + spoken,
            }
        yield Respond(result)

    def failing(self, error: RpcError) -> Iterator[Step]:
        yield Fail(error)

    def cancelled(self) -> Iterator[Step]:
        yield Respond({"stopReason": "cancelled"})

    def unheard(self) -> Iterator[Step]:
        return iter(())

    def _update(self, update: JsonObject) -> Tell:
        return Tell("session/update", {"sessionId": self._session.id, "update": update})


def chunks(delta: JsonObject) -> Iterator[JsonObject]:
    for key, kind in (
        ("reasoning_content", "agent_thought_chunk"),
        ("content", "agent_message_chunk"),
    ):
        if (text := delta.get(key)) is not None:
            yield {"sessionUpdate": kind, "content": {"type": "text", "text": text}}
