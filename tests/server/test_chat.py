"""One request to speak, over a real socket, with a backend that says what the test wants."""

import asyncio
from dataclasses import replace
from typing import Any

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
from lingma_proxy.conversation.request import Text
from lingma_proxy.errors import BackendTimeout, NotLoggedIn, RateLimited
from lingma_proxy.jsonio import loads
from lingma_proxy.wire.sse import SseDecoder
from support.served import CHAT, HELLO, MESSAGES, scripted

OPENAI, ANTHROPIC = "/v1/chat/completions", "/v1/messages"
BEGUN: list[Event] = [ReplyStarted("r", "kmodel"), PartStarted(0, Text("")), PartDelta(0, "Hel")]
REST: list[Event] = [PartDelta(0, "lo!"), PartEnded(0), ReplyEnded(FinishReason.STOP, Usage(3, 2))]
CASES = [(OPENAI, CHAT), (ANTHROPIC, MESSAGES)]


def events(data: bytes) -> list[Any]:
    """The JSON of each event of a stream; the end marker as text."""
    decoder = SseDecoder()
    found = decoder.feed(data) + decoder.end()
    return [loads(each.data) if each.data != b"[DONE]" else "[DONE]" for each in found]


@pytest.mark.parametrize("path", [OPENAI, "/api/v1/chat/completions"])
async def test_an_openai_chat_is_answered_whole(path):
    async with scripted(HELLO) as served:
        answer, data = await served.post(path, CHAT)

    body = loads(data)
    assert answer.status == 200
    assert body["choices"][0]["message"]["content"] == "Hello!"
    assert body["usage"]["total_tokens"] == 5
    assert answer.headers["x-request-id"].startswith("req_")


async def test_an_anthropic_message_is_answered_whole():
    async with scripted(HELLO) as served:
        answer, data = await served.post(ANTHROPIC, MESSAGES)

    body = loads(data)
    assert body["content"] == [{"type": "text", "text": "Hello!"}]
    assert answer.headers["request-id"].startswith("req_")


@pytest.mark.parametrize(("path", "body"), CASES)
async def test_a_stream_begins_before_the_reply_has_ended(path, body):
    gate = asyncio.Event()
    async with (
        scripted([BEGUN, gate, REST]) as served,
        served.session.post(served.url + path, json={**body, "stream": True}) as answer,
    ):
        seen = b""
        while b'"Hel"' not in seen:
            seen += await answer.content.readany()
        gate.set()
        seen += await answer.content.read()

    assert answer.content_type == "text/event-stream"
    last = events(seen)[-1]
    assert last == "[DONE]" or last["type"] == "message_stop"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("path", "body"), CASES)
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotLoggedIn("Log in there."), 401),
        (RateLimited("Wait.", retry_after=7), 429),
        (BackendTimeout("Too slow."), 504),
    ],
)
async def test_a_failure_before_the_first_event_is_a_status(path, body, error, status, stream):
    async with scripted(error) as served:
        answer, data = await served.post(path, {**body, "stream": stream})

    said = loads(data)
    assert answer.status == status
    assert error.message in said["error"]["message"]
    assert answer.headers.get("Retry-After") == ("7" if status == 429 else None)
    assert (said.get("type") == "error") is (path == ANTHROPIC)


@pytest.mark.parametrize(("path", "body"), CASES)
async def test_a_failure_after_it_is_an_event(path, body):
    async with scripted([BEGUN, BackendTimeout("Too slow.")]) as served:
        answer, data = await served.post(path, {**body, "stream": True})

    said = events(data)
    errors = [each for each in said if isinstance(each, dict) and "error" in each]
    assert answer.status == 200
    assert len(errors) == 1
    assert "Too slow." in errors[0]["error"]["message"]


async def test_a_failure_after_it_is_a_status_when_nothing_was_streamed():
    async with scripted([BEGUN, BackendTimeout("Too slow.")]) as served:
        answer, _ = await served.post(OPENAI, CHAT)

    assert answer.status == 504


@pytest.mark.parametrize("stream", [False, True])
async def test_a_fault_of_ours_is_said_and_tells_nothing(stream, caplog):
    async with scripted([BEGUN, KeyError("a secret")]) as served:  # type: ignore[list-item]  # a bug
        answer, data = await served.post(OPENAI, {**CHAT, "stream": stream})

    assert answer.status == (200 if stream else 500)
    assert b"a secret" not in data
    assert b"please report" in data
    assert "a fault of Lingma Proxy" in caplog.text


