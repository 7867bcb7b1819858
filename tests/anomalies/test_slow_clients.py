"""Clients that are slow, and connections that go on after an error.

A byte a second is a byte in ten milliseconds here: what counts is that the buffers, which are
small, are full all the time.
"""

import asyncio
from io import BytesIO

import aiohttp
import pytest

from lingma_proxy.simulator.remote import Simulator
from lingma_proxy.simulator.seen import Outcome
from support.raw import Client, client, post
from support.remains import nothing_more_than, remains
from support.served import CHAT, DIALECTS, MESSAGES
from support.simulated import simulated

A_BYTE_IN = 0.01
LARGE = {"role": "user", "content": "SIMULATE: words=100000"}
ENDLESS = {"model": "kmodel", "max_tokens": 10**6, "stream": True, "messages": [LARGE]}
"""Tens of megabytes: no buffer takes them."""


async def reads_by_bytes(slow: Client, heard: bytearray) -> None:
    while piece := await slow.reader.read(1):
        heard += piece
        await asyncio.sleep(A_BYTE_IN)


async def test_who_reads_by_bytes_slows_the_vendor_and_nobody_else():
    async with simulated() as (served, simulator):
        await served.post("/v1/messages", MESSAGES)
        before = remains(served)
        heard = bytearray()
        async with client(served.port, buffer=4096) as slow:
            await slow.say(post("/v1/messages", ENDLESS))
            reading = asyncio.create_task(reads_by_bytes(slow, heard))
            seen = await simulator.arrived(3)  # the list of models, the first one, and this
            others = [await served.post("/v1/messages", MESSAGES) for _ in range(20)]
            written = -1
            while written != seen.written:  # until all the buffers are full
                written = seen.written
                await asyncio.sleep(50 * A_BYTE_IN)
            reading.cancel()
            await asyncio.wait([reading])

            assert {answer.status for answer, _ in others} == {200}
            assert not seen.over.is_set()
            assert heard.startswith(b"HTTP/1.1 200")
        await nothing_more_than(before, served)
    assert seen.outcome is Outcome.ABANDONED


async def test_who_reads_by_bytes_does_not_keep_the_server_from_stopping():
    async with asyncio.timeout(20):
        async with simulated(shutdown_grace=0.2) as (served, simulator):
            async with client(served.port, buffer=4096) as slow:
                heard = bytearray()
                await slow.say(post("/v1/messages", ENDLESS))
                reading = asyncio.create_task(reads_by_bytes(slow, heard))
                while not heard:
                    await asyncio.sleep(A_BYTE_IN)
                await served.server.stop()
                seen = simulator.requests[-1]
                await seen.over.wait()
                reading.cancel()
                await asyncio.wait([reading])

    assert seen.outcome is Outcome.ABANDONED


@pytest.mark.parametrize("path", DIALECTS)
async def test_who_writes_by_bytes_is_answered_in_the_end_and_others_meanwhile(path):
    request = post(path, DIALECTS[path])
    async with simulated() as (served, _):
        await served.post("/v1/messages", MESSAGES)
        before = remains(served)
        async with client(served.port) as slow:
            for at in range(len(request)):
                if at % 50 == 0:
                    answer, _ = await served.post("/v1/messages", MESSAGES)
                    assert answer.status == 200
                assert served.gateway.limit.running == 0  # who is still asking takes no place
                await slow.say(request[at : at + 1])
                await asyncio.sleep(A_BYTE_IN / 10)
            said = await slow.hear()

        assert said.startswith(b"HTTP/1.1 200 OK")
        await nothing_more_than(before, served)


ERRORS = {
    "not JSON": ("/v1/messages", b"{", "", 400),
    "no route": ("/nowhere", b"{}", "", 404),
    "no such model": ("/v1/chat/completions", {**CHAT, "model": "nobody"}, "", 404),
    "no messages": ("/v1/chat/completions", {"model": "kmodel"}, "", 400),
    "quota": ("/v1/messages", MESSAGES, "quota", 429),
    "failed": ("/v1/chat/completions", CHAT, "status=500", 502),
    "dropped": ("/v1/chat/completions", CHAT, "drop", 503),
    "silent": ("/v1/messages", MESSAGES, "hang", 504),
    "broken off": ("/v1/chat/completions", {**CHAT, "stream": True}, "error-after", 200),
    "cut": ("/v1/messages", {**MESSAGES, "stream": True}, "cut-line", 200),
}


@pytest.mark.parametrize(("path", "body", "fault", "status"), ERRORS.values(), ids=ERRORS)
async def test_after_an_error_the_connection_goes_on(path, body, fault, status):
    made = 0

    async def count(*_) -> None:
        nonlocal made
        made += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(count)
    async with simulated(first_byte_timeout=0.3) as (served, simulator):
        await served.get("/v1/models")  # so that it is known which there are
        async with aiohttp.ClientSession(trace_configs=[trace]) as session:
            served.session, before = session, served.session
            try:
                for _ in range(3):
                    simulator.next(*[fault] * bool(fault), times=4 if fault else 0)
                    if isinstance(body, bytes):
                        async with session.post(served.url + path, data=BytesIO(body)) as answer:
                            await answer.read()
                    else:
                        answer, _ = await served.post(path, body)
                    assert answer.status == status
                    simulator._next.clear()
                    fine, _ = await served.post("/v1/messages", MESSAGES)
                    assert fine.status == 200
            finally:
                served.session = before

    assert made == 1


@pytest.mark.parametrize("way", [Client.leave, Client.vanish])
@pytest.mark.parametrize("stream", [False, True])
async def test_who_leaves_before_the_last_byte_leaves_nothing_else(stream, way):
    request = post("/v1/messages", {**MESSAGES, "stream": stream})
    async with simulated(Simulator()) as (served, _):
        async with client(served.port) as asking:
            await asking.say(request)
            length = len(await asking.hear())
        before = remains(served)
        for missing in (1, 2, 3, 7):
            async with client(served.port) as leaving:
                await leaving.say(request)
                # A request id and a date are as long as they were.
                await leaving.reader.readexactly(length - missing)
                way(leaving)
        await nothing_more_than(before, served)
