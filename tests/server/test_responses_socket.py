"""Many responses on one WebSocket, over a real socket."""

import asyncio
import tempfile
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

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
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text, ToolCall
from lingma_proxy.errors import ProtocolError, RateLimited
from lingma_proxy.jsonio import loads
from lingma_proxy.server import responses_socket
from lingma_proxy.wire.sse import SseDecoder
from support.raw import client as raw_client
from support.remains import nothing_more_than, remains
from support.served import HELLO, scripted
from support.talk import PATH, talking

BEGUN: list[Event] = [ReplyStarted("r", "kmodel"), PartStarted(0, Text("")), PartDelta(0, "Hel")]
REST: list[Event] = [PartDelta(0, "lo!"), PartEnded(0), ReplyEnded(FinishReason.STOP, Usage(3, 2))]
CALLS = Reply(
    "r", "kmodel", (ToolCall("call_1", "look", "{}"),), FinishReason.TOOL_CALLS, Usage(3, 2)
)
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.fixture
def _a_place_of_its_own_for_temporary_files(monkeypatch, tmp_path_factory):
    """Whatever else runs on this machine writes to the usual one, too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))


def kinds(events):
    return [event["type"] for event in events]


def asked(served):
    return [part.text for message in served.backend.requests[-1].messages for part in message.parts]


@pytest.mark.parametrize("path", [PATH, "/api/v1/responses"])
async def test_the_events_are_those_of_a_stream_over_http(path):
    async with scripted(HELLO, HELLO) as served:
        async with talking(served, path) as talk:
            await talk.create()
            spoken = await talk.answer()
        _, data = await served.post(path, {"model": "kmodel", "input": "Hi", "stream": True})

    streamed = [loads(event.data) for event in SseDecoder().feed(data)]
    assert kinds(spoken) == kinds(streamed)
    assert [event["sequence_number"] for event in spoken] == list(range(len(spoken)))
    assert spoken[-1]["response"]["output"][0]["content"][0]["text"] == "Hello!"


async def test_what_is_said_arrives_while_it_is_said():
    gate = asyncio.Event()
    async with scripted([BEGUN, gate, REST]) as served, talking(served) as talk:
        await talk.create()
        while (event := await talk.hear())["type"] != "response.output_text.delta":
            pass
        assert event["delta"] == "Hel"
        gate.set()
        assert (await talk.answer())[-1]["type"] == "response.completed"


async def test_a_connection_remembers_what_nobody_stores():
    async with scripted(HELLO, HELLO, HELLO) as served, talking(served) as talk:
        first = await talk.asked(store=False)
        second = await talk.asked("More", store=False, previous_response_id=first["id"])
        await talk.asked("Still more", store=False, previous_response_id=second["id"])

    assert asked(served) == ["Hi", "Hello!", "More", "Hello!", "Still more"]


async def test_another_connection_does_not_know_it():
    async with scripted(HELLO) as served:
        async with talking(served) as talk:
            first = await talk.asked(store=False)
        async with talking(served) as other:
            await other.create(previous_response_id=first["id"])
            [error] = await other.answer()

    assert error["status"] == 400
    assert error["error"]["code"] == "previous_response_not_found"


async def test_what_is_stored_is_known_to_all(tmp_path):
    where = {"recording": "on", "data_dir": str(tmp_path)}
    async with scripted(HELLO, HELLO, **where) as served:
        async with talking(served) as talk:
            first = await talk.asked()
        found, _ = await served.get(f"{PATH}/{first['id']}")
        async with talking(served) as other:
            await other.asked("More", previous_response_id=first["id"])

    assert found.status == 200
    assert asked(served) == ["Hi", "Hello!", "More"]


async def test_a_warm_up_asks_nobody_and_is_remembered():
    """As Codex does it: first the long part, then what is wanted."""
    async with scripted(HELLO) as served, talking(served) as talk:
        await talk.create([{"role": "developer", "content": "Code."}], generate=False, store=False)
        events = await talk.answer()
        assert kinds(events) == ["response.created", "response.in_progress", "response.completed"]
        assert events[-1]["response"]["output"] == []
        assert served.backend.requests == []
        await talk.asked("Hi", store=False, previous_response_id=events[-1]["response"]["id"])

    assert asked(served) == ["Code.", "Hi"]


async def test_a_warm_up_may_have_no_input():
    async with scripted(HELLO) as served, talking(served) as talk:
        warm = await talk.asked([], generate=False, store=False)
        await talk.asked("Hi", store=False, previous_response_id=warm["id"])

    assert asked(served) == ["Hi"]


async def test_a_call_is_answered_with_nothing_but_its_output():
    async with scripted(CALLS, HELLO) as served, talking(served) as talk:
        first = await talk.asked(tools=[LOOK], store=False)
        output = {"type": "function_call_output", "call_id": "call_1", "output": "seen"}
        await talk.asked([output], tools=[LOOK], store=False, previous_response_id=first["id"])

    assert [message.role for message in served.backend.requests[-1].messages] == [
        "user",
        "assistant",
        "user",
    ]


@pytest.mark.parametrize(
    ("frame", "param"),
    [
        (b"", None),
        (b"nonsense", None),
        (b"[]", None),
        (b"\xff\xfe", None),
        (b'"\\ud800"', None),
        (b"{}", "type"),
        (b'{"type":1}', "type"),
        (b'{"type":"response.steer"}', "type"),
        (b'{"type":"response.create","background":true}', "background"),
        (b'{"type":"response.create"}', "input"),
        (b'{"type":"response.create","input":7}', "input"),
        (
            b'{"type":"response.create","input":"Hi","previous_response_id":7}',
            "previous_response_id",
        ),
        (b"[" * 100_000, None),
    ],
    ids=lambda value: repr(value[:40]) if isinstance(value, bytes) else str(value),
)
async def test_a_frame_that_cannot_be_understood_is_an_error_and_no_end(frame, param):
    async with scripted(HELLO) as served, talking(served) as talk:
        await talk.socket.send_frame(frame, WSMsgType.TEXT)
        [error] = await talk.answer()
        assert (await talk.asked())["status"] == "completed"

    assert (error["type"], error["status"]) == ("error", 400)
    assert error["error"]["param"] == param


async def test_a_frame_may_be_binary():
    async with scripted(HELLO) as served, talking(served) as talk:
        await talk.socket.send_bytes(b'{"type":"response.create","input":"Hi"}')

        assert (await talk.answer())[-1]["type"] == "response.completed"


async def test_a_refusal_is_one_error_with_its_status():
    async with scripted(RateLimited("Wait."), HELLO) as served, talking(served) as talk:
        await talk.create()
        [error] = await talk.answer()
        assert (await talk.asked())["status"] == "completed"

    assert error["status"] == 429
    assert error["error"]["message"] == "Wait."


async def test_a_reply_that_breaks_off_is_a_failed_response():
    async with (
        scripted([BEGUN, ProtocolError("It broke.")], HELLO) as served,
        talking(served) as talk,
    ):
        await talk.create()
        last = (await talk.answer())[-1]
        assert (await talk.asked())["status"] == "completed"

    assert last["type"] == "response.failed"
    assert "It broke." in last["response"]["error"]["message"]


@pytest.mark.parametrize(
    ("begun", "end"), [(None, "error"), (BEGUN, "response.failed")], ids=["early", "late"]
)
async def test_a_fault_of_ours_ends_the_response_and_not_the_connection(begun, end, caplog):
    broken: Any = [begun, 3] if begun else 3  # not what a backend says: nobody foresaw it
    async with scripted(broken, HELLO) as served, talking(served) as talk:
        await talk.create()
        last = (await talk.answer())[-1]
        assert (await talk.asked())["status"] == "completed"

    assert last["type"] == end
    assert "report it" in str(last)
    assert "TypeError" in caplog.text
    assert "Hi" not in caplog.text


async def test_requests_are_answered_one_after_the_other():
    gate = asyncio.Event()
    async with scripted([BEGUN, gate, REST], HELLO) as served, talking(served) as talk:
        await talk.create("first", stream_id="a")
        await talk.create("second", stream_id="b")
        while not served.backend.speaking:
            await asyncio.sleep(0)
        gate.set()
        first, second = await talk.answer(), await talk.answer()

    assert {event["stream_id"] for event in first} == {"a"}
    assert {event["stream_id"] for event in second} == {"b"}
    said = [request.messages[0].parts for request in served.backend.requests]
    assert said == [(Text("first"),), (Text("second"),)]


async def test_what_piles_up_is_refused():
    gate = asyncio.Event()
    many = responses_socket.WAITING
    async with (
        scripted([BEGUN, gate, REST], *[HELLO] * many) as served,
        talking(served) as talk,
    ):
        await talk.create()
        while not served.backend.speaking:
            await asyncio.sleep(0)
        for _ in range(many + 1):
            await talk.create()
        events = [await talk.hear()]
        while events[-1]["type"] != "error":
            events.append(await talk.hear())
        gate.set()
        for _ in range(many + 1):
            assert (await talk.answer())[-1]["type"] == "response.completed"

    assert events[-1]["status"] == 429


async def test_a_response_can_be_cancelled_and_the_next_asked_for():
    async with scripted([BEGUN, asyncio.Event()], HELLO) as served, talking(served) as talk:
        await talk.create()
        while (await talk.hear())["type"] != "response.output_text.delta":
            pass
        await talk.say({"type": "response.cancel"})
        last = (await talk.answer())[-1]
        assert served.backend.speaking == 0
        assert (await talk.asked())["status"] == "completed"

    assert last["type"] == "response.failed"
    assert "cancelled" in last["response"]["error"]["message"]


async def test_a_response_can_be_cancelled_before_it_has_begun():
    async with scripted([asyncio.Event()], HELLO) as served, talking(served) as talk:
        await talk.create(stream_id="a")
        while not served.backend.speaking:
            await asyncio.sleep(0)
        await talk.say({"type": "response.cancel"})
        [error] = await talk.answer()
        assert (await talk.asked())["status"] == "completed"

    assert error["error"]["code"] == "response_cancelled"
    assert error["stream_id"] == "a"


async def test_a_word_in_the_input_cancels_nothing():
    async with scripted(HELLO) as served, talking(served) as talk:
        await talk.say({"type": "response.cancel"})  # there is nothing to cancel
        response = await talk.asked("response.cancel")

    assert response["status"] == "completed"


@pytest.mark.usefixtures("_a_place_of_its_own_for_temporary_files")
@pytest.mark.parametrize("how", ["close", "leave", "vanish"])
async def test_who_leaves_stops_the_vendor_and_leaves_nothing(how):
    async with scripted(HELLO, [BEGUN, asyncio.Event()]) as served:
        async with talking(served) as talk:
            await talk.asked()
        before = remains(served)
        async with asyncio.timeout(20):
            if how == "close":
                async with talking(served) as talk:
                    await talk.create()
                    while not served.backend.speaking:
                        await asyncio.sleep(0.001)
            else:
                async with raw_client(served.port) as client:
                    await client.say(handshake())
                    await client.reader.readuntil(b"\r\n\r\n")
                    await client.say(masked(b'{"type":"response.create","input":"Hi"}'))
                    while not served.backend.speaking:
                        await asyncio.sleep(0.001)
                    client.leave() if how == "leave" else client.vanish()
            while served.backend.speaking:
                await asyncio.sleep(0.001)
        await nothing_more_than(before, served)

    assert served.gateway.limit.running == 0


def handshake():
    lines = [f"GET {PATH} HTTP/1.1", "Host: localhost"]
    lines += [f"{name}: {value}" for name, value in UPGRADE.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def masked(payload):
    """A text frame of a client (RFC 6455, section 5.2), under a mask of zeros."""
    assert len(payload) < 126
    return bytes([0x81, 0x80 | len(payload)]) + bytes(4) + payload


async def test_there_are_signs_of_life_while_the_vendor_is_silent():
    async with scripted([asyncio.Event()], heartbeat=0.1) as served:
        async with talking(served, autoping=False) as talk:
            await talk.create()
            for _ in range(2):
                assert (await talk.socket.receive(timeout=20)).type is WSMsgType.PING
            # They were not answered, and the connection is still there.
            await talk.say({"type": "response.cancel"})
            while (message := await talk.socket.receive(timeout=20)).type is WSMsgType.PING:
                pass
            assert message.json()["error"]["code"] == "response_cancelled"


async def test_messages_are_compressed_for_who_offers_it():
    async with scripted(HELLO, HELLO) as served:
        async with talking(served, compress=15) as talk:
            assert talk.socket.compress
            assert (await talk.asked("x" * 100_000))["status"] == "completed"
        async with talking(served) as talk:
            assert not talk.socket.compress
            assert (await talk.asked())["status"] == "completed"


@pytest.mark.parametrize("compress", [0, 15])
async def test_a_message_has_a_limit_also_when_it_is_small_on_the_wire(compress):
    async with scripted(max_body_mb=1) as served, talking(served, compress=compress) as talk:
        await talk.create("x" * 2**20)
        message = await talk.socket.receive(timeout=20)

    assert message.type in {WSMsgType.CLOSE, WSMsgType.CLOSED}
    assert talk.socket.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Authorization": "Bearer wrong"}, 401),
        ({}, 401),
    ],
    ids=["origin", "host", "key", "no-key"],
)
async def test_the_guard_stands_before_the_upgrade(headers, status):
    async with scripted(api_key="secret") as served:
        key = {} if status == 401 else {"Authorization": "Bearer secret"}
        with pytest.raises(WSServerHandshakeError) as caught:
            async with talking(served, headers={**key, **headers}):
                pass

    assert caught.value.status == status


async def test_who_may_come_in_gets_in():
    origin = "http://localhost:3000"
    settings = {"api_key": "secret", "allowed_origins": (origin,)}
    headers = {"Authorization": "Bearer secret", "Origin": origin}
    async with scripted(HELLO, **settings) as served, talking(served, headers=headers) as talk:
        assert (await talk.asked())["status"] == "completed"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Connection": "Upgrade", "Upgrade": "h2c"},
        {**UPGRADE, "Sec-WebSocket-Version": "7000"},
        {**UPGRADE, "Sec-WebSocket-Key": "short"},
        {**UPGRADE, "Sec-WebSocket-Key": "%%%"},
        {**UPGRADE, "Connection": "keep-alive"},
    ],
    ids=["plain", "other", "version", "key", "no-base64", "connection"],
)
async def test_what_is_no_upgrade_is_told_which_one_there_is(headers):
    async with scripted() as served:
        answer, data = await served.get(PATH, **headers)

    assert answer.status == 426
    assert answer.headers["Upgrade"] == "websocket"
    assert "WebSocket" in loads(data)["error"]["message"]


async def test_there_are_only_so_many_and_the_next_is_sent_elsewhere(monkeypatch):
    monkeypatch.setattr(responses_socket, "MOST", 1)
    async with scripted(HELLO, HELLO) as served:
        async with talking(served) as talk:
            with pytest.raises(WSServerHandshakeError) as caught:
                async with talking(served):
                    pass
            assert (await talk.asked())["status"] == "completed"
        async with asyncio.timeout(20):
            while served.server._responses._sockets._open:
                await asyncio.sleep(0.001)
        async with talking(served) as talk:
            assert (await talk.asked())["status"] == "completed"

    assert caught.value.status == 426


async def test_stopping_lets_a_response_end_and_then_says_goodbye():
    gate = asyncio.Event()
    async with scripted([BEGUN, gate, REST]) as served, talking(served) as talk:
        async with talking(served) as idle:
            await talk.create()
            while not served.backend.speaking:
                await asyncio.sleep(0)
            stopping = asyncio.create_task(served.server.stop())
            await asyncio.sleep(0)
            gate.set()
            assert (await talk.answer())[-1]["type"] == "response.completed"
            for each in (talk, idle):
                message = await each.socket.receive(timeout=20)
                assert message.type is WSMsgType.CLOSE
                assert message.data == aiohttp.WSCloseCode.GOING_AWAY
            await stopping


async def test_a_response_that_does_not_end_in_time_is_ended_with_the_reason():
    async with (
        scripted([BEGUN, asyncio.Event()], shutdown_grace=0.01) as served,
        talking(served) as talk,
    ):
        await talk.create()
        while (await talk.hear())["type"] != "response.output_text.delta":
            pass
        stopping = asyncio.create_task(served.server.stop())
        last = (await talk.answer())[-1]
        await talk.socket.close()
        await stopping

    assert last["type"] == "response.failed"
    assert "shutting down" in last["response"]["error"]["message"]
