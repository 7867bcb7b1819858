"""The vendor's answer broken off after byte 0, 1, 2, …: through the whole program.

Whatever the place, a client of each dialect hears the right thing: the whole answer if
the cut came after its end, else an error, once; and nothing of the attempt is left.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import islice

import pytest

from lingma_proxy.gateway import remote
from lingma_proxy.jsonio import JsonObject, loads
from lingma_proxy.settings import Settings
from lingma_proxy.simulator.remote import Simulator
from support.cuts import walk
from support.heard import heard
from support.served import DIALECTS, Served, serving
from support.simulated import simulated

ANSWER: list[str | JsonObject] = [{"reasoning_content": "Hm. "}, "Grüße, ", "世界"]
SPOKEN: list[str | JsonObject] = ["Grüße, ", "世界"]
FEWER = 53
AT_ONCE = 8
WALKS = [(fault, path) for fault in ("cut", "end", "reset") for path in DIALECTS]
WHOLE = [*DIALECTS]


async def ask(served: Served, path: str, asked: str, *, stream: bool) -> tuple[int, bytes]:
    said = (
        {"input": asked}
        if path == "/v1/responses"
        else {"messages": [{"role": "user", "content": asked}]}
    )
    answer, data = await served.post(path, {**DIALECTS[path], **said, "stream": stream})
    return answer.status, data


async def cut_everywhere(
    fault: str, path: str, part: int, *, stream: bool, stride: int = 1
) -> AsyncGenerator[tuple[int, int, bytes], None]:
    """Where it was broken off, the status, and what was heard, for one walk of four."""
    async with Simulator(remember=2 * AT_ONCE) as simulator:
        settings = Settings(remote_base_url=simulator.url, cache_dir=str(simulator.home))
        async with serving(remote(settings).backend) as served:
            simulator.say(ANSWER)
            await ask(served, path, "Hi", stream=False)
            length = simulator.requests[-1].written
            places = iter(walk(length + 3, part, len(DIALECTS), stride))
            while some := list(islice(places, AT_ONCE)):
                for _ in range(2 * AT_ONCE):  # a connection that was closed is tried once more
                    simulator.say(ANSWER)
                asked = (ask(served, path, f"SIMULATE: {fault}={at}", stream=stream) for at in some)
                for at, (status, data) in zip(some, await asyncio.gather(*asked), strict=True):
                    yield at, status, data
                simulator._answers.clear()
            assert served.gateway.limit.running == 0


def part_of(fault: str, path: str) -> int:
    """Each dialect has another part of each fault; together they visit every byte of it."""
    return (WALKS.index((fault, path)) + len(fault)) % len(DIALECTS)


@pytest.mark.parametrize(("fault", "path"), WALKS)
async def test_a_cut_anywhere_is_an_error_and_never_half_an_answer(fault, path):
    outcomes = set()
    async with aclosing(cut_everywhere(fault, path, part_of(fault, path), stream=True)) as walked:
        async for at, status, data in walked:
            result = heard(path, status, data)

            complete = result.text == "Grüße, 世界" and not result.errors
            assert result.ended == 1, (at, data)
            assert result.errors == (0 if complete else 1), (at, data)
            assert "Grüße, 世界".startswith(result.text), (at, data)
            outcomes.add((result.status, complete))

    assert {status for status, _ in outcomes} <= {200, 502, 503}
    assert (200, True) in outcomes
    assert (200, False) in outcomes
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("path", DIALECTS)
async def test_unstreamed_a_cut_is_a_status(path):
    fault = ("cut", "end", "cut", "reset")[WHOLE.index(path)]
    statuses = set()
    walked = cut_everywhere(fault, path, WHOLE.index(path), stream=False, stride=3)
    async with aclosing(walked):
        async for at, status, data in walked:
            statuses.add(status)
            if status == 200:  # what came after the finish reason is not missed
                assert "Grüße, 世界".encode() in data, at
            else:
                assert loads(data)["error"], at
                assert "Grüße".encode() not in data, at

    assert 200 in statuses
    assert {502, 503} & statuses
    assert statuses <= {200, 502, 503}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_with_fallback_only_what_was_half_said_is_an_error(path, stream):
    outcomes = set()
    async with simulated(remote_fallback_enabled=True) as (served, simulator):
        simulator.say(SPOKEN)
        await ask(served, path, "Hi", stream=stream)
        for at in walk(simulator.requests[-1].written, 0, 1, FEWER):
            for fault in (f"cut={at}", ""):  # a model that fails too often would not be asked
                simulator.next(*[fault] * bool(fault))
                for _ in range(2):
                    simulator.say(SPOKEN)
                status, data = await ask(served, path, "Hi", stream=stream)
                simulator._answers.clear()
                simulator._next.clear()

                assert status == 200, (at, data)
                if not stream:
                    assert "Grüße, 世界".encode() in data, at
                    continue
                result = heard(path, status, data)
                assert result.ended == 1, (at, data)
                if result.errors or not fault:
                    assert result.text, (at, data)
                if not result.errors:
                    assert result.text == "Grüße, 世界", (at, data)
                outcomes.add((fault != "", result.errors))

    assert outcomes == ({(True, 0), (True, 1), (False, 0)} if stream else set())
