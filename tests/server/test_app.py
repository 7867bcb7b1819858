"""Every request goes through one function: guard, route, handler, answer."""

import asyncio

import pytest

from lingma_proxy.errors import SettingsError
from lingma_proxy.jsonio import loads
from support.served import CHAT, HELLO, MESSAGES, scripted


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/v1/messages", 405),
        ("/v1/chat/completions", 405),
        ("/v1/messages/x", 404),
    ],
)
async def test_no_such_thing_is_said_in_the_callers_shape(path, status):
    async with scripted() as served:
        answer, data = await served.get(path)

    body = loads(data)
    assert answer.status == status
    assert (body.get("type") == "error") is path.startswith("/v1/messages")
    assert body["error"]["message"]
    assert answer.headers.get("Allow") == ("POST" if status == 405 else None)


async def test_an_anthropic_client_hears_anthropic_also_elsewhere():
    async with scripted() as served:
        _, data = await served.get("/nowhere", **{"anthropic-version": "2023-06-01"})

    assert loads(data)["type"] == "error"


async def test_a_near_miss_is_pointed_out():
    async with scripted() as served:
        _, data = await served.post("/v1/v1/messages", MESSAGES)

    assert "/v1/messages" in loads(data)["error"]["message"]


async def test_an_api_that_is_not_spoken_yet_is_no_slip_of_the_pen():
    async with scripted() as served:
        answer, data = await served.post("/v1/embeddings", CHAT)

    assert answer.status == 404
    assert "Embeddings API is not spoken" in loads(data)["error"]["message"]


async def test_a_trailing_slash_does_no_harm():
    async with scripted(HELLO) as served:
        answer, _ = await served.post("/v1/chat/completions/", CHAT)

    assert answer.status == 200


async def test_a_foreign_page_is_refused_before_routing():
    async with scripted(HELLO) as served:
        for path in ("/v1/chat/completions", "/nowhere"):
            answer, _ = await served.post(path, CHAT, Origin="https://evil.example")

            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_rebound_name_is_refused():
    async with scripted() as served:
        answer, _ = await served.get("/v1/models", Host="evil.example:8095")

    assert answer.status == 403


async def test_an_allowed_page_may_ask_and_read_also_errors():
    origin = "http://localhost:3000"
    async with scripted(HELLO, allowed_origins=(origin,)) as served:
        ask = {"Origin": origin, "Access-Control-Request-Headers": "x-api-key, anthropic-beta"}
        async with served.session.options(served.url + "/v1/messages", headers=ask) as preflight:
            assert preflight.status == 204
            assert preflight.headers["Access-Control-Allow-Headers"] == "x-api-key, anthropic-beta"
        answer, _ = await served.post("/v1/messages", MESSAGES, Origin=origin)
        lost, _ = await served.get("/nowhere", Origin=origin)

    assert [answer.status, lost.status] == [200, 404]
    for each in (preflight, answer, lost):
        assert each.headers["Access-Control-Allow-Origin"] == origin


async def test_a_stream_may_be_read_by_an_allowed_page():
    origin = "http://localhost:3000"
    async with scripted(HELLO, allowed_origins=(origin,)) as served:
        answer, _ = await served.post("/v1/messages", {**MESSAGES, "stream": True}, Origin=origin)

    assert answer.headers["Access-Control-Allow-Origin"] == origin


async def test_the_key_is_asked_for_in_the_callers_shape():
    async with scripted(HELLO, api_key="s3cret") as served:
        refused, data = await served.post("/v1/messages", MESSAGES)
        passed, _ = await served.post("/v1/messages", MESSAGES, Authorization="Bearer s3cret")
        probe, _ = await served.get("/livez")

    assert loads(data)["error"]["type"] == "authentication_error"
    assert [refused.status, passed.status, probe.status] == [401, 200, 200]


@pytest.mark.parametrize("path", ["/", "/health", "/v1/models"])
async def test_head_is_get_without_a_body(path):
    async with scripted() as served, served.session.head(served.url + path) as answer:
        assert answer.status == 200
        assert await answer.read() == b""


async def test_a_large_body_is_refused_at_once():
    async with scripted(max_body_mb=1) as served:
        body = {**MESSAGES, "messages": [{"role": "user", "content": "x" * 2**21}]}
        answer, data = await served.post("/v1/messages", body)

    assert answer.status == 413
    assert loads(data)["error"]["type"] == "request_too_large"


async def test_a_port_that_is_taken_is_said_so():
    async with scripted() as served:
        with pytest.raises(SettingsError, match="cannot be opened"):
            async with scripted(port=served.port):
                pass


async def test_the_server_may_be_stopped_twice():
    async with scripted() as served:
        await served.server.stop()
        await served.server.stop()


async def test_what_is_no_http_gets_an_answer_and_an_end():
    async with scripted() as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"\x16\x03\x01 this is TLS, or what\r\n\r\n")
        async with asyncio.timeout(20):
            assert (await reader.read()).startswith(b"HTTP/1.")
        writer.close()
