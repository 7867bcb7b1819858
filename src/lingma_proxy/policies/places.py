"""Places for so many at a time, and a queue for them that is fair between clients.

    taken(request) ─▶ a place is free           it runs, until the context is left
                   ╰▶ queue: client ▸ its requests, in order
                      ─▶ a place becomes free:  next is the client that has the fewest running,
                                                among equals who has been in the queue longest

A place given sends a client to the end of the queue.  So one with hundreds of requests delays
the single request of another one by one place, and long replies count as much as many.

A full queue is shared, too, or who fills it would keep everybody else out: a newcomer whose
client has less waiting takes the place of the newest request of the client that has most, which
is refused as it would have been, had it come a moment later.

Who has a place and has to wait for something else lends it to others meanwhile (`lent`), and
gets the next one that becomes free: so what waits for one thing does not hold up the rest.

Nothing is remembered of a client that neither runs nor waits.
"""

import asyncio
import math
import time
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import TooBusy

FIRST_GUESS = 10.0
"""Seconds that a reply takes, until the first ones have been measured."""
WEIGHT = 0.2
"""Of the newest reply in the running mean: about the last ten count."""


class Load(NamedTuple):
    """What one client has with us."""

    running: int
    queued: int


class Places:
    """`at_once` run, at most `waiting` wait, each at most `patience` seconds.

    What is beyond that is TooBusy, with an estimate of when there will be room.  `whose` says
    what is busy then, and `setting` which setting would make room.
    """

    def __init__(
        self,
        at_once: int,
        waiting: int,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        whose: str = "The proxy",
        setting: str = "max_concurrent",
    ) -> None:
        self._at_once = at_once
        self._waiting = waiting
        self._patience = patience
        self._clock = clock
        self._whose = whose
        self._setting = setting
        self._usual = FIRST_GUESS
        self._running: Counter[str] = Counter()
        """By client; those with none are not in it."""
        self._queue: dict[str, OrderedDict[asyncio.Future[bool], None]] = {}
        """By client, in the order in which they were last served; never empty.  A future becomes
        True when it is its turn, and False when others take its place in the queue."""
        self._lenders: deque[tuple[str, asyncio.Future[None]]] = deque()
        """Who wants back what it has lent."""
        self.running = 0
        """Places that are taken."""
        self.queued = 0
        """Requests that wait for one."""

    @property
    def at_once(self) -> int:
        return self._at_once

    @at_once.setter
    def at_once(self, number: int) -> None:
        """Takes effect at once; when it shrinks, what runs goes on to its end."""
        self._at_once = number
        self._advance()

    def resize(self, at_once: int, waiting: int, patience: float) -> None:
        """All bounds anew.  Who waits already waits as long as was said when it came."""
        self._waiting, self._patience = waiting, patience
        self.at_once = at_once

    def by_client(self) -> Mapping[str, Load]:
        """All clients that run or wait."""
        clients = dict.fromkeys([*self._running, *self._queue])
        return {
            client: Load(self._running[client], len(self._queue.get(client, ())))
            for client in clients
        }

    @asynccontextmanager
    async def taken(self, request: ChatRequest) -> AsyncIterator[None]:
        """Wait for a place, and hold it.  Raises TooBusy.

        The wait is noted, where notes are taken.
        """
        if self.running < self._at_once:  # then nobody waits: `_advance` has seen to it
            self._enter(request.client)
        else:
            asked = self._clock()
            try:
                await self._turn(request.client)
            finally:
                if request.notes is not None:
                    request.notes.queued += self._clock() - asked
        begun = self._clock()
        try:
            yield
        finally:
            self._usual += WEIGHT * (self._clock() - begun - self._usual)
            self._leave(request.client)

    @asynccontextmanager
    async def lent(self, request: ChatRequest) -> AsyncIterator[None]:
        """Let others have the place of this request meanwhile.  Raises TooBusy.

        Where that fails, it counts as running all the same, until it gives its place back.
        """
        self._leave(request.client)
        try:
            yield
        except BaseException:
            self._enter(request.client)
            raise
        asked = self._clock()
        try:
            await self._back(request.client)
        finally:
            if request.notes is not None:
                request.notes.queued += self._clock() - asked

    async def _back(self, client: str) -> None:
        """Wait for a place, before all others.  Raises TooBusy, and has one even then."""
        if self.running < self._at_once:
            self._enter(client)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lenders.append((client, turn))
        try:
            await asyncio.wait([turn], timeout=self._patience)
        finally:
            if not turn.done():
                self._lenders.remove((client, turn))
                self._enter(client)
        if not turn.done():
            why = f"no place became free within {self._patience:g} seconds"
            raise self._too_busy(client, why)

    async def _turn(self, client: str) -> None:
        """Wait for it.  Raises TooBusy."""
        if self.queued >= self._waiting and not self._make_room(client):
            why = f"{self.running} replies are running and {self.queued} wait"
            raise self._too_busy(client, why)
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.setdefault(client, OrderedDict())[turn] = None
        self.queued += 1
        try:
            await asyncio.wait([turn], timeout=self._patience)
        except asyncio.CancelledError:
            if not turn.done():
                self._drop(client, turn)
            elif turn.result():  # it came in the same moment: let the next one have it
                self._leave(client)
            raise
        if not turn.done():
            self._drop(client, turn)
            why = f"no place became free within {self._patience:g} seconds"
            raise self._too_busy(client, why)
        if not turn.result():
            raise self._too_busy(client, "others wait who have asked for less")

    def _make_room(self, client: str) -> bool:
        """Push out the newest request of who has most waiting, unless that is this client's equal."""
        most = max(self._queue, key=lambda other: len(self._queue[other]), default=client)
        if len(self._queue.get(most, ())) <= len(self._queue.get(client, ())) + 1:
            return False
        turn = next(reversed(self._queue[most]))
        self._drop(most, turn)
        turn.set_result(False)
        return True

    def _drop(self, client: str, turn: "asyncio.Future[bool]") -> None:
        waiting = self._queue[client]
        del waiting[turn]
        self.queued -= 1
        if not waiting:
            del self._queue[client]

    def _enter(self, client: str) -> None:
        self.running += 1
        self._running[client] += 1

    def _leave(self, client: str) -> None:
        self.running -= 1
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]
        self._advance()

    def _advance(self) -> None:
        """Give what is free to those whose turn it is."""
        while self._lenders and self.running < self._at_once:
            client, back = self._lenders.popleft()
            self._enter(client)
            back.set_result(None)
        while self._queue and self.running < self._at_once:
            client = min(self._queue, key=self._running.__getitem__)  # the first of equals
            waiting = self._queue.pop(client)
            turn, _ = waiting.popitem(last=False)
            if waiting:
                self._queue[client] = waiting  # at the end
            self.queued -= 1
            self._enter(client)
            turn.set_result(True)

    def _too_busy(self, client: str, why: str) -> TooBusy:
        """With the time after which one more request of this client would have its turn."""
        mine = len(self._queue.get(client, ())) + 1
        before = sum(min(len(waiting), mine) for waiting in self._queue.values())
        wait = self._usual * (before + 1) / max(1, self._at_once)
        retry_after = max(1, math.ceil(wait))
        return TooBusy(
            f"{self._whose} is busy: {why}. Try again in about {retry_after} s, or raise the limit"
            f" on requests at a time ({self._setting}).",
            retry_after=retry_after,
        )
