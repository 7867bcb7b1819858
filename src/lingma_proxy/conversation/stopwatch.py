"""How long an answer takes, for the APIs that tell it: Ollama's and LM Studio's.

A stopwatch stands still at zero until the server starts it, so that what is said about an
answer depends on no clock unless there is one to depend on.
"""

import time
from collections.abc import Callable, Sequence

from lingma_proxy.conversation.events import Event, PartStarted, ReplyEnded


class Stopwatch:
    """All times are nanoseconds."""

    def __init__(
        self,
        clock: Callable[[], int] = time.perf_counter_ns,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._began: int | None = None
        self._at = 0
        self.first: int | None = None
        """How long the first piece of the answer took to come; None if none came by itself.

        What comes whole, in one batch with its end, was being made all the while.
        """

    def start(self) -> None:
        """The request is understood: from here on it is ours to answer."""
        self._began, self._at = self._clock(), self._wall()

    def hear(self, events: Sequence[Event]) -> None:
        """Some of the answer has come."""
        if self.first is None and self._began is not None:
            speaks = any(isinstance(event, PartStarted) for event in events)
            if speaks and not isinstance(events[-1], ReplyEnded):
                self.first = self.elapsed()

    def elapsed(self) -> int:
        return 0 if self._began is None else self._clock() - self._began

    def time(self, now: int) -> int:
        """The time of day, since 1970; `now`, in whole seconds, while the watch stands still.

        It never goes back while an answer is given, whatever is done to the clock on the wall.
        """
        return now * 10**9 if self._began is None else self._at + self.elapsed()
