import asyncio
import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.notes import ExchangeNotes
from lingma_proxy.errors import TooBusy
from lingma_proxy.policies.places import FIRST_GUESS, Load, Places
from support.backends import ask

PATIENT = 3600.0


async def settle() -> None:
    """Let everything that can run, run."""
    for _ in range(5):
        await asyncio.sleep(0)


class Crowd:
    """Requests that want places, and what became of them."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.served: list[str] = []
        """Whose requests have got a place, in order."""
        self.refused: list[tuple[str, TooBusy]] = []
        self.inside: dict[asyncio.Event, str] = {}
        """What lets those out that have a place."""
        self.tasks: list[asyncio.Task[None]] = []

    async def come(self, *clients: str) -> None:
        for client in clients:
            self.tasks.append(asyncio.create_task(self._stay(client)))
            await settle()

    async def go(self, number: int = 1) -> None:
        """Those go who have been in for longest."""
        for _ in range(number):
            next(iter(self.inside)).set()
            await settle()

    async def go_all(self) -> None:
        while self.inside:
            await self.go()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _stay(self, client: str) -> None:
        out = asyncio.Event()
        try:
            async with self.places.taken(replace(ask(), client=client)):
                self.served.append(client)
                self.inside[out] = client
                try:
                    await out.wait()
                finally:
                    del self.inside[out]
        except TooBusy as error:
            self.refused.append((client, error))


def crowd(at_once: int = 1, waiting: int = 1000, patience: float = PATIENT) -> Crowd:
    return Crowd(Places(at_once, waiting, patience))


async def test_many_requests_of_one_client_delay_another_one_by_one_place() -> None:
    one = crowd()
    await one.come(*["greedy"] * 500, "modest")
    await one.go(3)

    assert one.served == ["greedy", "greedy", "modest", "greedy"]

    await one.go_all()


async def test_clients_take_turns() -> None:
    one = crowd()
    await one.come("a", "a", "a", "b", "b", "", "b")
    await one.go_all()

    assert one.served == ["a", "a", "b", "", "a", "b", "b"]


async def test_who_has_the_fewest_running_is_next() -> None:
    one = crowd(at_once=3)
    await one.come("a", "b", "b", "b", "a")
    assert one.places.by_client() == {"a": Load(1, 1), "b": Load(2, 1)}
    one.places.at_once = 4
    await settle()

    assert one.served == ["a", "b", "b", "a"]

    await one.go_all()


async def test_requests_of_one_client_come_in_order() -> None:
    places = Places(1, 1000, PATIENT)
    order: list[int] = []

    async def stay(number: int) -> None:
        async with places.taken(ask()):
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(stay(number) for number in range(20)))

    assert order == list(range(20))


async def test_a_full_queue_makes_room_for_who_has_less_in_it() -> None:
    one = crowd(waiting=3)
    await one.come("greedy", "greedy", "greedy", "greedy", "modest")

    assert [client for client, _ in one.refused] == ["greedy"]
    assert one.places.by_client() == {"greedy": Load(1, 2), "modest": Load(0, 1)}
    assert "asked for less" in one.refused[0][1].message

    await one.go_all()

    assert one.served == ["greedy", "greedy", "modest", "greedy"]  # the newest was pushed out


async def test_a_full_queue_is_full_for_equals() -> None:
    one = crowd(waiting=2)
    await one.come("a", "a", "a", "b", "b", "c")

    # b has taken one place of a's two; then neither b nor c has so much less than the others.
    assert [client for client, _ in one.refused] == ["a", "b", "c"]

    await one.go_all()


async def test_without_a_queue_nobody_is_pushed_out() -> None:
    one = crowd(waiting=0)
    await one.come("a", "b")

    assert [client for client, _ in one.refused] == ["b"]

    await one.go_all()


async def test_the_estimate_is_of_this_clients_turn() -> None:
    one = crowd(waiting=20)
    await one.come(*["greedy"] * 11, *["modest"] * 10)
    await one.come("new", "modest")  # the new one pushes out a greedy one
    (first, pushed), (second, full) = one.refused

    assert (first, second) == ("greedy", "modest")
    # Ten wait, and one was pushed out: it would come after 9 of its own, 10 and 1 others.
    assert pushed.retry_after == FIRST_GUESS * (9 + 10 + 1 + 1)
    assert full.retry_after == FIRST_GUESS * (10 + 9 + 1 + 1)
    assert "(max_concurrent)" in full.message

    await one.go_all()


@pytest.mark.parametrize("patience", [0.01, PATIENT])
async def test_the_wait_is_noted(patience) -> None:
    now = 0.0
    places = Places(1, 1, patience, clock=lambda: now)
    notes = ExchangeNotes("req-1", "POST", "/", 0.0)

    async def wait() -> None:
        async with places.taken(replace(ask(), notes=notes)):
            pass

    await wait()
    assert notes.queued == 0

    async with places.taken(ask()):
        waiting = asyncio.create_task(wait())
        await settle()
        now = 3.0
        if patience != PATIENT:
            await asyncio.wait([waiting])
    await asyncio.wait([waiting])

    assert notes.queued == 3
    assert isinstance(waiting.exception(), TooBusy) == (patience != PATIENT)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.sampled_from(["a", "b", "c", ""])),
        st.tuples(st.sampled_from(["go", "cancel", "settle", "grow", "shrink"]), st.just("")),
    ),
    max_size=60,
)


@given(
    st.integers(1, 3),
    st.sampled_from([0, 2, 5]),
    st.sampled_from([0.0, PATIENT]),
    STEPS,
    st.randoms(use_true_random=False),
)
def test_in_any_weather_places_are_neither_lost_nor_left_free(
    at_once, waiting, patience, steps, chance
) -> None:
    async def story() -> None:
        one = crowd(at_once, waiting, patience)
        places = one.places
        most = at_once
        for what, client in steps:
            match what:
                case "come":
                    one.tasks.append(asyncio.create_task(one._stay(client)))
                case "go" if one.inside:
                    chance.choice(list(one.inside)).set()
                case "cancel" if one.tasks:
                    chance.choice(one.tasks).cancel()
                case "grow":
                    places.at_once += 1
                case "shrink":
                    places.at_once = max(1, places.at_once - 1)
                case _:
                    await asyncio.sleep(0)
            most = max(most, places.at_once)
            assert places.running <= most
            assert places.queued <= waiting
            assert places.queued == 0 or places.running >= places.at_once
            loads = places.by_client().values()
            assert sum(load.running for load in loads) == places.running
            assert sum(load.queued for load in loads) == places.queued
        for task in one.tasks:
            task.cancel()
        if one.tasks:
            await asyncio.wait(one.tasks)

        assert (places.running, places.queued, places.by_client()) == (0, 0, {})

    asyncio.run(story())


@given(
    st.integers(1, 3),
    st.lists(st.one_of(st.sampled_from("abcd"), st.none()), max_size=60),
    st.randoms(use_true_random=False),
)
def test_nobody_starves(at_once, steps, chance) -> None:
    """A place goes to who has the fewest; who has as few is passed over once by each other."""

    async def story() -> None:
        one = crowd(at_once)
        passed: dict[str, Counter[str]] = {}
        for step in steps:
            if step is not None:
                await one.come(step)
            elif one.inside:
                before = one.places.by_client()
                gone = chance.choice(list(one.inside))
                whose, served = one.inside[gone], len(one.served)
                gone.set()
                await settle()
                waited = [client for client in before if before[client].queued]
                assert len(one.served) == served + bool(waited)
                for next_one in one.served[served:]:
                    running = {c: before[c].running - (c == whose) for c in waited}
                    assert running[next_one] == min(running.values())
                    for other in waited:
                        if other != next_one and running[other] == running[next_one]:
                            passed.setdefault(other, Counter())[next_one] += 1
                            assert passed[other][next_one] <= 1
                    passed.pop(next_one, None)
            for client in [c for c in passed if not one.places.by_client()[c].queued]:
                del passed[client]
        await one.go_all()
        assert one.places.by_client() == {}

    asyncio.run(story())


async def test_a_hundred_that_come_and_go_as_they_like_leave_nothing_behind() -> None:
    dice = random.Random(5)
    places = Places(4, 20, PATIENT)
    inside = 0

    async def stay(number: int) -> None:
        nonlocal inside
        async with places.taken(replace(ask(), client=str(number % 7))):
            inside += 1
            assert inside <= 4
            try:
                for _ in range(dice.randrange(10)):
                    await asyncio.sleep(0)
            finally:
                inside -= 1

    tasks: list[asyncio.Task[None]] = []
    for number in range(1000):
        tasks.append(asyncio.create_task(stay(number)))
        if dice.random() < 0.3:
            dice.choice(tasks[-100:]).cancel()
        if dice.random() < 0.3:
            await asyncio.sleep(0)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} <= {
        type(None),
        TooBusy,
        asyncio.CancelledError,
    }
    assert (places.running, places.queued, places.by_client()) == (0, 0, {})
