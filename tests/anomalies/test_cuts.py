"""The vendor's answer broken off after byte 0, 1, 2, …: through the whole program.

Whatever the place, a client of each dialect hears the right thing: the whole answer if
the cut came after its end, else an error, once; and nothing of the attempt is left.
"""

import asyncio

import pytest

from lingma_proxy.gateway import remote
from lingma_proxy.jsonio import JsonObject, loads
from lingma_proxy.settings import Settings
from lingma_proxy.simulator.remote import Simulator
from support.heard import heard
from support.served import DIALECTS, Served, serving

ANSWER: list[str | JsonObject] = [{"reasoning_content": "Hm. "}, "Grüße, ", "世界"]
STEP = 7
"""Every byte would be 7,000 requests; a stride that divides no line visits every kind."""


async def ask(served: Served, path: str, *, stream: bool) -> tuple[int, bytes]:
    body: JsonObject = {**DIALECTS[path], "stream": stream}
    answer, data = await served.post(path, body)
    return answer.status, data


async def length_of_an_answer(served: Served, simulator: Simulator) -> int:
    simulator.say(ANSWER)
    await ask(served, "/v1/chat/completions", stream=False)
    return simulator.requests[-1].written


@pytest.mark.parametrize("fault", ["cut", "end", "reset"])
@pytest.mark.parametrize("path", DIALECTS)
async def test_a_cut_anywhere_is_an_error_and_never_half_an_answer(path, fault):
    async with Simulator() as simulator:
        settings = Settings(remote_base_url=simulator.url, cache_dir=str(simulator.home))
        async with serving(remote(settings).backend) as served:
            length = await length_of_an_answer(served, simulator)
            outcomes = set()
            for at in range(0, length + STEP, STEP):
                simulator.say(ANSWER)
                simulator.next(f"{fault}={at}")
                status, data = await ask(served, path, stream=True)
                result = heard(path, status, data)

                complete = result.text == "Grüße, 世界" and not result.errors
                assert result.ended == 1, (at, data)
                assert result.errors == (0 if complete else 1), (at, data)
                assert "Grüße, 世界".startswith(result.text), (at, data)
                outcomes.add((result.status, complete))
            assert served.gateway.limit.running == 0

    assert {status for status, _ in outcomes} <= {200, 502, 503}
    assert (200, True) in outcomes
    assert (200, False) in outcomes
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("fault", ["cut", "end"])
async def test_unstreamed_a_cut_is_a_status(fault):
    statuses = set()
    async with Simulator() as simulator:
        settings = Settings(remote_base_url=simulator.url, cache_dir=str(simulator.home))
        async with serving(remote(settings).backend) as served:
            length = await length_of_an_answer(served, simulator)
            for at in range(0, length + 31, 31):
                simulator.say(ANSWER)
                simulator.next(f"{fault}={at}")
                status, data = await ask(served, "/v1/messages", stream=False)
                statuses.add(status)
                body = loads(data)

                if status == 200:  # what came after the finish reason is not missed
                    assert body["content"] == [{"type": "text", "text": "Grüße, 世界"}], at
                else:
                    assert body["type"] == "error", at

    assert statuses in ({200, 502}, {200, 502, 503}, {200, 503})
