"""Who answers: the backend that the settings name, or the first of those that are there.

The choice stays once somebody was found.  As long as nobody was, it is looked again when
somebody asks, at most every two seconds.  A backend that fails is never swapped for another
behind the client's back: the error names the others that are there.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

from lingma_proxy.backend import Backend, EventStream, Model, refused
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import (
    Absent,
    BackendTimeout,
    BackendUnavailable,
    NotLoggedIn,
    ProxyError,
)

log = logging.getLogger("lingma_proxy.backends")

AUTO = "auto"
PAUSE = 2.0
"""Seconds between two looks."""
ABSENT = (BackendUnavailable, NotLoggedIn, BackendTimeout)
"""What is raised when another backend might do better."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a backend could answer, by a look from outside."""

    found: bool
    says: str
    """What was found, or what is missing, as a clause: it follows the backend's name."""


UNSEEN = Presence(found=False, says="it has not been looked for yet")

Look: TypeAlias = Callable[[], Awaitable[Presence]]
"""Quick, and it does not fail."""


@dataclass(frozen=True, slots=True)
class Option:
    name: str
    backend: Backend
    look: Look
    flags: str = ""
    """What chooses it on the command line; "" for `--backend NAME`."""
    pointed: bool = False
    """Whether the settings say where it is, or what it is: it is meant, then."""


class Nobody:
    """Stands for a backend that cannot be made from these settings, and says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    def reply(self, request: ChatRequest) -> EventStream:
        del request
        return refused(Absent(self._why))

    async def models(self) -> Sequence[Model]:
        raise Absent(self._why)

    async def aclose(self) -> None:
        """There is nothing to let go of."""


class Choice:
    """The backend of a gateway.  `options` are in the order of preference.

    `wanted` is auto, or the name of the option that answers come what may.
    """

    def __init__(
        self,
        options: Sequence[Option],
        wanted: str = AUTO,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._options = tuple(options)
        self._wanted = wanted
        self._clock = clock
        named = [option for option in self._options if option.name == wanted]
        self.chosen = (named or self._options)[0]
        self.there = False
        """Whether it was there when it was chosen, or has been found since."""
        self.seen: dict[str, Presence] = {}
        """What the last look has brought, by the option's name."""
        self._not_before = -PAUSE
        self._looking: asyncio.Task[None] | None = None

    @property
    def settled(self) -> bool:
        """Whether there is nothing to wait for."""
        return self.there or (bool(self.seen) and self._clock() < self._not_before)

    async def settle(self) -> None:
        """Know who answers: look, unless somebody was found, or was just looked for."""
        if not self.settled:
            await self.look()

    async def look(self) -> None:
        """See anew who is there, unless that was just done.

        However many want to know, it is looked once; who stops waiting does not stop it.
        """
        if not self.seen or self._clock() >= self._not_before:
            await asyncio.wait([self._begin_to_look()])

    def start(self) -> None:
        """Look, behind.  A loop must run."""
        if not self.seen:
            self._begin_to_look()

    @property
    def reason(self) -> str:
        """Why this one, in a sentence, with what is known of the others."""
        if not self.seen:
            return "It has not been looked yet who is there."
        others = self._said_of([each for each in self._options if each is not self.chosen])
        if self._wanted != AUTO:
            why = "The setting backend says so"
        elif not self.there:
            why = "Nobody was found yet, and this one would come first"
        elif self.chosen.pointed:
            why = "The settings point at it"
        else:
            why = "It is the first that is there"
        return f"{why} ({others})." if others else f"{why}."

    @property
    def presence(self) -> Presence:
        """Of the chosen one."""
        return self._presence(self.chosen)

    # The backend.

    async def reply(self, request: ChatRequest) -> EventStream:
        await self.settle()
        chosen, begun = self.chosen, False
        try:
            async with aclosing(chosen.backend.reply(request)) as batches:
                async for batch in batches:
                    begun = True
                    yield batch
        except ABSENT as error:
            if begun or not (advice := await self._advice(chosen)):
                raise
            raise error.saying(f"{error.message} {advice}") from error

    async def models(self) -> Sequence[Model]:
        """Those of the one who is chosen when they come."""
        while True:
            await self.settle()
            chosen = self.chosen
            try:
                models = await chosen.backend.models()
            except ProxyError as error:
                if chosen is not self.chosen:
                    continue
                if not isinstance(error, ABSENT) or not (advice := await self._advice(chosen)):
                    raise
                raise error.saying(f"{error.message} {advice}") from error
            if chosen is self.chosen:
                return models

    async def aclose(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        for option in self._options:
            await option.backend.aclose()

    # Its own.

    def _begin_to_look(self) -> asyncio.Task[None]:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_now(), name="look who is there")
        return self._looking

    async def _look_now(self) -> None:
        seen = await asyncio.gather(*(option.look() for option in self._options))
        first = not self.seen
        self.seen = {each.name: what for each, what in zip(self._options, seen, strict=True)}
        self._not_before = self._clock() + PAUSE
        if self.there:
            return
        if self._wanted == AUTO:
            found = (option for option in self._options if self._presence(option).found)
            self.chosen = next(found, self._options[0])
        self.there = self.presence.found
        if self.there and not first:
            log.info("Found: %s, %s. It answers from now on.", self.chosen.name, self.presence.says)

    async def _advice(self, failed: Option) -> str:
        """What else there is, as a sentence; "" where there is nothing."""
        await self.look()
        others = [option for option in self._options if option is not failed]
        there = [option for option in others if self._presence(option).found]
        if there:
            instead = (
                f"{option.flags or f'--backend {option.name}'} ({self._presence(option).says})"
                for option in there
            )
            return f"Available instead: {', '.join(instead)}."
        if self._wanted == AUTO and not self.there and others:
            return f"Nobody else is there either ({self._said_of(others)})."
        return ""

    def _presence(self, option: Option) -> Presence:
        return self.seen.get(option.name, UNSEEN)

    def _said_of(self, options: Sequence[Option]) -> str:
        return "; ".join(f"{option.name}: {self._presence(option).says}" for option in options)
