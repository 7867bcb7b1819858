from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from lingma_proxy.cli.asking import answer
from lingma_proxy.cli.reach import Reached
from lingma_proxy.errors import BackendError, ProtocolError


@asynccontextmanager
async def gateway(status=200, body=b""):
    asked = []

    async def chat(request):
        asked.append(await request.json())
        return web.Response(status=status, body=body)

    application = web.Application()
    application.router.add_post("/v1/chat/completions", chat)
    server = TestServer(application)
    await server.start_server()
    try:
        async with aiohttp.ClientSession() as session:
            yield Reached(str(server.make_url("")).rstrip("/"), session, ours=False), asked
    finally:
        await server.close()


async def heard(body, status=200, *, stream=True):
    async with gateway(status, body) as (reached, _):
        return [text async for text in answer(reached, "kmodel", "Hello?", stream=stream)]


def chunk(content):
    return f'data: {{"choices":[{{"delta":{{"content":{content}}}}}]}}\n\n'.encode()


async def test_the_question_is_asked_as_it_is():
    async with gateway(body=b"data: [DONE]\n\n") as (reached, asked):
        assert [text async for text in answer(reached, "kmodel", " Hm? ", stream=True)] == []

    assert asked == [
        {"model": "kmodel", "stream": True, "messages": [{"role": "user", "content": " Hm? "}]}
    ]


async def test_the_answer_is_heard_piece_by_piece():
    usage = b'data: {"choices":[],"usage":{}}\n\n'
    body = chunk('"Hel"') + chunk("null") + chunk('"lo\\n"') + usage + b"data: [DONE]\n\n"

    assert await heard(body) == ["Hel", "lo\n"]


async def test_a_whole_answer_is_heard_at_once():
    body = b'{"choices":[{"message":{"content":"Hello"}}]}'

    assert await heard(body, stream=False) == ["Hello"]


async def test_a_refusal_is_told_in_the_gateways_words():
    with pytest.raises(BackendError, match="Log in there"):
        await heard(b'{"error":{"message":"Log in there."}}', 401)
    with pytest.raises(BackendError, match="status 500"):
        await heard(b"<html>", 500)


async def test_an_error_in_the_stream_is_told_too():
    with pytest.raises(BackendError, match="Too much"):
        await heard(chunk('"Hel"') + b'data: {"error":{"message":"Too much."}}\n\n')


async def test_an_answer_that_breaks_off_is_no_answer():
    with pytest.raises(ProtocolError):
        await heard(chunk('"Hel"'))
    with pytest.raises(ProtocolError):
        await heard(b'{"choices":[]}', stream=False)
