"""Work that takes a while goes aside, into a thread, so that the loop can go on.

Only a few threads work at a time: they all want the interpreter's lock, and each one more
makes the loop wait longer for it.  What a request waits for and what may take its time have
threads of their own, so that a hundred counts of tokens do not stand before one answer.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

log = logging.getLogger("lingma_proxy")

T = TypeVar("T")

LONG = 64 * 1024
"""Bytes or characters from which work on a text goes aside: below, it takes a millisecond
or two."""

_prompt = ThreadPoolExecutor(2, "aside")
_patient = ThreadPoolExecutor(1, "aside, patiently")


async def aside(work: Callable[[], T], *, patient: bool = False) -> T:
    """What the work returns, or raises.  `patient` is for what nobody's answer waits for."""
    return await asyncio.get_running_loop().run_in_executor(_patient if patient else _prompt, work)


def later(work: Callable[[], object]) -> None:
    """Have it done patiently, and wait for nothing.  What it raises is a fault, and logged."""

    def do() -> None:
        try:
            work()
        except Exception:  # nobody waits who could be told
            log.exception("A fault of Lingma Proxy, in what it does aside")

    _patient.submit(do)
