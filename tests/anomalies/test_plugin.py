"""The plugin broken in every way that its simulator knows, through the whole program.

Whatever happens: a whole answer or an error, once, and nothing is left of the attempt; here
no task, socket or file, at the plugin no chat.
"""

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager
from typing import Any

import pytest

from lingma_proxy.backends import ipc, prompting
from lingma_proxy.jsonio import loads
from lingma_proxy.simulator.plugin_faults import FAULTS
from support.cuts import walk
from support.heard import heard
from support.plugin import found, plugin_on
from support.served import CHAT, DIALECTS, MESSAGES, serving
from support.storm import storm

SAID = ["Grüße, ", "世界"]
ANSWER = "".join(SAID)
WALKS = {
    # Over a WebSocket the way to a new connection takes five times as long.
    (way, path): {"unix": 4, "websocket": 12}[way]
    for way in ("unix", "websocket")
    for path in DIALECTS
    if path != "/v1/responses"
}
"""A turn has two thousand bytes: by day one of so many is visited, by one of three walks."""


@asynccontextmanager
async def broken(*, way="websocket", always="", pace=0.0, **more):
    """The whole program in front of a plugin."""
    more, settings = {"setup": more.pop("setup", 15.0)}, more
    async with plugin_on(way, always=always, pace=pace) as plugin:
        async with found(plugin, way, **more) as backend:
            async with serving(backend, **settings) as served:
                yield plugin, served
                assert served.gateway.limit.running == 0
        await plugin.gone(plugin.tally.counts["connected"])
        assert list(plugin.complaints) == []
        nothing_is_left_at(plugin)
    assert len(asyncio.all_tasks()) == 1


def nothing_is_left_at(plugin):
    """No chat is left there, but for those of which we never heard."""
    left = [session for session in plugin.sessions.values() if session.title or session.model]
    assert left == []
    assert [*(plugin.home / "pictures").glob("*/*")] == []


# Cuts.


async def cut_after(at, plugin, served, path, body):
    """The answer, when the turn is cut there, also when it is asked once more."""
    for _ in range(2):
        plugin.say(SAID)
        plugin.next(f"cut={at}")
    answer, data = await served.post(path, body)
    plugin._next.clear()
    plugin._words.clear()
    return answer.status, data


@pytest.mark.parametrize(("way", "path"), WALKS)
async def test_a_cut_anywhere_is_an_error_and_never_half_an_answer(way, path):
    part = [*WALKS].index((way, path)) % 3
    async with broken(way=way) as (plugin, served):
        outcomes = Counter[bool]()
        for at in walk(3000, part, 3, WALKS[way, path]):
            body = {**DIALECTS[path], "stream": True}
            status, data = await cut_after(at, plugin, served, path, body)
            result = heard(path, status, data)

            complete = result.text == ANSWER and not result.errors
            assert status in {200, 503}, (at, data)
            assert result.ended == 1, (at, data)
            assert result.errors == (0 if complete else 1), (at, data)
            assert ANSWER.startswith(result.text), (at, data)
            outcomes[complete] += 1
            if outcomes[True] == 3:
                break  # the third that comes too late to matter

        assert outcomes[True] == 3
        assert outcomes[False] > 40


async def test_unstreamed_a_cut_is_a_status():
    async with broken() as (plugin, served):
        outcomes = Counter[int]()
        for at in walk(3000, 0, 1, 61):
            status, data = await cut_after(at, plugin, served, "/v1/messages", MESSAGES)
            outcomes[status] += 1
            body = loads(data)
            if status == 200:
                assert body["content"] == [{"type": "text", "text": ANSWER}], at
            else:
                assert body["type"] == "error", at
            if outcomes[200] == 3:
                break

    assert outcomes.keys() == {200, 503}


async def test_a_cut_before_the_first_word_is_mended():
    async with broken() as (plugin, served):
        for at in range(0, 500, 50):
            plugin.next(f"cut={at}")
            answer, data = await served.post("/v1/messages", MESSAGES)
            assert answer.status == 200, (at, data)


@pytest.mark.parametrize("stream", [False, True])
async def test_with_fallback_only_what_was_half_said_is_an_error(stream):
    async with broken(way="unix", remote_fallback_enabled=True) as (plugin, served):
        outcomes = Counter[int]()
        for at in walk(2000, 0, 1, 97 if stream else 311):
            plugin.say(SAID)  # for the third that is asked
            body = {**MESSAGES, "stream": stream}
            status, data = await cut_after(at, plugin, served, "/v1/messages", body)
            assert status == 200, (at, data)
            fine, _ = await served.post("/v1/messages", MESSAGES)
            assert fine.status == 200, at
            if not stream:
                assert ANSWER.encode() in data, at
                continue
            result = heard("/v1/messages", status, data)
            outcomes[result.errors] += 1
            assert result.ended == 1, (at, data)
            assert result.text if result.errors else result.text == ANSWER, (at, data)

    assert outcomes.keys() == ({0, 1} if stream else set())


# Faults.

FINE = (200, 0)
"""The whole answer, and no error."""
HASTY = {"first_byte_timeout": 0.3, "idle_timeout": 0.3}
PATIENCE: dict[str, dict[str, Any]] = {
    "hang-new": {"setup": 0.3},
    "hang-model": {"setup": 0.3},
    "hang-models": {"setup": 0.3},
    "hang-prompt": HASTY,
    "stall": HASTY,
    "no-finish": HASTY,
}
"""Little where nothing will come; elsewhere the usual, for a machine may be slow."""

