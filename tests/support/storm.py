"""A storm: many clients at once, and everything that can go wrong waits for them.

Each asks for something, and hears it to the end, or leaves at some point in some way.
Nothing may be left of it afterwards, and who asks then is answered.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import TypeAlias

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator.plugin import Plugin
from lingma_proxy.simulator.remote import Simulator
from support.raw import client, post
from support.remains import nothing_more_than, remains
from support.served import DIALECTS, MESSAGES, Served

AT_ONCE = 40

Asking: TypeAlias = tuple[str, JsonObject]
"""A path, and what is posted there."""


def anything(dice: Random) -> Asking:
    path, body = dice.choice([*DIALECTS.items()])
    return path, {**body, "stream": dice.random() < 0.7}


async def storm(
    served: Served,
    simulator: Simulator | Plugin,
    faults: Sequence[str],
    dice: Random,
    *,
    waves: int,
    asks: Callable[[Random], Asking] = anything,
    at_once: int = AT_ONCE,
) -> Counter[str]:
    """How often it came to what: `HTTP/1.1 200` and the like, or `left`."""
    before = remains(served)
    outcomes: Counter[str] = Counter()
    for _ in range(waves):
        for fault in faults:
            simulator.next(*[fault] * (dice.random() < 0.8))  # or none, for a change
        async with asyncio.timeout(60):
            clients = (_weather(served.port, dice, asks, outcomes) for _ in range(at_once))
            await asyncio.gather(*clients)

    await nothing_more_than(before, served)
    simulator._next.clear()
    answer, _ = await served.post("/v1/messages", MESSAGES)
    assert answer.status == 200
    return outcomes


async def _weather(
    port: int, dice: Random, asks: Callable[[Random], Asking], outcomes: Counter[str]
) -> None:
    path, body = asks(dice)
    leaves_after = dice.choice([None, None, 0, 1, 300, 2000])
    async with client(port) as asking:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await asking.say(post(path, body))
            if leaves_after is None:
                outcomes[(await asking.hear())[:12].decode()] += 1
                return
            await asking.reader.readexactly(leaves_after)
            dice.choice([asking.leave, asking.vanish, asking.half_close])()
            outcomes["left"] += 1
