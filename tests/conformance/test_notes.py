"""What is noted of an exchange, however it goes, is the same in every dialect; and it is told once.

The whole notes are compared, but for the times, of which only the order is known.
"""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import fields

import pytest

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.notes import MOST, Body
from lingma_proxy.conversation.request import Text, ToolCall
from lingma_proxy.dialects import DIALECTS
from lingma_proxy.errors import BackendUnavailable, ProtocolError, RateLimited
from lingma_proxy.jsonio import dumpb, loads
from lingma_proxy.server import connection
from lingma_proxy.server.replies import InternalError
from support.backends import answer
from support.raw import client as raw_client
from support.raw import post
from support.served import DIALECTS as ASKED
from support.served import HELLO, scripted
from support.talk import talking

NAMES = {path: dialect for dialect in DIALECTS for path in dialect.paths}
BEGUN: list[Event] = [
    ReplyStarted("r", "kmodel", ("seed is not sent",)),
    PartStarted(0, Text("")),
    PartDelta(0, "Hel"),
]
REST: list[Event] = [PartDelta(0, "lo!"), PartEnded(0), ReplyEnded(FinishReason.STOP, Usage(3, 2))]
TIMES = {"began", "accepted", "first", "ended"}

ways = pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
dialects = pytest.mark.parametrize("path", ASKED, ids=lambda path: NAMES[path].name)


@pytest.fixture
def noting(tmp_path):
    """A server, and what it tells of its exchanges."""

    @asynccontextmanager
    async def noting(*scripts, **settings):
        kept = {"recording": "on", "data_dir": str(tmp_path), "heartbeat": 60.0, **settings}
        async with scripted(*scripts, **kept) as served:
            told: list = []
            served.gateway.observers.append(told.append)
            yield served, told

    return noting


def body(path, streamed):
    return dumpb({**ASKED[path], "stream": streamed})


def shown(notes):
    """Notes as a mapping: bodies as bytes, errors as their names, and no times."""
    return {each.name: plain(getattr(notes, each.name)) for each in fields(notes)} | {
        name: None for name in TIMES if hasattr(notes, name)
    }


def plain(value):
    match value:
        case Body():
            return value.kept()
        case BaseException():
            return type(value).__name__
        case [tuple(), *_] if not isinstance(value, tuple):
            return [[*batch] for _, batch in value]
        case [first, *_] if hasattr(first, "reply"):
            return [shown(each) for each in value]
        case _:
            return value


def attempt(*batches, **more):
    usual = {
        "model": "kmodel",
        "backend": "",
        "url": "",
        "request": b"",
        "reply": b"",
        "events": [*map(list, batches)],
        "reason": FinishReason.STOP if len(batches) == 2 else None,
        "usage": Usage(3, 2) if len(batches) == 2 else None,
        "warnings": ("seed is not sent",) if batches else (),
        "error": None,
    }
    return usual | dict.fromkeys(TIMES) | more


def expected(path, streamed, **more):
    usual = {
        "method": "POST",
        "path": path,
        "client": "curl",
        "user_agent": "curl/8",
        "dialect": NAMES[path].name,
        "streamed": streamed,
        "asked_model": "kmodel",
        "meant_model": "kmodel",
        "model": "kmodel",
        "status": 200,
        "request": body(path, streamed),
        "media_type": NAMES[path].media_type if streamed else "application/json",
        "reason": None,
        "usage": None,
        "tools": [],
        "warnings": ("seed is not sent",),
        "error": None,
        "queued": 0.0,
        "recorded": True,
        "most": MOST,
    }
    return usual | dict.fromkeys(TIMES) | more


def check(told, wanted):
    """That one exchange was told, and what; its times are in order."""
    [notes] = told
    found = shown(notes)
    assert found.pop("id").startswith("req_")
    assert found == wanted
    for each in (notes, *notes.attempts):
        times = [each.began, each.accepted, each.first, each.ended]
        known = [time for time in times if time is not None]
        assert known == sorted(known)
        assert each.ended is not None


async def asking(served, path, streamed):
    async with served.session.post(
        served.url + path, data=body(path, streamed), headers={"User-Agent": "curl/8"}
    ) as response:
        return response, await response.read()


async def once(told):
    async with asyncio.timeout(10):
        while not told:
            await asyncio.sleep(0.001)


@ways
@dialects
async def test_a_reply(noting, path, streamed):
    async with noting([BEGUN, REST]) as (served, told):
        response, heard = await asking(served, path, streamed)

    assert response.headers["x-lingma-proxy-model"] == "kmodel"
    check(
        told,
        expected(
            path,
            streamed,
            response=heard,
            reason=FinishReason.STOP,
            usage=Usage(3, 2),
            attempts=[attempt(BEGUN, REST)],
        ),
    )


