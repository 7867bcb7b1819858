"""Takes the steps of a turn on a real connection."""

import asyncio
from collections.abc import Callable, Iterable

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.line import Line
from lingma_proxy.simulator.rpc import Asked, Call, Dropped, Peer, notification
from lingma_proxy.simulator.silence import silence
from lingma_proxy.simulator.turn_steps import (
    Ask,
    Drop,
    Fail,
    Garble,
    Manner,
    Pause,
    Respond,
    Step,
    Tell,
)

MANY = 4
"""Messages that the fault `joined` sends at once."""


class Unheard(Exception):
    """The client did not answer a request in time."""


class Turn:
    """A prompt that is being answered.

    call        the prompt
    cancelled   is set to take it back
    ack_limit   seconds in which the client must answer our requests; None: for ever
    note        is told of each request of ours
    """

    def __init__(
        self,
        line: Line,
        peer: Peer,
        call: Call,
        faults: Faults,
        cancelled: asyncio.Event,
        ack_limit: float | None,
        note: Callable[[Asked], None],
    ) -> None:
        self._line = line
        self._peer = peer
        self._call = call
        self._faults = faults
        self._cancelled = cancelled
        self._ack_limit = ack_limit
        self._note = note
        self._held: list[JsonObject] = []

    async def carry(self, manner: Manner, steps: Iterable[Step]) -> None:
        """Do what the steps say, until they end or the turn is cancelled.

        Raises ConnectionError when the other side is gone, or Dropped.
        """
        if "cut" in self._faults:
            self._line.cut_after(self._faults.number("cut") or 0)
        try:
            for step in steps:
                await self._take(step)
                if self._stopped:
                    await self._all(manner.cancelled())
                    break
        except Unheard:
            await self._all(manner.unheard())
        await self._flush()
        self._line.cut_after(None)

    @property
    def _stopped(self) -> bool:
        return self._cancelled.is_set() and "deaf" not in self._faults

    async def _all(self, steps: Iterable[Step]) -> None:
        for step in steps:
            await self._take(step)

    async def _take(self, step: Step) -> None:
        match step:
            case Tell(method, params):
                await self._say(notification(method, params))
            case Ask(method, params, limited):
                await self._ask(method, params, self._ack_limit if limited else None)
            case Respond(result):
                if not self._call.answered:
                    await self._say(self._call.response(result))
            case Fail(error):
                if not self._call.answered:
                    await self._say(self._call.failure(error))
            case Pause(seconds):
                await self._flush()
                await self._pause(seconds)
            case Garble(data):
                await self._flush()
                await self._line.raw(data, self._faults)
            case Drop():
                await self._flush()
                self._line.drop()
                raise Dropped("as asked for")

    async def _say(self, message: JsonObject) -> None:
        self._held.append(message)
        if "joined" not in self._faults or len(self._held) >= MANY:
            await self._flush()

    async def _flush(self) -> None:
        held, self._held = self._held, []
        if held:
            await self._line.send(*held, faults=self._faults)
            await asyncio.sleep(0)  # a long answer lets others speak, and the client cancel

    async def _ask(self, method: str, params: JsonObject, limit: float | None) -> None:
        asked = self._peer.ask(method, params, string_id="string-ids" in self._faults)
        self._note(asked)
        self._held.append(asked.message)
        await self._flush()
        try:
            async with asyncio.timeout(limit):
                await asked.answered.wait()
        except TimeoutError:
            raise Unheard from None

    async def _pause(self, seconds: float | None) -> None:
        if "deaf" in self._faults:
            await silence(seconds)
            return
        try:
            async with asyncio.timeout(seconds):
                await self._cancelled.wait()
        except TimeoutError:
            pass
