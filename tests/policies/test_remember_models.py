import asyncio
from collections.abc import Sequence

import pytest

from lingma_proxy.backend import Model
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.errors import BackendUnavailable, NotLoggedIn
from lingma_proxy.policies.remember_models import LONGEST_PAUSE, PAUSE, RememberModels
from support.backends import answer, hear

OLD = (Model("kmodel", "Kimi"),)
NEW = (Model("kmodel", "Kimi"), Model("mmodel", "MiniMax"))
LIFETIME = 600.0


class Lists(Scripted):
    """A backend whose list of models changes, fails, and can be held up."""

    def __init__(self, *lists: Sequence[Model] | Exception) -> None:
        super().__init__([answer("hello")])
        self.lists = list(lists)
        self.fetches = 0
        self.fetching = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def models(self) -> Sequence[Model]:
        self.fetches += 1
        self.fetching += 1
        try:
            await self.gate.wait()
            given = self.lists.pop(0)
            if isinstance(given, Exception):
                raise given
            return given
        finally:
            self.fetching -= 1


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_the_first_who_asks_waits_and_the_next_does_not(clock) -> None:
    inner = Lists(OLD)
    remember = RememberModels(inner, LIFETIME, clock)

    assert remember.known() == ()
    assert await remember.models() == OLD

    inner.gate.clear()
    clock.now += LIFETIME - 1

    assert await remember.models() == remember.known() == OLD
    assert inner.fetches == 1


async def test_a_stale_list_is_answered_at_once_and_fetched_behind(clock) -> None:
    inner = Lists(OLD, NEW)
    remember = RememberModels(inner, LIFETIME, clock)
    await remember.models()
    clock.now += LIFETIME
    inner.gate.clear()

    assert [await remember.models() for _ in range(3)] == [OLD] * 3

    await settle()
    inner.gate.set()
    await settle()

    assert remember.known() == await remember.models() == NEW
    assert inner.fetches == 2


async def test_many_who_ask_at_first_share_one_fetch(clock) -> None:
    inner = Lists(OLD)
    remember = RememberModels(inner, LIFETIME, clock)

    assert await asyncio.gather(*(remember.models() for _ in range(5))) == [OLD] * 5
    assert inner.fetches == 1


async def test_who_stops_waiting_does_not_stop_the_others(clock) -> None:
    inner = Lists(OLD)
    inner.gate.clear()
    remember = RememberModels(inner, LIFETIME, clock)
    impatient, patient = (asyncio.create_task(remember.models()) for _ in range(2))
    await settle()
    impatient.cancel()
    await settle()
    inner.gate.set()

    assert impatient.cancelled()
    assert await patient == OLD


async def test_a_failure_with_nothing_known_is_told_and_the_next_asks_again(clock) -> None:
    inner = Lists(NotLoggedIn("log in"), OLD)
    remember = RememberModels(inner, LIFETIME, clock)

    with pytest.raises(NotLoggedIn):
        await remember.models()

    assert remember.known() == ()
    assert await remember.models() == OLD


async def test_a_failure_behind_keeps_the_old_list_and_waits_longer_each_time(clock) -> None:
    inner = Lists(OLD, *[BackendUnavailable("gone")] * 12, NEW)
    remember = RememberModels(inner, LIFETIME, clock)
    await remember.models()
    clock.now += LIFETIME
    waits = []
    for _ in range(13):
        before, asked = clock.now, inner.fetches
        while inner.fetches == asked:
            assert await remember.models() == OLD
            await settle()
            clock.now += PAUSE / 5
        waits.append(clock.now - before)

    assert remember.known() == NEW
    assert waits == sorted(waits)
    assert LONGEST_PAUSE <= waits[-1] <= LONGEST_PAUSE + PAUSE


async def test_a_refresh_is_asked_for_and_not_waited_for(clock) -> None:
    inner = Lists(OLD, NEW)
    remember = RememberModels(inner, LIFETIME, clock)
    remember.refresh_soon()
    remember.refresh_soon()
    await settle()

    assert remember.known() == OLD

    remember.refresh_soon()  # it was just fetched
    await settle()

    assert inner.fetches == 1

    clock.now += PAUSE
    remember.refresh_soon()
    await settle()

    assert remember.known() == NEW


async def test_the_list_of_another_is_forgotten_and_theirs_is_fetched(clock) -> None:
    inner = Lists(OLD, BackendUnavailable("gone"), NEW)
    answering = ["remote"]
    remember = RememberModels(inner, LIFETIME, clock, lambda: answering[0])
    assert await remember.models() == OLD

    answering[0] = "ipc"
    assert remember.known() == ()
    await settle()
    assert await remember.models() == NEW
    assert remember.known() == NEW
    assert inner.fetches == 3


async def test_a_list_is_of_whoever_answers_when_it_comes(clock) -> None:
    inner = Lists(OLD)
    answering = [""]
    remember = RememberModels(inner, LIFETIME, clock, lambda: answering[0])
    inner.gate.clear()
    waiting = asyncio.create_task(remember.models())
    await settle()
    answering[0] = "remote"
    assert remember.known() == ()
    inner.gate.set()

    assert await waiting == remember.known() == OLD
    assert inner.fetches == 1


async def test_a_chat_fetches_nothing(clock) -> None:
    inner = Lists()
    remember = RememberModels(inner, LIFETIME, clock)

    assert await hear(remember) == answer("hello")
    assert inner.fetches == 0


async def test_closing_stops_a_fetch_and_tells_who_waits(clock) -> None:
    inner = Lists(OLD)
    inner.gate.clear()
    remember = RememberModels(inner, LIFETIME, clock)
    waiting = asyncio.create_task(remember.models())
    await settle()
    await remember.aclose()

    with pytest.raises(BackendUnavailable):
        await waiting
    assert inner.fetching == 0
    assert inner.closed

    await remember.aclose()


async def test_a_bug_in_a_fetch_behind_is_reported(clock) -> None:
    reports: list[dict] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reports.append(context))
    inner = Lists(ZeroDivisionError("a bug"))
    remember = RememberModels(inner, LIFETIME, clock)
    remember.refresh_soon()
    await settle()

    assert [type(report["exception"]) for report in reports] == [ZeroDivisionError]
