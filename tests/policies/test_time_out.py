"""In a loop where waiting takes no time, so that limits can be tested to the second."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backend import EventStream
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import Event
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import BackendTimeout, NotLoggedIn
from lingma_proxy.policies.time_out import TimeOut
from support.backends import answer, ask, hands_on, heard, one_by_one
from support.instant import in_no_time

STEPS = one_by_one(answer("hello", "you"))
"""Eight batches: the start, two parts of three events, the end."""


def now() -> float:
    return asyncio.get_running_loop().time()


class Slow(Scripted):
    """Waits so many seconds before each batch; `signs` of life come so many seconds in each."""

    def __init__(self, *waits: float, signs: Sequence[float] = ()) -> None:
        super().__init__([STEPS])
        self.waits = waits
        self.signs = signs

    async def reply(self, request: ChatRequest) -> EventStream:
        loop = asyncio.get_running_loop()
        waits = iter(self.waits)
        async with aclosing(super().reply(request)) as events:
            async for batch in events:
                for at in self.signs:
                    assert request.alive is not None
                    loop.call_later(at, request.alive)
                await asyncio.sleep(next(waits, 0))
                yield batch


def outcome(inner, first=0.0, idle=0.0, whole=0.0) -> tuple[int, BaseException | None, float]:
    """How many batches came, the error if any, and when it was over."""

    async def story() -> tuple[int, BaseException | None, float]:
        events, error = await heard(TimeOut(inner, first, idle, whole, lambda: "Somebody"))
        assert inner.speaking == 0
        return len(events), error, now()

    return in_no_time(story())


async def test_without_limits_it_costs_nothing() -> None:
    assert await hands_on(lambda inner: TimeOut(inner, 0, 0, 0), ask())


@pytest.mark.parametrize(
    ("waits", "limits", "came", "when", "says"),
    [
        ((9, 4, 4), {"first": 10, "idle": 5}, 8, 17, ""),
        ((11,), {"first": 10}, 0, 10, "Somebody said nothing for 10 seconds (first_byte_timeout)."),
        ((100, 100), {"first": 0, "idle": 150}, 8, 200, ""),
        ((9, 6), {"first": 10, "idle": 5}, 1, 14, "fell silent for 5 seconds (idle_timeout)."),
        ((9, 4, 6), {"first": 10, "idle": 5}, 2, 18, "(idle_timeout)."),
        ((9, 4, 4), {"first": 10, "idle": 5, "whole": 15}, 2, 15, "than 15 seconds to answer ("),
        ((20,), {"whole": 15}, 0, 15, "(timeout)."),
        ((20,), {"first": 10, "whole": 15}, 0, 10, "(first_byte_timeout)."),
        ((3, 3, 3, 3, 3, 3, 3, 3), {"first": 4, "idle": 4, "whole": 24.5}, 8, 24, ""),
        ((3, 30), {"first": 4}, 8, 33, ""),
    ],
)
def test_each_wait_has_its_limit(waits, limits, came, when, says) -> None:
    batches, error, over = outcome(Slow(*waits), **limits)

    assert (batches, over) == (came, when)
    assert isinstance(error, BackendTimeout) == bool(says)
    assert says in str(error)


def test_a_sign_of_life_begins_the_wait_anew() -> None:
    batches, error, over = outcome(Slow(14, 14, signs=[6, 9]), first=8, idle=8)
    assert (batches, error, over) == (8, None, 28)

    batches, error, over = outcome(Slow(14, 18, signs=[6, 9]), first=8, idle=8)
    assert (batches, over) == (1, 14 + 9 + 8)
    assert isinstance(error, BackendTimeout)

    batches, error, over = outcome(Slow(14, signs=[6, 9]), first=8, whole=10)
    assert (batches, over) == (0, 10)
    assert isinstance(error, BackendTimeout)


def test_a_slow_listener_is_not_silence() -> None:
    async def story() -> tuple[int, float]:
        inner = Slow(4, 4, 4)
        count = 0
        async with aclosing(TimeOut(inner, 5, 5, 13).reply(ask())) as events:
            async for _ in events:
                count += 1
                await asyncio.sleep(60)
        return count, now()

    assert in_no_time(story()) == (8, 12 + 8 * 60)


def test_who_listens_slowly_may_wait_as_long_afterwards() -> None:
    async def story() -> tuple[int, float]:
        count = 0
        with suppress(BackendTimeout):
            async with aclosing(TimeOut(Slow(1, 1, 9), 5, 5, 0).reply(ask())) as events:
                async for _ in events:
                    count += 1
                    await asyncio.sleep(60)
        return count, now()

    assert in_no_time(story()) == (2, 1 + 60 + 1 + 60 + 5)


def test_the_task_can_go_on_after_it() -> None:
    """The cancellation is taken back: what waits next in this task is not disturbed."""

    async def story() -> int:
        _, error = await heard(TimeOut(Slow(9), 5, 0, 0))
        assert isinstance(error, BackendTimeout)
        task = asyncio.current_task()
        assert task is not None
        async with asyncio.timeout(10):
            await asyncio.sleep(5)
        return task.cancelling()

    assert in_no_time(story()) == 0


@pytest.mark.parametrize("at", [4.0, 5.0, 6.0])
@pytest.mark.parametrize("first", ["its own", "ours"])
def test_a_real_cancellation_is_one_also_in_the_same_moment(at, first) -> None:
    async def story() -> bool:
        loop = asyncio.get_running_loop()
        inner = Slow(9)
        hearing = asyncio.create_task(heard(TimeOut(inner, 5, 0, 0)))
        if first == "its own":
            loop.call_at(at, hearing.cancel)  # timers of one moment go in order
        else:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            loop.call_at(at, hearing.cancel)
        await asyncio.wait([hearing])
        assert inner.speaking == 0
        return hearing.cancelled()

    assert in_no_time(story()) == (at <= 5)


def test_it_works_in_a_task_that_was_cancelled_before() -> None:
    async def story() -> None:
        async def stubborn() -> BaseException | None:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(100)
            return (await heard(TimeOut(Slow(9), 5, 0, 0)))[1]

        task = asyncio.create_task(stubborn())
        await asyncio.sleep(1)
        task.cancel()
        assert isinstance(await task, BackendTimeout)
        assert now() == 6

    in_no_time(story())


def test_each_wait_may_be_in_another_task() -> None:
    async def story() -> int:
        count = 0
        stream = TimeOut(Slow(4, 4, 6), 5, 5, 0).reply(ask())
        with suppress(BackendTimeout):
            while True:
                await asyncio.create_task(anext(stream))
                count += 1
        return count

    assert in_no_time(story()) == 2


class Stubborn(Scripted):
    """Does something else when it is cancelled."""

    def __init__(self, instead: Exception | None) -> None:
        super().__init__([])
        self.instead = instead

    async def reply(self, request: ChatRequest) -> EventStream:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            if self.instead is not None:
                raise self.instead from None
        events: list[Event] = []
        yield events


def test_who_goes_on_all_the_same_is_not_heard() -> None:
    batches, error, over = outcome(Stubborn(None), first=5)

    assert (batches, over) == (0, 5)
    assert isinstance(error, BackendTimeout)


def test_who_has_something_else_to_say_says_that() -> None:
    async def story() -> int:
        _, error = await heard(TimeOut(Stubborn(NotLoggedIn("log in")), 5, 0, 0))
        assert isinstance(error, NotLoggedIn)
        task = asyncio.current_task()
        return task.cancelling() if task else -1

    assert in_no_time(story()) == 0


def test_nothing_is_left_when_it_is_over() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        for batches in (0, 1, 3, 8):
            async with aclosing(TimeOut(Slow(1, 1), 5, 5, 5).reply(ask())) as events:
                for _ in range(batches):
                    await anext(events)
            scheduled = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
            assert scheduled == []

    in_no_time(story())


seconds = st.sampled_from([0.0, 1.0, 2.0, 3.0, 5.0, 8.0])


@given(
    st.lists(seconds, min_size=8, max_size=8),
    st.lists(seconds, min_size=8, max_size=8),
    seconds.map(lambda limit: limit and limit + 0.5),
    seconds.map(lambda limit: limit and limit + 0.5),
    st.sampled_from([0.0, 4.5, 16.5]),
)
def test_it_ends_exactly_when_it_should(waits, pauses, first, idle, whole) -> None:
    """`waits` are the other side's, `pauses` the listener's, and count for nothing."""

    def expected() -> tuple[int, float]:
        clock = waited = 0.0
        for number, (wait, pause) in enumerate(zip(waits, pauses, strict=True)):
            limits = [idle if number else first, whole and whole - waited]
            limit = min((limit for limit in limits if limit), default=wait)
            if limit < wait:
                return number, clock + limit
            waited += wait
            clock += wait + pause
        return 8, clock

    async def story() -> tuple[int, float]:
        count = 0
        with suppress(BackendTimeout):
            async with aclosing(TimeOut(Slow(*waits), first, idle, whole).reply(ask())) as events:
                async for _ in events:
                    await asyncio.sleep(pauses[count])
                    count += 1
        return count, now()

    assert in_no_time(story()) == expected()