@ways
@dialects
async def test_an_error_before_anything_was_said(noting, path, streamed):
    async with noting(RateLimited("wait")) as (served, told):
        response, heard = await asking(served, path, streamed)

    assert response.status == 429
    check(
        told,
        expected(
            path,
            streamed,
            status=429,
            response=heard,
            media_type="application/json",
            model="",
            warnings=(),
            error="RateLimited",
            attempts=[attempt(error="RateLimited")],
        ),
    )


@ways
@dialects
async def test_an_error_after_something_was_said(noting, path, streamed):
    async with noting([BEGUN, ProtocolError("torn")]) as (served, told):
        response, heard = await asking(served, path, streamed)

    assert response.status == (200 if streamed else 502)
    check(
        told,
        expected(
            path,
            streamed,
            status=response.status,
            response=heard,
            error="ProtocolError",
            attempts=[attempt(BEGUN, error="ProtocolError")],
        ),
    )


@ways
@dialects
async def test_a_fault_of_ours(noting, path, streamed, caplog):
    async with noting() as (served, told):  # a script without an answer
        response, heard = await asking(served, path, streamed)

    assert response.status == 500
    check(
        told,
        expected(
            path,
            streamed,
            status=500,
            response=heard,
            media_type="application/json",
            model="",
            warnings=(),
            error=InternalError.__name__,
            attempts=[attempt(error="LookupError")],
        ),
    )
    assert caplog.records[0].request_id == told[0].id


@ways
@dialects
@pytest.mark.parametrize("begun", [False, True], ids=["before", "after"])
async def test_a_client_that_leaves(noting, path, streamed, begun):
    gate = asyncio.Event()
    script = [BEGUN, gate] if begun else [gate]
    spoken = begun and streamed
    async with noting(script) as (served, told):
        async with raw_client(served.port) as leaving:
            await leaving.say(post(path, body(path, streamed), User_Agent="curl/8"))
            if spoken:
                head = await leaving.reader.readuntil(b"\r\n\r\n")
                assert b" 200 " in head
            async with asyncio.timeout(10):
                while served.backend.said < begun or not served.backend.speaking:
                    await asyncio.sleep(0.001)
        await once(told)

    left = attempt(*([BEGUN] if begun else []), error="CancelledError")
    [notes] = told
    wanted = expected(path, streamed, error="CancelledError", attempts=[left])
    if not begun:
        wanted |= {"model": "", "warnings": ()}
    if not spoken:
        wanted |= {"status": 0, "media_type": "", "response": b""}
    else:
        wanted["response"] = notes.response.kept()
        assert b"Hel" in notes.response.kept()
    check(told, wanted)


@ways
@pytest.mark.parametrize("path", ["/api/chat"])  # it is the same connection for all
async def test_a_client_that_takes_nothing(noting, path, streamed, monkeypatch):
    monkeypatch.setattr(connection, "STALLED_AFTER", 0.05)
    long = answer("x" * 2**25, usage=Usage(3, 2))
    async with noting(long) as (served, told):
        async with raw_client(served.port, buffer=2048) as stalled:
            await stalled.say(post(path, body(path, streamed), User_Agent="curl/8"))
            await once(told)

    [notes] = told
    assert (notes.status, type(notes.error)) == (200, asyncio.CancelledError)
    assert len(notes.response.kept()) == MOST
    assert notes.response.size > 2**25
    assert notes.usage == Usage(3, 2)


@dialects
async def test_a_server_that_stops(noting, path):
    gate = asyncio.Event()
    async with noting([BEGUN, gate], shutdown_grace=0.01) as (served, told):
        async with served.session.post(served.url + path, data=body(path, streamed=True)) as talk:
            await talk.content.readany()
            await served.server.stop()
            rest = await talk.content.read()

    [notes] = told
    assert type(notes.error) is BackendUnavailable
    assert rest.decode() in notes.response.kept().decode()
    assert notes.status == 200


async def test_several_answers_are_one_exchange(noting):
    path = "/v1/chat/completions"
    calls = answer(ToolCall("1", "ls", "{}"), reason=FinishReason.TOOL_CALLS, usage=Usage(3, 4))
    async with noting(HELLO, calls) as (served, told):
        data = {**ASKED[path], "n": 2, "tools": [tool("ls")]}
        await served.post(path, data)

    [notes] = told
    assert (notes.usage, notes.tools) == (Usage(6, 6), ["ls"])
    assert len(notes.attempts) == 2


