import asyncio

import pytest

from lingma_proxy.jsonio import dumpb
from lingma_proxy.simulator.plugin_faults import NONE
from lingma_proxy.simulator.rpc import INVALID_PARAMS, Asked, Peer, RpcError, unmarshalled


class Wire:
    def __init__(self):
        self.sent = []
        self.gone = False

    async def send(self, *messages, faults):
        if self.gone:
            raise ConnectionResetError
        self.sent += messages


class World:
    """A peer, what it was told, and what it did."""

    def __init__(self, ids="any"):
        self.wire = Wire()
        self.calls: list[str] = []
        self.notices: list[tuple[str, dict]] = []
        self.complaints: list[str] = []
        self.answered: list[Asked] = []
        self.peer = Peer(
            self.wire,
            self.serve,
            lambda method, params: self.notices.append((method, params)),
            self.complaints.append,
            answered=self.answered.append,
            faults=lambda: NONE,
            ids=ids,
        )

    async def serve(self, call):
        self.calls.append(call.method)
        match call.method:
            case "refuse":
                raise RpcError(INVALID_PARAMS, "no", {"why": 1})
            case "wait":
                await asyncio.Event().wait()
            case "gone":
                raise ConnectionResetError
            case "early":
                await call.respond("early", NONE)
        return "done"

    async def hear(self, *messages):
        async def bodies():
            for message in messages:
                yield message if isinstance(message, bytes) else dumpb(message)
                await asyncio.sleep(0)
                await asyncio.sleep(0)

        await self.peer.run(bodies())
        return self.wire.sent


def request(method, id=1, **more):
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": {}, **more}


async def test_a_request_has_one_response():
    sent = await World().hear(request("do"), request("refuse", 2), request("early", "x"))

    assert sent == [
        {"jsonrpc": "2.0", "id": 1, "result": "done"},
        {
            "jsonrpc": "2.0",
            "id": 2,
            "error": {"code": INVALID_PARAMS, "message": "no", "data": {"why": 1}},
        },
        {"jsonrpc": "2.0", "id": "x", "result": "early"},
    ]


async def test_one_that_waits_keeps_no_other_from_being_served_and_ends_with_the_connection():
    world = World()

    assert await world.hear(request("wait"), request("do", 2)) == [
        {"jsonrpc": "2.0", "id": 2, "result": "done"}
    ]
    assert world.calls == ["wait", "do"]


async def test_nobody_is_told_what_nobody_hears():
    world = World()
    world.wire.gone = True

    assert await world.hear(request("do"), request("gone"), request("refuse"), b"{") == []


async def test_a_notification_has_no_response():
    world = World()

    assert await world.hear({"jsonrpc": "2.0", "method": "x", "params": {"a": 1}}) == []
    assert world.notices == [("x", {"a": 1})]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (b"{", -32700),
        (b"\xff", -32700),
        ([], -32600),
        ({"id": 1, "method": "x", "params": {}}, -32600),
        (request("x", id=None), -32600),
        (request("x", id=1.5), -32600),
        (request("x", id=True), -32600),
        (request("x", params=[]), -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "x"}, -32602),
    ],
)
async def test_what_breaks_the_rules_is_refused_and_complained_of(message, code):
    world = World()

    assert [sent["error"]["code"] for sent in await world.hear(message)] == [code]
    assert len(world.complaints) == 1


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0"},
        {"jsonrpc": "2.0", "id": None, "result": 1},
        {"jsonrpc": "2.0", "id": 7, "result": 1},
        {"jsonrpc": "2.0", "method": "x", "params": []},
        {"jsonrpc": "2.0", "method": "x"},
        {"jsonrpc": "2.0", "method": 7},
    ],
)
async def test_some_of_it_can_only_be_complained_of(message):
    world = World()

    assert await world.hear(message) == []
    assert len(world.complaints) == 1


async def test_ids_may_have_to_be_integers():
    [sent] = await World("integers").hear(request("x", id="1"))

    assert sent["error"]["code"] == -32600


async def test_answers_to_requests_of_ours_are_kept():
    world = World()
    first = world.peer.ask("a", {"b": 1})
    second = world.peer.ask("a", {}, string_id=True)
    third = world.peer.ask("a", {})
    await world.hear(
        {"jsonrpc": "2.0", "id": first.id, "result": [1]},
        {"jsonrpc": "2.0", "id": second.id, "error": {"code": 1, "message": "no"}},
        {"jsonrpc": "2.0", "id": str(third.id), "result": None},
    )

    assert first.message == {"jsonrpc": "2.0", "id": 101, "method": "a", "params": {"b": 1}}
    assert first.result == [1]
    assert (second.id, second.error) == ("server-102", {"code": 1, "message": "no"})
    assert not third.answered.is_set()
    assert world.answered == [first, second]
    assert world.complaints == ["a response to nobody: '103'"]


@pytest.mark.parametrize("odd", [{}, {"error": "no"}, {"result": 1, "error": {}}])
async def test_an_odd_answer_is_complained_of_and_counts(odd):
    world = World()
    asked = world.peer.ask("a", {})
    await world.hear({"jsonrpc": "2.0", "id": asked.id, **odd})

    assert asked.answered.is_set()
    assert len(world.complaints) == 1


@pytest.mark.parametrize(
    ("value", "kind"),
    [([], "array"), ("", "string"), (1, "number"), (1.5, "number"), (True, "bool"), (None, "null")],
)
def test_wrong_params_are_refused_in_go_s_words(value, kind):
    assert unmarshalled(value).startswith(f"json: cannot unmarshal {kind} into Go value")
