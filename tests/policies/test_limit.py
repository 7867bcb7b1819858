import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from itertools import repeat

from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backend import Backend
from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.errors import BackendTimeout, TooBusy
from lingma_proxy.policies.limit import Limit
from lingma_proxy.policies.places import Places
from support.backends import answer, ask, hear, heard, leaves_nothing_behind, one_by_one

PATIENT = 3600.0


def limited(
    inner: Backend,
    at_once: int,
    waiting: int,
    patience: float,
    clock: Callable[[], float] = time.monotonic,
) -> Limit:
    return Limit(inner, Places(at_once, waiting, patience, clock))


async def settle() -> None:
    """Let everything that can run, run."""
    for _ in range(10):
        await asyncio.sleep(0)


def gated(gate: asyncio.Event) -> list:
    return [gate, *one_by_one(answer("hello"))]


async def test_so_many_run_and_the_rest_wait() -> None:
    gate = asyncio.Event()
    inner = Scripted(repeat(gated(gate)))
    limit = limited(inner, at_once=2, waiting=10, patience=PATIENT)
    tasks = [asyncio.create_task(hear(limit)) for _ in range(5)]
    await settle()

    assert (limit.running, limit.queued, inner.speaking) == (2, 3, 2)

    gate.set()

    assert await asyncio.gather(*tasks) == [answer("hello")] * 5
    assert (limit.running, limit.queued) == (0, 0)


async def test_turns_come_in_order() -> None:
    gate = asyncio.Event()
    inner = Scripted(repeat(gated(gate)))
    limit = limited(inner, at_once=1, waiting=10, patience=PATIENT)
    questions = [ask(str(number)) for number in range(5)]
    tasks = [asyncio.create_task(hear(limit, question)) for question in questions]
    await settle()
    gate.set()
    await asyncio.gather(*tasks)

    assert inner.requests == questions


async def test_a_newcomer_does_not_overtake_who_was_just_called() -> None:
    gate = asyncio.Event()
    inner = Scripted([answer("first"), gated(gate), gated(gate)])
    limit = limited(inner, at_once=1, waiting=10, patience=PATIENT)
    async with aclosing(limit.reply(ask("first"))) as first:
        await anext(first)
        second = asyncio.create_task(hear(limit, ask("second")))
        await settle()
    third = asyncio.create_task(hear(limit, ask("third")))
    await settle()
    gate.set()
    await asyncio.gather(second, third)

    assert inner.requests == [ask("first"), ask("second"), ask("third")]


async def test_a_full_queue_is_too_busy_and_says_when_to_come_again() -> None:
    gate = asyncio.Event()
    limit = limited(Scripted(repeat(gated(gate))), at_once=1, waiting=1, patience=PATIENT)
    tasks = [asyncio.create_task(hear(limit)) for _ in range(2)]
    await settle()

    events, error = await heard(limit)

    assert events == []
    assert isinstance(error, TooBusy)
    assert error.retry_after is not None
    assert error.retry_after >= 1

    gate.set()
    await asyncio.gather(*tasks)


async def test_patience_ends_and_the_place_in_the_queue_is_given_up() -> None:
    gate = asyncio.Event()
    limit = limited(Scripted(repeat(gated(gate))), at_once=1, waiting=1, patience=0.01)
    first = asyncio.create_task(hear(limit))
    await settle()

    _, error = await heard(limit)

    assert isinstance(error, TooBusy)
    assert (limit.running, limit.queued) == (1, 0)

    gate.set()
    await first

    assert limit.running == 0


async def test_the_estimate_follows_what_replies_take() -> None:
    now = 0.0
    gate = asyncio.Event()
    limit = limited(
        Scripted([*[answer("quick")] * 50, gated(gate)]), 1, 0, PATIENT, clock=lambda: now
    )
    for _ in range(50):
        async with aclosing(limit.reply(ask())) as events:
            await anext(events)
            now += 30.0
    holding = asyncio.create_task(hear(limit))
    await settle()

    _, error = await heard(limit)

    assert isinstance(error, TooBusy)
    assert error.retry_after == 30

    gate.set()
    await holding


