"""Try another model, while nothing has been said.

    the model that was asked for ▸ fails ▸ the next that can answer ▸ fails ▸ … ▸ an answer

What may pass elsewhere, or later, moves on (`ProxyError.retry`); what blames the request, the
login or our own limits does not.  Once a part of the reply has gone out there is no way back.
A lone `ReplyStarted` says nothing yet, so it is held back for a moment; where nobody hears
anything before the reply is whole (`heard_whole`), all of it is, and a reply that breaks off in
its middle is nobody's loss.

Tries are few, and none begins after `Bounds.budget`.  With nobody else to ask, the same model is
asked once more where that is no use of patience: the way there was broken, or somebody said when
to come back.  When all have failed, the client hears what the model that it asked for has said,
and which ones were tried.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Self

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.events import Event, ReplyStarted
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    BrokenOff,
    NotLoggedIn,
    ProxyError,
    RateLimited,
)
from lingma_proxy.policies.base import Policy
from lingma_proxy.policies.skipped import Skipped, Try

HOLD = 1.0
"""Seconds: short for who waits for headers, long for a model that only takes a breath."""
BACK_OFF = 0.25
"""Seconds before the next try where the way there was broken; doubled each time."""
WHY: tuple[tuple[type[ProxyError], str], ...] = (
    (RateLimited, "its limit is reached"),
    (BackendTimeout, "it took too long"),
    (BackendUnavailable, "it could not be reached"),
    (BrokenOff, "its reply broke off"),
    (BackendRefused, "it failed"),
)
"""Why another model answers, without a word of the vendor's."""


@dataclass(frozen=True, slots=True)
class Bounds:
    attempts: int = 3
    """In all."""
    budget: float = 180.0
    """Seconds from the beginning of the first, after which none begins."""
    patience: float = 10.0
    """Seconds that are waited where somebody says when to come back (`Retry-After`)."""


