"""Clients that hang up at every stage, or stay and take nothing."""

import asyncio
import logging
from contextlib import AsyncExitStack, suppress

import pytest

from lingma_proxy.jsonio import loads
from lingma_proxy.simulator.remote import Simulator
from lingma_proxy.simulator.seen import Outcome
from support.raw import Client, client, post
from support.remains import nothing_more_than, remains
from support.served import CHAT, MESSAGES, Served
from support.simulated import simulated

KINDS = {
    "chat": ("/v1/chat/completions", CHAT),
    "chat, streamed": ("/v1/chat/completions", {**CHAT, "stream": True}),
    "chat, three at once": ("/v1/chat/completions", {**CHAT, "n": 3, "stream": True}),
    "messages": ("/v1/messages", MESSAGES),
    "messages, streamed": ("/v1/messages", {**MESSAGES, "stream": True}),
}
WAYS = {"leave": Client.leave, "vanish": Client.vanish, "half_close": Client.half_close}
SLOTS = 8


async def warmed_up(served: Served) -> None:
    """As many connections as there will ever be."""

    async def ask() -> None:
        async with client(served.port) as asking:
            await asking.say(post("/v1/messages", MESSAGES))
            await asking.hear()

    await asyncio.gather(*(ask() for _ in range(2 * SLOTS)))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_at_every_stage_nothing_is_left_and_nothing_is_news(kind, way, caplog):
    request = post(*kind)
    async with simulated(Simulator(pace=0.001), max_queue=1000) as (served, _):
        await warmed_up(served)
        before = remains(served)

        async def leaves_after(said: int, heard: int) -> None:
            async with client(served.port) as leaving:
                with suppress(ConnectionError, asyncio.IncompleteReadError):
                    await leaving.say(request[:said])
                    await leaving.reader.readexactly(heard)
                    way(leaving)
                    await asyncio.sleep(0.001)

        for said in (0, 1, 50, len(request) // 2, len(request) - 1):
            await leaves_after(said, 0)
        for heard in [*range(0, 1000, 97), *range(1000, 6000, 997)]:
            await leaves_after(len(request), heard)

        await nothing_more_than(before, served)
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("fault", ["hang", "hang-first", "stall"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
async def test_whoever_leaves_stops_the_vendor_wherever_it_is(kind, fault):
    path, body = kind
    async with simulated() as (served, simulator):
        times = body.get("n", 1)
        simulator.next(fault, times=times)
        async with client(served.port) as leaving:
            await leaving.say(post(path, body))
            await simulator.arrived(times + 1)  # the list of models was the first
            asked = [seen for seen in simulator.requests if seen.route == "chat"]
            if fault == "stall" and body.get("stream"):
                await leaving.reader.readuntil(b"data: ")
            leaving.leave()
            async with asyncio.timeout(5):
                for seen in asked:
                    await seen.over.wait()

        assert [seen.outcome for seen in asked] == [Outcome.ABANDONED] * times


async def test_whoever_leaves_the_queue_makes_room():
    async with simulated(max_concurrent=SLOTS) as (served, simulator):
        await warmed_up(served)
        before = remains(served)
        limit = served.gateway.limit
        simulator.always("hang")
        async with AsyncExitStack() as stack:
            waiting = [
                await stack.enter_async_context(client(served.port)) for _ in range(3 * SLOTS)
            ]
            for each in waiting:
                await each.say(post("/v1/messages", MESSAGES))
            async with asyncio.timeout(10):
                while (limit.running, limit.queued) != (SLOTS, 2 * SLOTS):
                    await asyncio.sleep(0.01)

                for each in waiting[::2]:
                    each.vanish()
                while (limit.running, limit.queued) != (SLOTS, SLOTS // 2):
                    await asyncio.sleep(0.01)

        await nothing_more_than(before, served)


async def test_a_client_that_stops_reading_slows_only_itself():
    large = {"role": "user", "content": "SIMULATE: words=200000"}
    request = {**MESSAGES, "max_tokens": 10**6, "stream": True, "messages": [large]}
    async with simulated() as (served, simulator):
        await warmed_up(served)
        before = remains(served)
        async with client(served.port, buffer=4096) as stalled:
            await stalled.say(post("/v1/messages", request))
            await stalled.reader.readexactly(1000)
            seen = simulator.requests[-1]
            written = -1
            while written != seen.written:  # until the vendor, too, has to wait
                written = seen.written
                await asyncio.sleep(0.2)

            answer, _ = await served.post("/v1/messages", MESSAGES)

            assert answer.status == 200
            assert not seen.over.is_set()
        await nothing_more_than(before, served)
    assert seen.outcome is Outcome.ABANDONED


async def test_requests_in_a_row_are_answered_in_a_row():
    ask = post("/v1/messages", MESSAGES, Connection="keep-alive")
    async with simulated() as (served, _):
        async with client(served.port) as asking:
            await asking.say(ask * 4 + post("/nowhere", {}))
            heard = await asking.hear()

    assert heard.count(b"HTTP/1.1 200 OK") == 4
    assert heard.rindex(b"HTTP/1.1 200 OK") < heard.index(b"HTTP/1.1 404 Not Found")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_of_the_last_century_is_answered(stream):
    body = {**CHAT, "stream": stream}
    async with simulated() as (served, _):
        async with client(served.port) as asking:
            await asking.say(post("/v1/chat/completions", body, version="1.0"))
            head, _, said = (await asking.hear()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.0 200 OK")
    assert b"chunked" not in head
    assert said.endswith(b"data: [DONE]\n\n") if stream else loads(said)["choices"]
