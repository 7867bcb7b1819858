import asyncio
from functools import partial

import pytest

from lingma_proxy.policies.together import together


async def test_what_they_return_comes_in_their_order():
    async def work(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert await together([partial(work, turns) for turns in (5, 0, 3)], 3) == [5, 0, 3]
    assert await together([], 3) == []


async def test_no_more_run_at_once_than_may():
    running = most = 0

    async def work() -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    await together([work] * 10, 3)

    assert most == 3


async def test_when_one_fails_the_others_are_over():
    over = []

    async def fail() -> None:
        raise LookupError

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            over.append(True)

    with pytest.raises(LookupError):
        await together([wait, wait, fail], 3)
    assert over == [True, True]
    assert len(asyncio.all_tasks()) == 1


async def test_who_stops_waiting_stops_them():
    begun = asyncio.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.Event().wait()

    all_of_them = asyncio.create_task(together([wait, wait], 2))
    await begun.wait()
    all_of_them.cancel()
    await asyncio.wait([all_of_them])

    assert all_of_them.cancelled()
    assert len(asyncio.all_tasks()) == 1