EXPECTED: dict[str, tuple[int, int]] = {
    # fault: (status of the unstreamed answer, errors inside the streamed one when that is 200)
    "hang-connect": (503, 0),
    "drop-connect": (503, 0),
    "error-connect": (503, 0),
    "hang-initialize": (503, 0),
    "drop-initialize": (503, 0),
    "error-initialize": (503, 0),
    "hang-models": FINE,
    "drop-models": FINE,
    "error-models": FINE,
    "logged-out": FINE,
    "hang-new": (504, 0),
    "drop-new": (503, 0),
    "error-new": (502, 0),
    "no-sessions": (503, 0),
    "hang-model": (504, 0),
    "drop-model": (503, 0),
    "error-model": (502, 0),
    "hang-prompt": (504, 0),
    "drop-prompt": (503, 0),
    "error-prompt": (502, 0),
    "hang-delete": FINE,
    "drop-delete": FINE,
    "error-delete": FINE,
    "id-only-delete": FINE,
    "slow=0.05": FINE,
    "stall": (504, 1),
    "pace=0.01": FINE,
    "drop-after=1": (503, 1),
    "error-after=1": (502, 1),
    "cut=0": (503, 0),
    "deaf": FINE,
    "empty": (502, 0),
    "words=500": FINE,
    "thoughts": FINE,
    "no-usage": FINE,
    "unknown-updates": FINE,
    "foreign-session": FINE,
    "foreign-request": FINE,
    "bare-updates": FINE,
    "tool-calls": FINE,
    "garbage": (503, 1),
    "big-header": (503, 1),
    "permission": FINE,
    "fs-read": FINE,
    "fs-write": FINE,
    "terminal": FINE,
    "unknown-request": FINE,
    "string-ids": FINE,
    "joined": FINE,
    "split": FINE,
    "dribble": FINE,
    "binary": FINE,
    "ack-limit=5": FINE,
    "early-response": FINE,
    "late-finish=0.05": FINE,
    "no-finish": (504, 1),
    "no-response": FINE,
    "reason": (502, 1),
    "reason=none": FINE,
    "reason=number": (502, 1),
    "reason=length": FINE,
    "reason=content_filter": FINE,
    "reason=cancelled": (502, 1),
    "stop-reason": FINE,
    "stop-reason=nonsense": FINE,
    "status": FINE,  # of the older protocol
    "overwrite": FINE,  # of the older protocol
    "full-answer": FINE,
}
UNDELETED = {"hang-delete", "drop-delete", "error-delete"}
"""Those that keep us from leaving nothing at the plugin."""


def test_every_fault_is_thought_of():
    assert {fault.partition("=")[0] for fault in EXPECTED} == set(FAULTS)


@pytest.mark.parametrize("fault", EXPECTED)
async def test_a_fault_comes_to_the_right_end(fault, monkeypatch):
    if fault.endswith(("-connect", "-initialize")):
        monkeypatch.setattr(ipc, "HANDSHAKE", 0.3)
    for limit in ("TIDYING", "WINDING_UP", "GOODBYE"):
        monkeypatch.setattr(prompting, limit, 0.3)
    status, errors = EXPECTED[fault]
    async with broken(always=fault, **PATIENCE.get(fault, {})) as (plugin, served):
        await served.get("/v1/models")  # so that it is not asked for in between
        whole, data = await served.post("/v1/chat/completions", CHAT)
        streamed, events = await served.post("/v1/messages", {**MESSAGES, "stream": True})
        home = str(plugin.home).encode()
        if fault in UNDELETED:
            plugin.sessions.clear()

    said = heard("/v1/messages", streamed.status, events)
    assert whole.status == status, data
    if status != 200:
        assert loads(data)["error"]["message"]
        assert home not in data
    assert said.ended == 1
    if errors or status == 200:
        assert (streamed.status, said.errors) == (200, errors), events
    else:
        assert streamed.status == status, events


# A storm.

STORM = """hang-new hang-model hang-prompt drop-new drop-model drop-prompt error-new error-model
    error-prompt error-delete drop-after error-after cut=700 cut=1100 stall slow=0.05 deaf empty
    no-finish no-response garbage permission split dribble joined binary reason=error
    early-response foreign-session"""


@pytest.mark.parametrize("way", ["websocket", "unix"])
async def test_after_a_storm_everything_is_where_it_was(way, monkeypatch):
    monkeypatch.setattr(prompting, "WINDING_UP", 0.3)
    dice = random.Random(3)
    # Not less: twenty answers at once take half a second on a machine that is busy.
    limits = {"first_byte_timeout": 1.5, "idle_timeout": 1.5}
    whole = broken(way=way, pace=0.001, setup=3.0, max_queue=500, **limits)
    async with whole as (plugin, served):
        for _ in range(2):
            asked = [served.post("/v1/messages", MESSAGES) for _ in range(20)]
            assert {answer.status for answer, _ in await asyncio.gather(*asked)} == {200}
        outcomes = await storm(served, plugin, STORM.split(), dice, waves=4)

    assert outcomes["HTTP/1.1 200"] > 10
    assert outcomes["left"] > 10
    assert not outcomes["HTTP/1.1 500"]
