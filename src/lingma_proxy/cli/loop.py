"""Run a command's coroutine: on uvloop where it exists, with signals as events."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    try:
        from uvloop import new_event_loop  # noqa: PLC0415 — only who runs a loop pays for it
    except ImportError:  # Windows
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(work)


@dataclass
class Stops:
    """That somebody wants us to stop (Ctrl-C, kill, a closed terminal), and that they said so twice."""

    once: asyncio.Event = field(default_factory=asyncio.Event)
    twice: asyncio.Event = field(default_factory=asyncio.Event)

    def heard(self) -> None:
        (self.twice if self.once.is_set() else self.once).set()


@contextmanager
def stops() -> Iterator[Stops]:
    """Signals as events, for as long as the `with` lasts."""
    said = Stops()
    loop = asyncio.get_running_loop()
    signals = [signal.SIGINT, signal.SIGTERM]
    if sys.platform == "win32":
        # No add_signal_handler there: the handler runs between two steps of the loop.
        before = [
            signal.signal(each, lambda *_: loop.call_soon_threadsafe(said.heard))
            for each in signals
        ]
        try:
            yield said
        finally:
            for each, handler in zip(signals, before, strict=True):
                signal.signal(each, handler)
    else:
        # A terminal that is closed says so by SIGHUP; who starts us by nohup does not care.
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signals.append(signal.SIGHUP)
        for each in signals:
            loop.add_signal_handler(each, said.heard)
        try:
            yield said
        finally:
            for each in signals:
                loop.remove_signal_handler(each)
                if said.once.is_set():
                    # All is put away: who cannot wait for the very end is not told of a failure.
                    signal.signal(each, lambda *_: os._exit(0))


async def unless(event: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do the work to its end, unless the event comes first: then it is cancelled."""
    working = asyncio.create_task(work)
    waiting = asyncio.create_task(event.wait())
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, waiting):
            task.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
    if not working.cancelled():
        working.result()