async def test_who_stops_waiting_frees_the_queue() -> None:
    gate = asyncio.Event()
    limit = limited(Scripted(repeat(gated(gate))), at_once=1, waiting=2, patience=PATIENT)
    first, second, third = (asyncio.create_task(hear(limit)) for _ in range(3))
    await settle()
    second.cancel()
    await settle()

    assert (limit.running, limit.queued) == (1, 1)

    gate.set()

    assert await first == await third == answer("hello")
    assert limit.running == 0


async def test_a_turn_that_comes_as_its_owner_leaves_goes_to_the_next() -> None:
    gate = asyncio.Event()
    limit = limited(Scripted(repeat(gated(gate))), at_once=1, waiting=2, patience=PATIENT)
    first = limit.reply(ask())
    opened = asyncio.create_task(anext(first))
    await settle()
    second, third = (asyncio.create_task(hear(limit)) for _ in range(2))
    await settle()
    opened.cancel()
    await asyncio.wait([opened])  # the second has its turn now, but has not run yet
    second.cancel()
    await settle()

    assert second.cancelled()
    assert (limit.running, limit.queued) == (1, 0)

    gate.set()

    assert await third == answer("hello")
    assert limit.running == 0


async def test_a_failure_gives_the_place_back() -> None:
    limit = limited(Scripted([BackendTimeout("silence"), answer("hello")]), 1, 0, PATIENT)

    _, error = await heard(limit)

    assert isinstance(error, BackendTimeout)
    assert await hear(limit) == answer("hello")


async def test_the_limit_may_grow_while_requests_wait() -> None:
    gate = asyncio.Event()
    inner = Scripted(repeat(gated(gate)))
    limit = limited(inner, at_once=1, waiting=10, patience=PATIENT)
    tasks = [asyncio.create_task(hear(limit)) for _ in range(4)]
    await settle()
    limit.places.at_once = 3
    await settle()

    assert (limit.places.at_once, limit.running, limit.queued) == (3, 3, 1)

    gate.set()
    await asyncio.gather(*tasks)


async def test_the_limit_may_shrink_while_replies_run() -> None:
    gate, last = asyncio.Event(), asyncio.Event()
    inner = Scripted([gated(gate), gated(last), gated(last)])
    limit = limited(inner, at_once=2, waiting=10, patience=PATIENT)
    tasks = [asyncio.create_task(hear(limit)) for _ in range(3)]
    await settle()
    limit.places.at_once = 1
    gate.set()
    await settle()

    assert (limit.running, limit.queued) == (1, 1)

    last.set()
    await asyncio.gather(*tasks)


async def test_hanging_up_at_any_point_leaves_nothing_behind() -> None:
    script = one_by_one(answer("hello", "you"))
    limits: list[Limit] = []

    def policy(inner):
        limits.append(limited(inner, 1, 0, PATIENT))
        return limits[-1]

    await leaves_nothing_behind(policy, ask(), script)

    assert len(limits) > len(script)
    assert all(limit.running == 0 for limit in limits)


@given(
    st.integers(1, 3),
    st.lists(st.sampled_from(["ask", "finish", "hang up", "turn", "grow", "shrink"]), max_size=40),
    st.randoms(use_true_random=False),
)
def test_in_any_weather_no_place_is_lost_or_made_up(at_once, weather, chance) -> None:
    async def story() -> None:
        gates: list[asyncio.Event] = []

        def scripts():
            while True:
                gates.append(asyncio.Event())
                yield gated(gates[-1])

        inner = Scripted(scripts())
        limit = limited(inner, at_once, 3, PATIENT)
        tasks: list[asyncio.Task] = []
        for what in weather:
            match what:
                case "ask":
                    tasks.append(asyncio.create_task(heard(limit)))
                case "finish" if gates:
                    chance.choice(gates).set()
                case "hang up" if tasks:
                    chance.choice(tasks).cancel()
                case "grow":
                    limit.places.at_once += 1
                case "shrink":
                    limit.places.at_once = max(1, limit.places.at_once - 1)
                case _:
                    await asyncio.sleep(0)
            assert limit.queued == 0 or limit.running >= limit.places.at_once
        await settle()

        assert limit.running == inner.speaking

        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

        assert (limit.running, limit.queued, inner.speaking) == (0, 0, 0)

    asyncio.run(story())
