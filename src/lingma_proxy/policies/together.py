"""Several pieces of work at once, but not too many, and none when one has failed."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def together(works: Sequence[Callable[[], Awaitable[T]]], at_once: int) -> list[T]:
    """What they return, in their order.

    The first failure is raised; what still runs is cancelled, and waited for.
    """
    room = asyncio.Semaphore(at_once)

    async def in_turn(work: Callable[[], Awaitable[T]]) -> T:
        async with room:
            return await work()

    running = [asyncio.ensure_future(in_turn(work)) for work in works]
    try:
        return await asyncio.gather(*running)
    finally:
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
