import asyncio
import random
from dataclasses import replace
from itertools import repeat

import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.errors import TooBusy
from lingma_proxy.policies import limit_each
from lingma_proxy.policies.limit import Limit
from lingma_proxy.policies.limit_each import LimitEach
from lingma_proxy.policies.places import Load, Places
from support.backends import answer, ask, hands_on, hear, heard, one_by_one

PATIENT = 3600.0


async def settle() -> None:
    """Let everything that can run, run."""
    for _ in range(15):
        await asyncio.sleep(0)


def gated(gate: asyncio.Event) -> list:
    return [gate, *one_by_one(answer("hello"))]


def limits(**models: int):
    return lambda model: models.get(model, 0)


async def test_a_model_without_a_limit_costs_nothing() -> None:
    assert await hands_on(lambda inner: LimitEach(inner, limits(other=1), 1, PATIENT), ask())


async def test_each_model_has_its_own_places() -> None:
    gate = asyncio.Event()
    inner = Scripted(repeat(gated(gate)))
    each = LimitEach(inner, limits(a=1, b=2), 10, PATIENT)
    tasks = [asyncio.create_task(hear(each, ask(model=model))) for model in "aaabbbc"]
    await settle()

    assert each.by_model() == {"a": Load(1, 2), "b": Load(2, 1)}
    assert inner.speaking == 4

    gate.set()
    await asyncio.gather(*tasks)

    assert each.by_model() == {}


async def test_a_full_model_is_too_busy_and_says_which_and_what_to_set() -> None:
    gate = asyncio.Event()
    each = LimitEach(Scripted(repeat(gated(gate))), limits(kmodel=1), 0, PATIENT)
    running = asyncio.create_task(hear(each))
    await settle()
    _, error = await heard(each)

    assert isinstance(error, TooBusy)
    assert not error.retry
    assert error.retry_after == 10
    assert error.message.startswith("The model kmodel is busy: ")
    assert "model_limits" in error.message

    gate.set()
    await running


async def test_a_limit_may_change_meanwhile() -> None:
    gate = asyncio.Event()
    allowed = {"kmodel": 1}
    inner = Scripted(repeat(gated(gate)))
    each = LimitEach(inner, lambda model: allowed[model], 10, PATIENT)
    tasks = [asyncio.create_task(hear(each)) for _ in range(3)]
    await settle()
    allowed["kmodel"] = 4
    tasks.append(asyncio.create_task(hear(each)))
    await settle()

    assert inner.speaking == 4

    gate.set()
    await asyncio.gather(*tasks)


def nested(inner: Scripted, at_once: int, patience: float = PATIENT, **models: int) -> Limit:
    places = Places(at_once, 100, patience)
    return Limit(LimitEach(inner, limits(**models), 10, patience, lambda: places), places)


async def test_who_waits_for_a_full_model_does_not_hold_up_the_others() -> None:
    gate = asyncio.Event()
    inner = Scripted(repeat(gated(gate)))
    limit = nested(inner, 2, full=1)
    tasks = [asyncio.create_task(hear(limit, ask(model="full"))) for _ in range(5)]
    tasks.append(asyncio.create_task(hear(limit, ask(model="free"))))
    await settle()

    assert [request.model for request in inner.requests] == ["full", "free"]
    assert limit.running == 2

    gate.set()
    await asyncio.gather(*tasks)

    assert (limit.running, limit.queued, len(inner.requests)) == (0, 0, 6)


async def test_what_was_lent_comes_back_before_others_have_their_turn() -> None:
    gates = [asyncio.Event() for _ in range(4)]
    inner = Scripted([gated(gate) for gate in gates])
    limit = nested(inner, 2, full=1)
    models = ["full", "full", "free", "free"]
    tasks = [asyncio.create_task(hear(limit, ask(model=model))) for model in models]
    await settle()
    # The second lent its place to the third; the fourth waits for one.
    assert [request.model for request in inner.requests] == ["full", "free"]

    gates[1].set()
    await settle()
    assert [request.model for request in inner.requests] == ["full", "free", "free"]

    gates[0].set()
    await settle()
    assert [request.model for request in inner.requests] == ["full", "free", "free", "full"]

    for gate in gates:
        gate.set()
    await asyncio.gather(*tasks)
    assert (limit.running, limit.queued) == (0, 0)


async def test_who_gets_nothing_back_in_time_is_refused_and_leaves_nothing() -> None:
    gates = [asyncio.Event() for _ in range(3)]
    inner = Scripted([gated(gate) for gate in gates])
    limit = nested(inner, 1, 0.05, full=1)
    limit.places.at_once = 2
    first = asyncio.create_task(hear(limit, ask(model="full")))
    await settle()
    second = asyncio.create_task(heard(limit, ask(model="full")))
    await settle()
    others = [asyncio.create_task(heard(limit, ask(model="free"))) for _ in range(1)]
    await settle()
    limit.places.at_once = 1
    gates[0].set()  # the second has its model's place now, and no place of all
    await first
    _, error = await second

    assert isinstance(error, TooBusy)
    assert limit.running == 1

    gates[1].set()
    await asyncio.gather(*others)
    assert (limit.running, limit.queued) == (0, 0)


async def test_models_are_not_remembered_without_end(monkeypatch) -> None:
    monkeypatch.setattr(limit_each, "MOST", 3)
    each = LimitEach(Scripted(repeat(answer("hello"))), lambda _: 1, 10, PATIENT)
    for number in range(10):
        await hear(each, ask(model=str(number)))

    assert len(each._models) <= 3


@pytest.mark.parametrize("seed", range(5))
async def test_a_hundred_that_come_and_go_as_they_like_leave_nothing_behind(seed) -> None:
    dice = random.Random(seed)
    running = 0

    class Counted(Scripted):
        async def reply(self, request):
            nonlocal running
            running += 1
            assert running <= 4
            try:
                for _ in range(dice.randrange(8)):
                    await asyncio.sleep(0)
                yield answer_events
            finally:
                running -= 1

    answer_events = one_by_one(answer("hello"))[0]
    inner = Counted([])
    limit = nested(inner, 4, a=1, b=2)

    async def listen(number: int) -> None:
        request = replace(ask(model="abc"[number % 3]), client=str(number % 5))
        async for _ in limit.reply(request):
            await asyncio.sleep(0)

    tasks: list[asyncio.Task[None]] = []
    for number in range(300):
        tasks.append(asyncio.create_task(listen(number)))
        if dice.random() < 0.3:
            dice.choice(tasks[-50:]).cancel()
        if dice.random() < 0.5:
            await asyncio.sleep(0)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} <= {
        type(None),
        TooBusy,
        asyncio.CancelledError,
    }
    assert (limit.running, limit.queued, running) == (0, 0, 0)
    assert limit.places.by_client() == {}
    assert isinstance(limit.inner, LimitEach)
    assert limit.inner.by_model() == {}
