"""More than there is room for, and everything that can go wrong at the same time."""

import asyncio
import random
from collections import Counter

from lingma_proxy.jsonio import loads
from lingma_proxy.simulator.remote import Simulator
from support.served import CHAT, DIALECTS, MESSAGES, Served
from support.simulated import simulated
from support.storm import Asking, anything, storm

SLOTS = 8


async def warmed_up(served: Served) -> None:
    asked = [served.post("/v1/messages", MESSAGES) for _ in range(2 * SLOTS)]
    assert {answer.status for answer, _ in await asyncio.gather(*asked)} == {200}


def at_once(simulator: Simulator) -> int:
    """Chats that the vendor is answering now."""
    return sum(
        seen.route == "chat" and seen.answering.is_set() and not seen.over.is_set()
        for seen in simulator.requests
    )


async def test_a_hundred_clients_are_answered_by_eight_at_a_time():
    async with simulated(Simulator(pace=0.002, remember=200), max_queue=100) as (served, simulator):
        most = 0

        async def watch() -> None:
            nonlocal most
            while True:
                most = max(most, at_once(simulator))
                await asyncio.sleep(0.002)

        watching = asyncio.create_task(watch())
        asked = [
            served.post("/v1/messages", {**MESSAGES, "stream": n % 2 == 0}) for n in range(100)
        ]
        answers = await asyncio.gather(*asked)
        watching.cancel()

    assert Counter(answer.status for answer, _ in answers) == {200: 100}
    assert all(data.endswith(b"}") or b"event: message_stop" in data for _, data in answers)
    assert 1 < most <= SLOTS


async def test_who_finds_no_room_is_told_when_there_may_be():
    async with simulated(max_queue=10) as (served, simulator):
        simulator.always("hang-first")
        asking = [
            asyncio.create_task(served.post(path, {**body, "stream": n % 2 == 0}))
            for n in range(20)
            for path, body in DIALECTS.items()
        ]
        done: set[asyncio.Task] = set()
        async with asyncio.timeout(20):
            while len(done) < len(asking) - SLOTS - 10:
                done, _ = await asyncio.wait(asking, timeout=0.1)
        alive, _ = await served.get("/livez")
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    assert alive.status == 200
    for task in done:
        answer, data = task.result()
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) >= 1
        error = loads(data)["error"]
        assert isinstance(error, str) or "rate_limit" in error["type"]


FAULTS = """signature quota rate-limit status=500 error error-after drop reset cut=100 cut-line
    no-finish hang stall slow=0.05 split dribble burst long-line garbage html length interleave"""
WAITS = {"first_byte_timeout": 0.3, "idle_timeout": 0.3}


def anything_or_three(dice: random.Random) -> Asking:
    """Some want three answers, where one can want that."""
    path, body = anything(dice)
    if dice.random() < 0.1 and body.get("max_tokens") is None:
        body["n"] = 3
    return path, body


async def test_after_a_storm_everything_is_where_it_was():
    dice = random.Random(2)
    async with simulated(Simulator(pace=0.001), max_queue=500, **WAITS) as (served, simulator):
        await warmed_up(served)
        outcomes = await storm(
            served, simulator, FAULTS.split(), dice, waves=5, asks=anything_or_three
        )

    assert outcomes["HTTP/1.1 200"] > 10
    assert outcomes["HTTP/1.1 502"]
    assert outcomes["left"] > 10
    assert not outcomes["HTTP/1.1 500"]


async def test_after_a_hundred_at_once_in_a_storm_everything_is_where_it_was():
    dice = random.Random(5)
    async with simulated(Simulator(), max_queue=100, **WAITS) as (served, simulator):
        await warmed_up(served)
        outcomes = await storm(served, simulator, FAULTS.split(), dice, waves=2, at_once=100)

    assert outcomes["HTTP/1.1 200"] > 20
    assert not outcomes["HTTP/1.1 500"]


async def test_counts_of_tokens_are_answered_while_every_place_is_taken():
    count = {**CHAT, "messages": [{"role": "user", "content": "a word " * 2000}]}
    async with simulated(Simulator(pace=0.01)) as (served, _):
        streams = [
            asyncio.create_task(served.post("/v1/messages", {**MESSAGES, "stream": True}))
            for _ in range(SLOTS)
        ]
        async with asyncio.timeout(10):
            while served.gateway.limit.running < SLOTS:
                await asyncio.sleep(0.005)
        counts = await asyncio.gather(
            *(served.post("/v1/messages/count_tokens", count) for _ in range(25))
        )
        said = await asyncio.gather(*streams)

    assert {answer.status for answer, _ in counts} == {200}
    assert len({data for _, data in counts}) == 1
    assert all(b"event: message_stop" in data for _, data in said)
