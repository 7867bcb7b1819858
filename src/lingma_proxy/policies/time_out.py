"""Ends a reply that takes too long: until its first event, from one to the next, or in all.

    asked ── first ──▶ batch ── idle ──▶ batch ── idle ──▶ … end
    ╰─────────────────────── whole ─────────────────────────╯

What counts is what is said: bytes that come to nothing, such as comments in a stream, are
silence.  A backend that knows better (an agent which is at work with its tools) says so with
`ChatRequest.alive`, and the wait begins anew.  Only waiting counts: a listener who is slow
is not the other side's fault, and is never interrupted.

Nothing is made for a wait: one timer serves a reply, and looks again when a wait could be
over at the earliest.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import replace

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import BackendTimeout
from lingma_proxy.policies.base import Policy


class TimeOut(Policy):
    """`first`, `idle` and `whole` are in seconds, 0 for no limit; `who` answers, for messages.

    Raises BackendTimeout, and the inner stream is closed at once.
    """

    def __init__(
        self,
        inner: Backend,
        first: float,
        idle: float,
        whole: float,
        who: Callable[[], str] = lambda: "The model",
    ) -> None:
        super().__init__(inner)
        self.first = first
        self.idle = idle
        self.whole = whole
        self._who = who

    def reply(self, request: ChatRequest) -> EventStream:
        if self.first or self.idle or self.whole:
            return self._in_time(request)
        return self.inner.reply(request)

    async def _in_time(self, request: ChatRequest) -> EventStream:
        watch = Watch(self.first, self.idle, self.whole, self._who)
        request = replace(request, alive=watch.alive)
        try:
            async with aclosing(self.inner.reply(request)) as events:
                following = events.__anext__  # `async for` would leave no place for the watch
                while True:
                    watch.wait()
                    try:
                        batch = await following()
                    except StopAsyncIteration:
                        watch.over()
                        break
                    except BaseException as error:
                        watch.over(error)
                        raise
                    watch.since = None
                    if watch.concerned:
                        watch.over()
                    yield batch
        finally:
            watch.end()


class Watch:
    """Looks after the waits of one reply, and interrupts the task in which one takes too long."""

    def __init__(
        self, first: float, idle: float, whole: float, who: Callable[[], str] = lambda: "It"
    ) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._clock = loop.time
        self._first = first
        self._idle = idle
        self._whole = whole
        self._who = who
        self._silence = first
        """The limit on this silence; 0 for none."""
        self._left = whole
        """Seconds of waiting that are left of the whole, when a wait begins."""
        self._begun = False
        self.since: float | None = None
        """When this silence began; None: nobody waits."""
        self.concerned = True
        """Whether it matters to us that a wait is over: for most it does not."""
        self._counted = 0.0
        """Up to when waiting has been taken from what is left of the whole."""
        self._task: asyncio.Task[object] | None = None
        self._cancellations = 0
        """Of the task, before ours."""
        self._late = ""
        """Why it was interrupted."""
        self._timer: asyncio.TimerHandle | None = None

    def wait(self) -> None:
        """A wait begins, in this task."""
        self.since = self._counted = self._clock()
        self._task = task = asyncio.current_task(self._loop)
        if task is not None:
            self._cancellations = task.cancelling()
        if self._timer is None and (self._silence or self._whole):
            self._set()

    def alive(self) -> None:
        """There was a sign of life: the silence begins anew, if somebody waits."""
        if self.since is not None:
            self.since = self._clock()

    def over(self, error: BaseException | None = None) -> None:
        """The wait is over, by an event or by an error.  Raises BackendTimeout if that was us."""
        self.since = None
        if self._whole:
            self._left -= self._clock() - self._counted
        if not self._begun and error is None:
            self._begun = True
            self.concerned = bool(self._whole)
            if self._silence != self._idle:
                self._silence = self._idle
                self.end()  # another limit: another time to look
        if self._late:
            self._blame(error)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _blame(self, error: BaseException | None) -> None:
        """We have cancelled the task; so may others have, in the same moment, and they win.

        So does what the inner stream found to say about it.
        """
        late, self._late = self._late, ""
        ours = self._task is None or self._task.uncancel() <= self._cancellations
        if ours and (error is None or isinstance(error, asyncio.CancelledError)):
            raise BackendTimeout(late) from None

    def _due(self) -> tuple[float, str] | None:
        """When this wait will have taken too long, and what to say then."""
        if self.since is None:
            return None
        dues = []
        if self._silence:
            word = "fell silent for" if self._begun else "said nothing for"
            setting = "idle_timeout" if self._begun else "first_byte_timeout"
            words = f"{self._who()} {word} {self._silence:g} seconds ({setting})."
            dues.append((self.since + self._silence, words))
        if self._whole:
            words = f"{self._who()} took longer than {self._whole:g} seconds to answer (timeout)."
            dues.append((self._counted + self._left, words))
        return min(dues, default=None)

    def _set(self) -> None:
        due = self._due()
        if due is not None:
            self._timer = self._loop.call_at(due[0], self._look)

    def _look(self) -> None:
        """Also when nobody waits: whoever waits next sets the timer again."""
        self._timer = None
        due = self._due()
        if due is None or self._task is None:
            return
        if self._clock() < due[0]:
            self._set()
        else:
            self._late = due[1]
            self.concerned = True
            self._task.cancel()
