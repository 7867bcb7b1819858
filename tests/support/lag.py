"""How long the loop could not be reached while something else went on."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

EVERY = 0.005


@dataclass
class Lag:
    work: float = 0.0
    """The longest that the loop's thread computed between two wakings, in seconds of its own
    time: a machine that is busy with something else does not change it."""
    wait: float = 0.0
    """The longest that a waking was late, by the clock on the wall."""


@asynccontextmanager
async def watched() -> AsyncIterator[Lag]:
    """A task that wakes every 5 ms and notes what has passed since.

    What thousands of tests have left in this process is no business of the collector's
    meanwhile: to look through it takes a third of a second, in whichever thread comes by.
    """
    lag = Lag()
    gc.collect()
    gc.freeze()

    async def watch() -> None:
        while True:
            clock, own = time.perf_counter(), time.thread_time()
            await asyncio.sleep(EVERY)
            lag.wait = max(lag.wait, time.perf_counter() - clock - EVERY)
            lag.work = max(lag.work, time.thread_time() - own)

    task = asyncio.create_task(watch())
    await asyncio.sleep(EVERY)
    try:
        yield lag
        await asyncio.sleep(EVERY)  # what came last is noted, too
    finally:
        task.cancel()
        gc.unfreeze()
