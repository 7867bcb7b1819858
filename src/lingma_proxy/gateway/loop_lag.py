"""How late the event loop is: what it promised for a moment, and when that was done.

A callback is due every quarter of a second while replies are being said, and every few seconds
while none is: an idle machine is woken about as often as by its own clock in the corner.  What
blocks the loop for 50 ms is seen one time in five then, which over hours is every time.
"""

import asyncio
from collections.abc import Callable

from lingma_proxy.recording.histogram import Histogram

BUSY, IDLE = 0.25, 5.0
"""Seconds between two looks."""


class LoopLag:
    """`busy`: whether there is anything to be late for."""

    def __init__(self, busy: Callable[[], bool]) -> None:
        self._busy = busy
        self._next: asyncio.TimerHandle | None = None
        self.lateness = Histogram()
        """Seconds."""

    def start(self) -> None:
        """A loop must run."""
        if self._next is None:
            self._ahead()

    def stop(self) -> None:
        """Safe to call twice."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _ahead(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + (BUSY if self._busy() else IDLE)
        self._next = loop.call_at(due, self._look, due)

    def _look(self, due: float) -> None:
        self.lateness.add(asyncio.get_running_loop().time() - due)
        self._ahead()
