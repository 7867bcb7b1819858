"""A loop in which time passes only while everybody waits, and then at once.

What takes hours takes no time, and to the moment as long as it should.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Selector(selectors.SelectSelector):
    """Never waits: it moves the clock instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits, and for nothing that a clock could bring")
        if not ready and timeout is not None:
            self.now += max(0.0, timeout)
        return ready


class Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._instant = Selector()
        super().__init__(self._instant)

    def time(self) -> float:
        return self._instant.now


def in_no_time(main: Coroutine[Any, Any, T]) -> T:
    """What it returns.  It may wait for clocks, and for nothing outside, such as threads."""
    with asyncio.Runner(loop_factory=Loop) as runner:
        return runner.run(main)
