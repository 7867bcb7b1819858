"""At most so many replies at a time; the rest wait their turn, in order, but not for ever."""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from contextlib import aclosing

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import TooBusy
from lingma_proxy.policies.base import Policy

FIRST_GUESS = 10.0
"""Seconds that a reply takes, until the first ones have been measured."""
WEIGHT = 0.2
"""Of the newest reply in the running mean: about the last ten count."""


class Limit(Policy):
    """Holds a place for the life of a stream, and gives it back however the stream ends.

    `at_once` replies run, at most `waiting` wait, each at most `patience` seconds; what is
    beyond that is TooBusy, with an estimate of when there will be room.
    """

    def __init__(
        self,
        inner: Backend,
        at_once: int,
        waiting: int,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(inner)
        self._at_once = at_once
        self._waiting = waiting
        self._patience = patience
        self._clock = clock
        self._queue: deque[asyncio.Future[None]] = deque()
        self._usual = FIRST_GUESS
        self.running = 0
        """Replies that are being said."""

    @property
    def queued(self) -> int:
        """Requests that wait for their turn."""
        return len(self._queue)

    @property
    def at_once(self) -> int:
        return self._at_once

    @at_once.setter
    def at_once(self, number: int) -> None:
        """Takes effect at once; when it shrinks, what runs goes on to its end."""
        self._at_once = number
        self._advance()

    async def reply(self, request: ChatRequest) -> EventStream:
        await self._enter()
        begun = self._clock()
        try:
            async with aclosing(self.inner.reply(request)) as events:
                async for batch in events:
                    yield batch
        finally:
            self._usual += WEIGHT * (self._clock() - begun - self._usual)
            self._leave()

    async def _enter(self) -> None:
        if self.running < self._at_once:  # then nobody waits: `_advance` has seen to it
            self.running += 1
            return
        if len(self._queue) >= self._waiting:
            raise self._too_busy(f"{self.running} replies are running and {self.queued} wait")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await asyncio.wait([turn], timeout=self._patience)
        except asyncio.CancelledError:
            if turn.done():  # it came in the same moment: let the next one have it
                self._leave()
            else:
                self._queue.remove(turn)
            raise
        if not turn.done():
            self._queue.remove(turn)
            raise self._too_busy(f"no place became free within {self._patience:g} seconds")

    def _leave(self) -> None:
        self.running -= 1
        self._advance()

    def _advance(self) -> None:
        """Give what is free to those who have waited longest."""
        while self._queue and self.running < self._at_once:
            self.running += 1
            self._queue.popleft().set_result(None)

    def _too_busy(self, why: str) -> TooBusy:
        """With the time after which all who wait now will have had their turn."""
        wait = self._usual * (self.queued + 1) / max(1, self._at_once)
        retry_after = max(1, math.ceil(wait))
        return TooBusy(
            f"The proxy is busy: {why}. Try again in about {retry_after} s, or raise the limit"
            " on requests at a time.",
            retry_after=retry_after,
        )
