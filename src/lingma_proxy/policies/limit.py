"""At most so many replies at a time; the rest wait their turn, but not for ever."""

import time
from collections.abc import Callable, Mapping
from contextlib import aclosing

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.policies.base import Policy
from lingma_proxy.policies.places import Load, Places


class Limit(Policy):
    """Holds a place for the life of a stream, and gives it back however the stream ends.

    `at_once` replies run, at most `waiting` wait, each at most `patience` seconds; what is
    beyond that is TooBusy.  Whose turn it is, `Places` decides.
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
        self._places = Places(at_once, waiting, patience, clock)

    @property
    def running(self) -> int:
        """Replies that are being said."""
        return self._places.running

    @property
    def queued(self) -> int:
        """Requests that wait for their turn."""
        return self._places.queued

    def by_client(self) -> Mapping[str, Load]:
        """The same by client, for those that have any."""
        return self._places.by_client()

    @property
    def at_once(self) -> int:
        return self._places.at_once

    @at_once.setter
    def at_once(self, number: int) -> None:
        """Takes effect at once; when it shrinks, what runs goes on to its end."""
        self._places.at_once = number

    async def reply(self, request: ChatRequest) -> EventStream:
        async with (
            self._places.taken(request),
            aclosing(self.inner.reply(request)) as events,
        ):
            async for batch in events:
                yield batch
