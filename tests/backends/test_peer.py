import asyncio
from contextlib import asynccontextmanager

import pytest

from lingma_proxy.backends.peer import Lost, Peer, code_of, data_of
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    NotLoggedIn,
    ProtocolError,
    ProxyError,
)
from lingma_proxy.transports.base import FramedTransport, Lines
from support.streams_of_bytes import Messages, Pipe


class Stage:
    def __init__(self, peer, other, told):
        self.peer, self.other, self.told = peer, other, told

    async def asked(self, method="m", params=None, limit=None):
        """What becomes of a request, and the request as the other side hears it."""
        asking = asyncio.create_task(self.peer.request(method, params or {}, limit=limit))
        return asking, await self.other.hear()


@asynccontextmanager
async def staged(hear=None):
    ours, theirs = Pipe.pair()
    told = []
    peer = await Peer.over(
        FramedTransport(ours, Lines(lenient=False)),
        "Somebody",
        hear or (lambda method, params: told.append((method, params))),
        "Log in.",
    )
    try:
        yield Stage(peer, Messages(theirs), told)
    finally:
        await peer.aclose()
        await peer.aclose()
        assert ours.closed


async def test_a_request_gets_its_result():
    async with staged() as stage:
        asking, heard = await stage.asked("config/queryModels", {"a": 1})
        stage.other.say({"jsonrpc": "2.0", "id": heard["id"], "result": {"b": 2}})

        assert heard | {"id": 0} == {
            "jsonrpc": "2.0",
            "id": 0,
            "method": "config/queryModels",
            "params": {"a": 1},
        }
        assert await asking == {"b": 2}


async def test_ids_are_integers_and_never_zero():
    async with staged() as stage:
        ids = []
        for _ in range(3):
            asking, heard = await stage.asked()
            ids.append(heard["id"])
            stage.other.say({"jsonrpc": "2.0", "id": heard["id"], "result": None})
            await asking

    assert ids == [1, 2, 3]


@pytest.mark.parametrize(
    ("code", "kind"),
    [(-32000, NotLoggedIn), (-32602, ProtocolError), (-1, BackendRefused)],
)
async def test_a_refusal_is_one_of_our_errors(code, kind):
    async with staged() as stage:
        asking, heard = await stage.asked()
        error = {"code": code, "message": "Not so."}
        stage.other.say({"jsonrpc": "2.0", "id": heard["id"], "error": error})

        with pytest.raises(kind, match=r"Somebody.*Not so") as caught:
            await asking
    assert code_of(caught.value) == code
    assert ("Log in." in str(caught.value)) == (kind is NotLoggedIn)


def test_an_error_that_is_no_refusal_has_no_code():
    assert code_of(ProxyError("x")) is None
    assert data_of(ProxyError("x")) == {}


async def test_what_came_with_a_refusal_can_be_looked_at():
    async with staged() as stage:
        asking, heard = await stage.asked()
        error = {"code": -32000, "message": "Log in.", "data": {"authMethods": []}}
        stage.other.say({"jsonrpc": "2.0", "id": heard["id"], "error": error})

        with pytest.raises(NotLoggedIn) as caught:
            await asking
    assert data_of(caught.value) == {"authMethods": []}


async def test_who_does_not_answer_is_not_waited_for_for_ever():
    async with staged() as stage:
        asking, _ = await stage.asked(limit=0.01)

        with pytest.raises(BackendTimeout, match="Somebody did not answer m"):
            await asking


async def test_what_is_told_is_handed_on_in_order_and_before_the_response():
    async with staged() as stage:
        asking, heard = await stage.asked()
        asking.add_done_callback(lambda _: stage.told.append("response"))
        updates = [{"jsonrpc": "2.0", "method": "u", "params": {"n": n}} for n in range(100)]
        stage.other.say(*updates, {"jsonrpc": "2.0", "id": heard["id"], "result": None})
        await asking
        await asyncio.sleep(0)

    assert stage.told == [*(("u", {"n": n}) for n in range(100)), "response"]


@pytest.mark.parametrize("params", [None, [], "x"])
async def test_what_is_told_with_odd_params_is_told_with_none(params):
    async with staged() as stage:
        asking, heard = await stage.asked()
        stage.other.say(
            {"jsonrpc": "2.0", "method": "u", "params": params},
            {"jsonrpc": "2.0", "id": heard["id"], "result": None},
        )
        await asking

    assert stage.told == [("u", {})]


@pytest.mark.parametrize("id", [7, "seven", 0])
async def test_a_permission_is_answered_at_once(id):
    async with staged() as stage:
        request = {"id": id, "method": "session/request_permission", "params": {"options": []}}
        stage.other.say({"jsonrpc": "2.0", **request})

        assert await stage.other.hear() == {
            "jsonrpc": "2.0",
            "id": id,
            "result": {"outcome": {"outcome": "cancelled"}},
        }


@pytest.mark.parametrize("method", ["fs/write_text_file", "terminal/create", "who/knows"])
async def test_what_touches_the_machine_is_refused(method, caplog):
    async with staged() as stage:
        stage.other.say({"jsonrpc": "2.0", "id": 1, "method": method, "params": {}})
        answer = await stage.other.hear()

    assert answer["error"]["code"] == -32601
    assert caplog.records == []
    assert stage.told == [(method, {})]  # a sign of life


async def test_what_is_told_by_way_of_a_request_is_acknowledged_and_told():
    async with staged() as stage:
        params = {"requestId": "1"}
        method = "chat/process_step_callback"
        stage.other.say({"jsonrpc": "2.0", "id": "s", "method": method, "params": params})

        assert await stage.other.hear() == {"jsonrpc": "2.0", "id": "s", "result": None}
        assert stage.told == [(method, params)]


async def test_when_the_other_side_goes_everybody_learns_it_after_all_that_came_before():
    async with staged() as stage:
        stage.peer.watch(lambda lost: stage.told.append(type(lost)))
        stage.peer.watch(never := lambda lost: stage.told.append("never"))
        stage.peer.unwatch(never)
        asking, _ = await stage.asked()
        stage.other.say({"jsonrpc": "2.0", "method": "u", "params": {}})
        await stage.other.pipe.close()

        with pytest.raises(Lost, match="Somebody ended the connection"):
            await asking
        assert stage.told == [("u", {}), Lost]
        assert isinstance(stage.peer.lost, Lost)
        with pytest.raises(Lost):
            await stage.peer.request("m", {})
        with pytest.raises(Lost):
            await stage.peer.notify("m", {})


async def test_nonsense_ends_it_and_is_named(caplog):
    async with staged() as stage:
        asking, _ = await stage.asked()
        stage.other.pipe.other.put(b"nonsense\n")

        with pytest.raises(Lost, match="no JSON object"):
            await asking
    assert caplog.records == []


async def test_an_answer_that_nobody_waits_for_is_no_news(caplog):
    async with staged() as stage:
        stage.other.say({"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {}})
        await stage.other.pipe.close()
        while stage.peer.lost is None:
            await asyncio.sleep(0)

    assert caplog.records == []


async def test_a_notification_is_sent():
    async with staged() as stage:
        await stage.peer.notify("session/cancel", {"sessionId": "1"})

        assert await stage.other.hear() == {
            "jsonrpc": "2.0",
            "method": "session/cancel",
            "params": {"sessionId": "1"},
        }


async def test_a_peer_that_is_given_up_while_it_is_made_leaves_nothing():
    ours, _ = Pipe.pair()
    making = asyncio.create_task(
        Peer.over(FramedTransport(ours, Lines()), "Somebody", lambda *_: None)
    )
    await asyncio.sleep(0)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making

    assert ours.closed
