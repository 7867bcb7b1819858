"""One model breaks, and another answers: through the whole program, over the simulator."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lingma_proxy.jsonio import JsonObject, loads
from lingma_proxy.simulator.remote import Simulator
from lingma_proxy.simulator.seen import Outcome
from support.heard import heard
from support.served import CHAT, DIALECTS, Served
from support.simulated import simulated

KIMI, NEXT = "kmodel", "mmodel"
PATHS = ["/v1/chat/completions", "/v1/messages", "/v1/responses"]
UNSAID: dict[str, dict[str, Any]] = {
    "status=500": {},
    "status=503": {},
    "status=408": {},
    "status=425": {},
    "status=429": {},
    "rate-limit=120": {},
    "error=500": {},
    "error=408": {},
    "error=429": {},
    "quota=event": {},
    "drop": {},
    "reset": {},
    "end=0": {},
    "hang": {"first_byte_timeout": 0.4},
}
"""Faults before anything is said, and the settings that make them quick."""
WARNING = "x-lingma-proxy-warning"


@asynccontextmanager
async def falling_back(
    *faults: str, model: str = KIMI, **settings: Any
) -> AsyncIterator[tuple[Served, Simulator]]:
    on = {"remote_fallback_enabled": True, **settings}
    async with simulated(**on) as (served, simulator):
        simulator.always_of(model, *faults)
        yield served, simulator
        assert served.gateway.limit.running == 0
    assert len(asyncio.all_tasks()) == 1


def asked(simulator: Simulator) -> list[str]:
    """Models, in the order of the requests.

    A connection that is dropped is tried anew at once, for it may have been a stale one: that
    counts once.
    """
    chats = [seen for seen in simulator.requests if seen.route == "chat"]
    keys = [seen.body["model_config"]["key"] for seen in chats]
    dropped = [not {"drop", "reset"}.isdisjoint(seen.faults) for seen in chats]
    return [key for at, key in enumerate(keys) if not (at and dropped[at] and keys[at - 1] == key)]


def model_in(path: str, data: bytes) -> str:
    found = loads(data)["model"]
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fault", UNSAID)
async def test_the_next_model_answers_and_the_client_is_told(fault, path):
    async with falling_back(fault, **UNSAID[fault]) as (served, simulator):
        whole, data = await served.post(path, DIALECTS[path])
        streamed, events = await served.post(path, {**DIALECTS[path], "stream": True})

        assert asked(simulator) == [KIMI, NEXT] * 2

    said = heard(path, streamed.status, events)
    assert whole.status == 200, data
    assert model_in(path, data) == NEXT
    assert (streamed.status, said.errors, said.ended) == (200, 0, 1)
    assert said.text
    assert f'"model":"{NEXT}"'.encode() in events
    for answer in (whole, streamed):
        assert f"{KIMI} did not answer" in answer.headers[WARNING]
        assert f"{NEXT} does instead" in answer.headers[WARNING]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("fault", ["cut-line", "no-finish", "error-after=1"])
async def test_a_cut_in_the_middle_is_mended_only_where_nothing_was_heard(fault, path):
    async with falling_back(fault) as (served, simulator):
        whole, data = await served.post(path, DIALECTS[path])
        assert asked(simulator) == [KIMI, NEXT]
        streamed, events = await served.post(path, {**DIALECTS[path], "stream": True})
        assert asked(simulator) == [KIMI, NEXT, KIMI]

    said = heard(path, streamed.status, events)
    assert (whole.status, model_in(path, data)) == (200, NEXT)
    assert (streamed.status, said.errors, said.ended) == (200, 1, 1)


@pytest.mark.parametrize("path", PATHS)
async def test_a_cut_after_the_chunk_with_the_role_has_said_nothing(path):
    async with falling_back() as (served, simulator):
        simulator.say([{"role": "assistant", "content": ""}], finish=None)
        simulator.next("no-finish", "done=none")
        answer, data = await served.post(path, {**DIALECTS[path], "stream": True})

        assert asked(simulator) == [KIMI, NEXT]

    said = heard(path, answer.status, data)
    assert (answer.status, said.errors, said.ended) == (200, 0, 1)
    assert said.text


@pytest.mark.parametrize(
    ("fault", "status"),
    [("auth-payload", 400), ("user-invalid", 401), ("status=418", 400), ("html", 502)],
)
async def test_what_another_model_does_not_mend_is_said(fault, status):
    async with falling_back(fault) as (served, simulator):
        answer, data = await served.post("/v1/messages", DIALECTS["/v1/messages"])

        assert answer.status == status, data
        assert {*asked(simulator)} == {KIMI}


async def test_when_all_fail_the_requested_models_word_counts():
    async with falling_back("rate-limit=120") as (served, simulator):
        simulator.always("status=500")
        for path in PATHS:
            answer, data = await served.post(path, DIALECTS[path])

            assert answer.status == 429, data
            assert answer.headers["Retry-After"] == "120"
            assert b"Tried: kmodel, mmodel, dashscope_qwen3_coder." in data
        assert asked(simulator) == [KIMI, NEXT, "dashscope_qwen3_coder"] * 3


async def test_nobody_there_is_a_503_soon():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # it does not listen
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        async with falling_back(remote_base_url=url) as (served, _):
            answer, data = await served.post("/v1/chat/completions", CHAT)
            states = served.gateway.skipped.states()

    assert answer.status == 503
    assert b"Tried: " in data
    assert states == {}


async def test_the_last_in_the_list_is_waited_for():
    last: JsonObject = {**CHAT, "model": "dashscope_qwen_plus_20250428_thinking"}
    async with falling_back() as (served, simulator):
        simulator.next("rate-limit=0")
        answer, _ = await served.post("/v1/chat/completions", last)

        assert answer.status == 200
        assert asked(simulator) == [last["model"]] * 2


async def test_a_model_that_keeps_failing_is_not_asked_any_more():
    async with falling_back("status=500") as (served, simulator):
        for _ in range(5):
            answer, _ = await served.post("/v1/chat/completions", CHAT)
            assert answer.status == 200

        assert asked(simulator) == [KIMI, NEXT] * 3 + [NEXT] * 2
        assert "keeps failing" in answer.headers[WARNING]
        assert served.gateway.skipped.states()[KIMI].failures == 3


async def test_it_can_be_switched_off():
    async with falling_back("status=500", remote_fallback_enabled=False) as (served, simulator):
        answer, _ = await served.post("/v1/chat/completions", CHAT)

        assert answer.status == 502
        assert asked(simulator) == [KIMI]


async def test_a_stop_sequence_still_stops_the_vendor_where_all_is_held():
    async with falling_back() as (served, simulator):
        simulator.next("words=20000", "pace=0.01")
        answer, _ = await served.post("/v1/chat/completions", {**CHAT, "max_tokens": 5})

        assert answer.status == 200
        await simulator.requests[-1].over.wait()
        assert simulator.requests[-1].outcome is Outcome.ABANDONED