async def test_silence_is_broken_in_the_words_of_the_dialect():
    gate = asyncio.Event()
    async with (
        scripted([gate, BEGUN, REST], heartbeat=0.1) as served,
        served.session.post(served.url + ANTHROPIC, json={**MESSAGES, "stream": True}) as answer,
    ):
        first = await answer.content.readuntil(b"\n\n")
        gate.set()
        rest = await answer.content.read()

    assert b"ping" in first
    assert events(rest)[-1]["type"] == "message_stop"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said_before", [[], [BEGUN]])
async def test_a_client_that_hangs_up_stops_the_backend(stream, said_before):
    async with scripted([*said_before, asyncio.Event()]) as served:
        body = b'{"model":"kmodel","messages":[{"role":"user","content":"Hi"}],"stream":%s}' % (
            b"true" if stream else b"false"
        )
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"
        )
        writer.write(head % len(body) + body)
        async with asyncio.timeout(20):
            while not served.backend.speaking:
                await asyncio.sleep(0)
            writer.close()
            while served.backend.speaking:
                await asyncio.sleep(0.001)

    assert served.gateway.limit.running == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_several_choices_are_several_replies(stream):
    async with scripted(HELLO, HELLO, HELLO) as served:
        answer, data = await served.post(OPENAI, {**CHAT, "n": 3, "stream": stream})

    if stream:
        chunks = events(data)
        indices = {choice["index"] for chunk in chunks[:-1] for choice in chunk["choices"]}
        assert chunks[-1] == "[DONE]"
    else:
        indices = {choice["index"] for choice in loads(data)["choices"]}
    assert indices == {0, 1, 2}


async def test_warnings_of_each_of_several_replies_reach_the_head():
    other = replace(HELLO, model="mmodel", warnings=("kmodel failed: mmodel answers.",))
    async with scripted(HELLO, other) as served:
        answer, _ = await served.post(OPENAI, {**CHAT, "n": 2})

    assert answer.headers["x-lingma-proxy-warning"] == "kmodel failed: mmodel answers."


async def test_warnings_of_dialect_and_backend_reach_the_head():
    warned: list[Event] = [
        ReplyStarted("r", "kmodel", ("The vendor has no seed.",)),
        *BEGUN[1:],
        *REST,
    ]
    for stream in (False, True):
        async with scripted([warned]) as served:
            answer, _ = await served.post(
                OPENAI, {**CHAT, "logit_bias": {"1": 2}, "stream": stream}
            )

        assert "logit_bias" in answer.headers["x-lingma-proxy-warning"]
        assert "seed" in answer.headers["x-lingma-proxy-warning"]


async def test_stopping_lets_streams_end():
    gate = asyncio.Event()
    async with scripted([BEGUN, gate, REST]) as served:
        async with served.session.post(
            served.url + OPENAI, json={**CHAT, "stream": True}
        ) as answer:
            await answer.content.readuntil(b"Hel")
            stopping = asyncio.create_task(served.server.stop())
            await asyncio.sleep(0)
            gate.set()
            rest = await answer.content.read()
        await stopping

    assert rest.endswith(b"[DONE]\n\n")
    assert b"error" not in rest


async def test_a_stream_that_does_not_end_in_time_is_ended_with_an_error():
    async with scripted([BEGUN, asyncio.Event()], shutdown_grace=0.05) as served:
        async with served.session.post(
            served.url + OPENAI, json={**CHAT, "stream": True}
        ) as answer:
            await answer.content.readuntil(b"Hel")
            await served.server.stop()
            rest = await answer.content.read()

    assert b"shutting down" in rest
    assert rest.endswith(b"[DONE]\n\n")


async def test_stopping_lets_whole_replies_end():
    gate = asyncio.Event()
    async with scripted([BEGUN, gate, REST]) as served:
        asking = asyncio.create_task(served.post(OPENAI, CHAT))
        while served.gateway.limit.running == 0:
            await asyncio.sleep(0)
        stopping = asyncio.create_task(served.server.stop())
        await asyncio.sleep(0)
        gate.set()
        answer, data = await asking
        await stopping

    assert answer.status == 200
    assert b"Hello!" in data


@pytest.mark.parametrize("stream", [False, True])
async def test_what_has_not_begun_in_time_is_a_503(stream):
    async with scripted([asyncio.Event()], shutdown_grace=0.05) as served:
        asking = asyncio.create_task(served.post(ANTHROPIC, {**MESSAGES, "stream": stream}))
        while served.gateway.limit.running == 0:
            await asyncio.sleep(0)
        await served.server.stop()
        answer, data = await asking

    assert answer.status == 503
    assert b"shutting down" in data
