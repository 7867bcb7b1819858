"""One request over the Responses API, with what it goes on from and what becomes of it.

    body ▸ what was said before ▸ decode ▸ (the answer) ▸ kept, unless `store` is false

What was said before is in the recording or, over a WebSocket, in the memory of the
connection, which also holds what is not to be stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from lingma_proxy.aside import LONG, aside
from lingma_proxy.conversation.events import Event
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.dialect import Asked, Dialect
from lingma_proxy.dialects import openai_responses
from lingma_proxy.dialects import openai_responses_history as history
from lingma_proxy.dialects.openai_responses_request import ResponsesAsked, decode, input_items
from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import JsonObject, dumpb, objects
from lingma_proxy.recording.responses import Kept, Responses, by_id, too_long
from lingma_proxy.server.body import json_object

REST = 16 * 1024
"""Bytes of a response besides what it repeats of its request: a guess, for bounds."""


class Memory:
    """The latest responses of one connection, whether they are stored or not.

    `limit`: bytes.  The oldest go first; the latest stays as long as it fits alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._kept: dict[str, tuple[Kept, int]] = {}

    def keep(self, kept: Kept, size: int) -> None:
        _, before = self._kept.pop(kept.id, (None, 0))
        self._held += size - before
        self._kept[kept.id] = kept, size
        while self._held > self._limit:
            oldest = next(iter(self._kept))
            self._held -= self._kept.pop(oldest)[1]

    def find(self, id: str) -> tuple[Kept, int] | None:
        return self._kept.get(id)

    def items(self, ids: Sequence[str]) -> dict[str, JsonObject]:
        wanted = set(ids)
        found: dict[str, JsonObject] = {}
        for kept, _ in self._kept.values():
            found |= by_id((*kept.input, *kept.output), wanted)
        return found


@dataclass(frozen=True, slots=True)
class Turn:
    """A request that was understood."""

    asked: ResponsesAsked
    own: Sequence[JsonObject]
    """The items that it brought itself."""
    previous: str | None
    size: int
    """Bytes of its body."""

    def kept(self, response: JsonObject) -> Kept:
        return Kept(response["id"], response["created_at"], response, self.own, self.previous)