class Fallback(Policy):
    """Stands outside of all that ends a reply early, for what is held whole is heard to its end.

    `others` lists the models that may answer a request in its model's stead, best first; it is
    asked only when somebody is needed.  `skipped` knows who keeps failing.  `hold`: seconds that
    a reply which has begun waits for its first part, before its headers go out.
    """

    def __init__(
        self,
        inner: Backend,
        others: Callable[[ChatRequest], Sequence[str]],
        skipped: Skipped,
        bounds: Bounds | None = None,
        *,
        hold: float = HOLD,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        super().__init__(inner)
        self._others = others
        self._skipped = skipped
        self._bounds = bounds or Bounds()
        self._hold = hold
        self._clock = clock
        self._sleep = sleep

    async def reply(self, request: ChatRequest) -> EventStream:
        course = Course(request, self._others, self._skipped, self._bounds, self._clock)
        attempt, wait = course.first(), 0.0
        while True:
            said = False
            try:
                if wait:
                    await self._sleep(wait)
                async with (
                    aclosing(self.inner.reply(course.asked(attempt))) as events,
                    Opening(events, None if request.heard_whole else self._hold) as opening,
                ):
                    if await opening.heard():
                        self._skipped.answered(attempt)
                    elif opening.batch:
                        said = True
                        yield course.noted(attempt, opening.batch)
                        opening.batch = await opening.more()
                        self._skipped.answered(attempt)
                    if opening.batch:
                        batch = opening.batch if said else course.noted(attempt, opening.batch)
                        said = True
                        yield batch
                    async for batch in events:
                        yield batch
                self._skipped.finished(attempt)
            except ProxyError as error:
                self._skipped.failed(attempt, error)
                step = None if said else course.after(attempt, error)
                if step is None:
                    failure = error if said else course.failure()
                    if failure is error:
                        raise
                    raise failure from course.causes()
            else:
                return
            finally:
                self._skipped.left(attempt)
            attempt, wait = step


class Opening:
    """What is held back of a reply: its start for `hold` seconds; None: all of it.

    Who leaves leaves no task behind.
    """

    def __init__(self, events: EventStream, hold: float | None) -> None:
        self._events = events
        self._hold = hold
        self._task: asyncio.Task[Sequence[Event]] | None = None
        self.batch: Sequence[Event] = ()
        """What goes out next."""

    async def heard(self) -> bool:
        """Listen until there is more than a start; False: that takes too long."""
        if self._hold is None:
            self.batch = [event async for batch in self._events for event in batch]
            return True
        self.batch = await anext(self._events, ())
        if not all(isinstance(event, ReplyStarted) for event in self.batch):
            return True
        # One task for a reply, not for a batch: a timeout would end what is being waited for.
        self._task = asyncio.create_task(self._next(), name="wait for the first part of a reply")
        await asyncio.wait([self._task], timeout=self._hold)
        if not self._task.done():
            return False
        self.batch = [*self.batch, *self._task.result()]
        return True

    async def more(self) -> Sequence[Event]:
        """What comes after the start, if it was let out."""
        return () if self._task is None else await self._task

    async def _next(self) -> Sequence[Event]:
        return await anext(self._events, ())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


class Course:
    """Who is asked, one after the other, for one request; and what they said."""

    def __init__(
        self,
        request: ChatRequest,
        others: Callable[[ChatRequest], Sequence[str]],
        skipped: Skipped,
        bounds: Bounds,
        clock: Callable[[], float],
    ) -> None:
        self._request = request
        self._others = others
        self._skipped = skipped
        self._bounds = bounds
        self._clock = clock
        self._began = clock()
        self._left: list[str] | None = None
        """Others that have not been thought of yet; None: nobody has looked for them."""
        self._failed: list[Failed] = []

    def first(self) -> Try:
        """The model that was asked for, unless it is skipped and there is another one."""
        wanted = self._skipped.may_try(self._request.model)
        return wanted or self._other() or Try(self._request.model, is_probe=False)

    def asked(self, attempt: Try) -> ChatRequest:
        own = attempt.model == self._request.model
        return self._request if own else replace(self._request, model=attempt.model)

    def after(self, attempt: Try, error: ProxyError) -> tuple[Try, float] | None:
        """Who is tried next, and in how many seconds; None: nobody."""
        now = self._clock()
        self._failed.append(Failed(attempt.model, error, now))
        wanted = self._request.model
        # What another model objects to need not be true of the one that was asked for.
        hopeless = not error.retry if attempt.model == wanted else isinstance(error, NotLoggedIn)
        spent = now - self._began >= self._bounds.budget
        if hopeless or spent or len(self._failed) >= self._bounds.attempts:
            return None
        back_off = BACK_OFF * 2 ** (len(self._failed) - 1)
        if (other := self._other()) is not None:
            return other, 0.0 if error.blames_model or not error.retry else back_off
        if not self._times(wanted):
            return Try(wanted, is_probe=False), 0.0
        return self._again(error, now, back_off)

    def _again(self, error: ProxyError, now: float, back_off: float) -> tuple[Try, float] | None:
        """The same model once more: one that has said when, or the one that was asked for."""
        patience = min(self._bounds.patience, self._began + self._bounds.budget - now)
        ready = [
            (max(0.0, each.at + each.error.retry_after - now), each.model)
            for each in self._failed
            if each.error.retry
            and each.error.retry_after is not None
            and each.error.retry_after <= self._bounds.patience
            and self._times(each.model) == 1
        ]
        wait, model = min(ready, default=(back_off, self._request.model), key=lambda each: each[0])
        passing = isinstance(error, BackendUnavailable | BrokenOff) and error.retry_after is None
        if wait > patience or not (ready or (passing and self._times(model) == 1)):
            return None
        return Try(model, is_probe=False), wait

    def noted(self, attempt: Try, batch: Sequence[Event]) -> Sequence[Event]:
        """The first batch, with a warning if somebody else answers."""
        if attempt.model == self._request.model:
            return batch
        warning = f"{self._wanted} did not answer ({self._why()}): {attempt.model} does instead."
        return [
            replace(event, warnings=(*event.warnings, warning))
            if isinstance(event, ReplyStarted)
            else event
            for event in batch
        ]

    def failure(self) -> ProxyError:
        """What the client hears: it asked for one model, and what that has said helps most.

        Unless it turns out that nobody is logged in any more.
        """
        errors = [each.error for each in self._failed]
        own = [each.error for each in self._failed if each.model == self._request.model]
        passing = [error for error in errors if error.retry]
        chosen = (own or passing[:1] or errors)[-1]
        if isinstance(errors[-1], NotLoggedIn):
            chosen = errors[-1]
        models = list(dict.fromkeys(each.model for each in self._failed))
        if len(errors) == 1 and models == [self._request.model]:
            return chosen
        tried = ", ".join(
            f"{model} (twice)" if self._times(model) > 1 else model or "the default"
            for model in models
        )
        return chosen.saying(f"{chosen.message} Tried: {tried}.")

    def causes(self) -> BaseException:
        return ExceptionGroup("what each try came to", [each.error for each in self._failed])

    @property
    def _wanted(self) -> str:
        return self._request.model or "The default model"

    def _why(self) -> str:
        for each in self._failed:
            if each.model == self._request.model:
                return next((why for kind, why in WHY if isinstance(each.error, kind)), "it failed")
        return "it keeps failing, and is passed over for a while"

    def _times(self, model: str) -> int:
        return sum(each.model == model for each in self._failed)

    def _other(self) -> Try | None:
        """The next of the others that is not skipped."""
        if self._left is None:
            others = dict.fromkeys(self._others(self._request))
            self._left = [model for model in others if model != self._request.model]
        while self._left:
            if (attempt := self._skipped.may_try(self._left.pop(0))) is not None:
                return attempt
        return None


@dataclass(frozen=True, slots=True)
class Failed:
    model: str
    error: ProxyError
    at: float
