"""How a turn goes: what is said when, and how it ends.

A turn is a sequence of steps and does nothing by itself; `turn_carry` takes them.

    opening ( word | request | silence )* ( ending | Fail | Drop )

What the steps look like on the wire is a `Manner`: that of the plugin's sessions
(`plugin_sessions`), of its older protocol (`plugin_lsp4j`), of an agent (`agent_turn`).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.rpc import INTERNAL_ERROR, RpcError
from lingma_proxy.simulator.script import words


@dataclass(frozen=True, slots=True)
class Tell:
    """A notification."""

    method: str
    params: JsonObject


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the client.  The turn waits until it is answered."""

    method: str
    params: JsonObject
    limited: bool = True
    """Whether the turn fails when the answer takes too long; else it waits for ever."""


@dataclass(frozen=True, slots=True)
class Respond:
    """The response to the prompt, if it has none yet."""

    result: Json


@dataclass(frozen=True, slots=True)
class Fail:
    """An error as the response to the prompt."""

    error: RpcError


@dataclass(frozen=True, slots=True)
class Pause:
    seconds: float | None
    """None: until it is cancelled."""


@dataclass(frozen=True, slots=True)
class Garble:
    """Bytes as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed."""


Step: TypeAlias = Tell | Ask | Respond | Fail | Pause | Garble | Drop


@dataclass(frozen=True, slots=True)
class Words:
    """What is said in one turn, to the letter: deltas as `script` has them."""

    deltas: tuple[JsonObject, ...]
    finish: str | None = "stop"
    """`stop`, `length`, or how the protocol spells it; None: the connection is closed."""
    error: RpcError | None = None
    """Instead of an end."""
    used: int | None = None
    """Tokens in the session by then, if not as many as we would count."""
    usage: JsonObject | None = None
    """The `usage` of an agent's response, if not what we would count."""


class Manner(Protocol):
    """How a protocol says what a turn consists of."""

    said: str
    """The text of the answer, so far."""

    def opening(self) -> Iterable[Step]: ...
    def word(self, delta: JsonObject) -> Iterable[Step]: ...
    def around(self, delta: JsonObject) -> Iterable[Step]:
        """What does not belong to the turn, and comes with each word."""

    def middle(self) -> Iterable[Step]:
        """What happens after the first word."""

    def ending(self, finish: str) -> Iterable[Step]: ...
    def failing(self, error: RpcError) -> Iterable[Step]:
        """An error instead of an end, when the turn has begun."""

    def cancelled(self) -> Iterable[Step]: ...
    def unheard(self) -> Iterable[Step]:
        """After a request that the client did not answer in time."""


def turn(manner: Manner, said: Words, faults: Faults, pace: float = 0) -> Iterator[Step]:
    """The steps of a turn, with the faults that every protocol has (`turn_faults`)."""
    if "hang-prompt" in faults:
        yield Pause(faults.seconds("hang-prompt"))
    if "drop-prompt" in faults:
        yield Drop()
        return
    if "error-prompt" in faults:
        code = -(faults.number("error-prompt") or -INTERNAL_ERROR)
        yield Fail(RpcError(code, "the simulator was asked to fail"))
        return
    yield from manner.opening()
    if "slow" in faults:
        yield Pause(faults.seconds("slow"))
    pace = (faults.seconds("pace") or 0) if "pace" in faults else pace
    deltas = _deltas(said, faults)
    last = _last(faults)
    for count, delta in enumerate(deltas):
        if count == last:
            break
        if count and pace:
            yield Pause(pace)
        yield from manner.around(delta)
        yield from manner.word(delta)
        if count == 0:
            yield from _middle(manner, faults)
    if not deltas:
        yield from _middle(manner, faults)
    yield from _ending(manner, said, faults)


def _deltas(said: Words, faults: Faults) -> tuple[JsonObject, ...]:
    deltas = said.deltas
    if "empty" in faults:
        deltas = ()
    if "words" in faults:
        many = faults.number("words") or 0
        deltas = tuple(words(" ".join(f"word{number}" for number in range(1, many + 1))))
    if "thoughts" in faults:
        deltas = ({"reasoning_content": "Let me "}, {"reasoning_content": "think."}, *deltas)
    return deltas


def _last(faults: Faults) -> int | None:
    """After how many words it breaks off."""
    numbers = [faults.number(name) or 0 for name in ("drop-after", "error-after") if name in faults]
    return min(numbers, default=None)


def _middle(manner: Manner, faults: Faults) -> Iterator[Step]:
    if "stall" in faults:
        yield Pause(faults.seconds("stall"))
    yield from manner.middle()


def _ending(manner: Manner, said: Words, faults: Faults) -> Iterator[Step]:
    if "drop-after" in faults:
        yield Drop()
    elif "error-after" in faults:
        error = RpcError(INTERNAL_ERROR, "the simulator was asked to fail in the middle")
        yield from manner.failing(error)
    elif said.error is not None:
        yield from manner.failing(said.error)
    elif said.finish is None:
        yield Drop()
    else:
        yield from manner.ending(said.finish)