class Turns:
    """Understands requests, and keeps what was answered.

    Both are asked for when they are needed, for they may become others: what is kept, and how
    many bytes a conversation may have.
    """

    def __init__(self, responses: Callable[[], Responses], limit: Callable[[], int]) -> None:
        self._responses = responses
        self._limit = limit

    async def understood(self, data: bytes, id: str, memory: Memory | None = None) -> Turn:
        """Raises InvalidRequest, RequestTooLarge, NotFound, StoreUnavailable."""
        return await self.turn(await read(data), id, len(data), memory)

    async def counted(self, data: bytes, id: str, count: Callable[[ChatRequest], int]) -> int:
        """How many tokens a request has, with all that it goes on from.  Raises as above."""
        # As a warm-up it may have no input.
        body = {**await read(data), "generate": False}
        turn = await self.turn(body, id, len(data))
        request = turn.asked.request
        if len(data) < LONG and turn.previous is None:
            return count(request)
        return await aside(lambda: count(request), patient=True)

    async def turn(
        self, body: JsonObject, id: str, size: int, memory: Memory | None = None
    ) -> Turn:
        """The same for a body that was read already; `size`: how many bytes it had."""
        previous = history.previous_id(body)
        turns: Sequence[Kept] = ()
        if previous is not None:
            turns = await self.conversation(previous, memory)
        earlier = [item for turn in turns for item in history.said_then(turn.input, turn.output)]
        own = await self._with_items(body, earlier, memory)
        if size >= LONG or turns:
            asked = await aside(lambda: decode(history.gone_on(own, earlier), id))
        else:
            asked = decode(own, id)
        if body.get("store") is True and (why := self._responses().why_not):
            asked = replace(asked, warnings=(*asked.warnings, f"store: {why}"))
        return Turn(asked, input_items(own, id), previous, size)

    async def conversation(self, id: str, memory: Memory | None = None) -> list[Kept]:
        """All turns up to a response, oldest first.

        Raises InvalidRequest where one of them is not kept, RequestTooLarge, StoreUnavailable.
        """
        latest: list[Kept] = []
        left = limit = self._limit()
        following: str | None = id
        while following is not None and memory and (found := memory.find(following)):
            kept, size = found
            left -= size
            if left < 0:
                raise too_long(limit)
            latest.append(kept)
            following = kept.previous
        before: Sequence[Kept] = ()
        if following is not None:
            stored = await self._responses().history(following, left)
            if stored.missing is not None:
                raise history.not_found(stored.missing, id, self._responses().why_not)
            before = stored.turns
        return [*before, *reversed(latest)]

    def keep(self, turn: Turn, response: JsonObject, memory: Memory | None = None) -> None:
        """Remember how it ended: on disk, unless the client does not want that."""
        kept = turn.kept(response)
        size = turn.size + REST
        if memory is not None:
            # What the response repeats of its request is much, and not asked for there.
            said = {"output": response.get("output")}
            memory.keep(replace(kept, response=said), len(dumpb(list(turn.own))) + written(said))
        if turn.asked.store:
            self._responses().keep(kept, size)

    def encoder(self, turn: Turn, now: int, memory: Memory | None = None) -> "Keeping":
        """Says the turn's stream; the response is kept before its last bytes are handed out."""
        return Keeping(turn.asked, now, lambda response: self.keep(turn, response, memory))

    def keeping(self, turn: Turn) -> Dialect:
        """The dialect for this turn: what it says last is kept before it leaves."""
        spoken = openai_responses.DIALECT

        def whole(asked: Asked, replies: Sequence[Reply], now: int) -> JsonObject:
            response = spoken.whole(asked, replies, now)
            self.keep(turn, response)
            return response

        return replace(spoken, encoder=lambda _, now: self.encoder(turn, now), whole=whole)

    async def _with_items(
        self, body: JsonObject, earlier: Sequence[JsonObject], memory: Memory | None
    ) -> JsonObject:
        """The body with the items that it refers to."""
        wanted = history.referred(body)
        if not wanted:
            return body
        found = by_id(earlier, set(wanted))
        if memory is not None:
            found = memory.items(wanted) | found
        if rest := [id for id in wanted if id not in found]:
            found |= await self._responses().items(list(dict.fromkeys(rest)))
        return history.resolved(body, found, self._responses().why_not)


async def read(data: bytes) -> JsonObject:
    """The JSON object that it is, in a thread if that is long.  Raises InvalidRequest."""
    return await aside(lambda: json_object(data)) if len(data) >= LONG else json_object(data)


class Keeping:
    """The encoder of a turn, which hands over the response when it has ended."""

    def __init__(self, asked: Asked, now: int, keep: Callable[[JsonObject], None]) -> None:
        self._inner = openai_responses.ResponsesEncoder(asked, now)
        self._keep = keep
        self._has_kept = False

    @property
    def response(self) -> JsonObject | None:
        return self._inner.response

    def encode(self, events: Sequence[Event], choice: int = 0) -> bytes:
        return self._inner.encode(events, choice)

    def end(self) -> bytes:
        said = self._inner.end()
        self._ended()
        return said

    def fail(self, error: ProxyError) -> bytes:
        said = self._inner.fail(error)
        self._ended()
        return said

    def heartbeat(self) -> bytes:
        return self._inner.heartbeat()

    def _ended(self) -> None:
        if self._inner.response is not None and not self._has_kept:
            self._has_kept = True
            self._keep(self._inner.response)


def written(response: JsonObject) -> int:
    """About how many bytes the output has."""
    return sum(
        len(text)
        for item in objects(response.get("output"))
        for text in (
            *(part.get("text", "") for part in objects(item.get("content"))),
            *(part.get("text", "") for part in objects(item.get("summary"))),
            *(item.get(name) or "" for name in ("arguments", "input", "encrypted_content")),
        )
        if isinstance(text, str)
    )