def tool(name):
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("method", "path", "status", "recorded"),
    [
        ("GET", "/v1/models", 200, True),
        ("GET", "/nowhere?key=sesame", 404, True),
        ("DELETE", "/v1/messages", 405, True),
        ("POST", "/v1/messages", 400, True),
        ("HEAD", "/health", 200, False),
        ("GET", "/livez", 200, False),
    ],
)
async def test_every_other_request_is_told_too(noting, method, path, status, recorded):
    async with noting() as (served, told):
        async with served.session.request(method, served.url + path, data=b"no json") as response:
            heard = await response.read()

    [notes] = told
    assert (notes.method, notes.path) == (method, path.partition("?")[0])
    assert (notes.status, notes.recorded) == (status, recorded)
    assert notes.response.kept() == (heard if recorded else b"")
    # Who is not understood has asked for a reply all the same.
    assert (notes.dialect, notes.attempts) == ("anthropic" if status == 400 else "", [])
    assert notes.request.kept() == (b"no json" if status == 400 else b"")


async def test_each_turn_on_a_websocket_is_an_exchange(noting):
    async with noting([BEGUN, REST], RateLimited("wait")) as (served, told):
        async with talking(served) as talk:
            for _ in range(2):
                await talk.create()
                await talk.answer()
        async with asyncio.timeout(10):
            while len(told) < 3:
                await asyncio.sleep(0.001)

    first, second, connected = told
    assert [each.method for each in told] == ["WEBSOCKET", "WEBSOCKET", "GET"]
    assert [each.status for each in told] == [200, 429, 101]
    assert [each.recorded for each in told] == [True, True, False]
    assert len({each.id for each in told}) == 3
    assert loads(first.request.kept())["type"] == "response.create"
    lines = [loads(line) for line in first.response.kept().splitlines()]
    assert lines[-1]["type"] == "response.completed"
    assert (first.usage, first.reason) == (Usage(3, 2), FinishReason.STOP)
    assert type(second.error) is RateLimited
    assert loads(second.response.kept())["type"] == "error"
    assert connected.attempts == []


@pytest.mark.parametrize("streamed", [True, False])
async def test_work_in_the_background_is_one_exchange_with_the_request_that_began_it(
    noting, streamed
):
    path, gate = "/v1/responses", asyncio.Event()
    async with noting([BEGUN, gate, REST]) as (served, told):
        data = {**ASKED[path], "background": True, "stream": streamed}
        async with served.session.post(served.url + path, data=dumpb(data)) as response:
            if not streamed:
                await response.read()
            assert told == []
        gate.set()
        await once(told)

    [notes] = told
    assert notes.id == response.headers["x-request-id"]
    assert notes.request.kept() == dumpb(data)
    assert (notes.status, notes.usage, notes.streamed) == (200, Usage(3, 2), streamed)
    assert [type(each.error).__name__ for each in notes.attempts] == ["NoneType"]
    assert notes.attempts[0].ended <= notes.ended


async def test_without_recording_no_body_is_remembered(noting):
    async with noting([BEGUN, REST], recording="off") as (served, told):
        await asking(served, "/v1/messages", streamed=True)

    [notes] = told
    bodies = [notes.request, notes.response]
    for each in notes.attempts:
        bodies += [each.request, each.reply]
        assert each.events == []
    assert [each.kept() for each in bodies] == [b""] * 4
    assert notes.usage == Usage(3, 2)
    assert notes.request.size > 0 < notes.response.size


async def test_an_observer_that_fails_fails_nobody(noting, caplog):
    async with noting(HELLO) as (served, told):
        served.gateway.observers.insert(0, lambda _: 1 / 0)
        response, _ = await asking(served, "/v1/messages", streamed=False)

    assert response.status == 200
    assert len(told) == 1
    assert "could not be noted" in caplog.text


async def test_the_log_has_a_line_for_each_and_nothing_that_was_said(noting, caplog):
    caplog.set_level("INFO", "lingma_proxy.access")
    async with noting(answer("sesame", usage=Usage(3, 2)), RateLimited("sesame")) as (served, told):
        ask = {**ASKED["/v1/messages"], "messages": [{"role": "user", "content": "sesame"}]}
        for _ in range(2):
            await served.post("/v1/messages?key=sesame", ask)

    lines = [each for each in caplog.records if each.name == "lingma_proxy.access"]
    assert [each.request_id for each in lines] == [each.id for each in told]
    assert [each.status for each in lines] == [200, 429]
    assert "sesame" not in "".join(str(each.__dict__) for each in lines)
