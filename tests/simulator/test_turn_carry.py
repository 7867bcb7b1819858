import asyncio

import pytest

from lingma_proxy.simulator.line import Line
from lingma_proxy.simulator.plugin_faults import NONE, TABLE
from lingma_proxy.simulator.rpc import Asked, Call, Dropped, Peer, RpcError
from lingma_proxy.simulator.turn_carry import MANY, Turn
from lingma_proxy.simulator.turn_steps import Ask, Drop, Fail, Garble, Pause, Respond, Tell


class Wire:
    text = False

    def __init__(self):
        self.written = []

    async def write(self, data, *, binary):
        self.written.append(data)

    def drop(self):
        self.written.append(b"dropped")


def nothing(*_):
    raise AssertionError("nobody is heard here")


class Manner:
    said = ""

    def opening(self):
        return ()

    word = around = ending = failing = lambda self, _: ()
    middle = opening

    def cancelled(self):
        return [Tell("cancelled", {})]

    def unheard(self):
        return [Tell("unheard", {})]


class Stage:
    def __init__(self, faults="", ack_limit=None):
        self.wire = Wire()
        self.asked: list[Asked] = []
        self.cancelled = asyncio.Event()
        line = Line(self.wire, lambda body: body + b"\n", "binary")
        chosen = TABLE.parse(faults)
        peer = Peer(line, *[nothing] * 3, answered=nothing, faults=lambda: NONE)
        call = Call(1, "session/prompt", {}, line)
        self.turn = Turn(line, peer, call, chosen, self.cancelled, ack_limit, self.asked.append)

    async def carry(self, *steps):
        await self.turn.carry(Manner(), steps)
        return self.wire.written


def note(method):
    return b'{"jsonrpc":"2.0","method":"%b","params":{}}\n' % method


async def test_steps_are_taken_in_their_order():
    written = await Stage().carry(
        Tell("a", {}), Garble(b"?"), Pause(0.001), Respond(1), Respond(2), Fail(RpcError(1, "x"))
    )

    assert written == [note(b"a"), b"?", b'{"jsonrpc":"2.0","id":1,"result":1}\n']


async def test_several_messages_may_go_at_once():
    written = await Stage("joined").carry(*[Tell("a", {})] * (MANY + 1), Pause(0), Tell("b", {}))

    assert written == [note(b"a") * MANY, note(b"a"), note(b"b")]


async def test_a_request_is_waited_for():
    stage = Stage("string-ids")
    carrying = asyncio.create_task(stage.carry(Ask("x", {}), Tell("a", {})))
    while not stage.asked:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert stage.asked[0].id == "server-101"
    assert len(stage.wire.written) == 1
    stage.asked[0].answered.set()

    assert (await carrying)[1:] == [note(b"a")]


async def test_a_request_is_not_waited_for_for_ever_where_there_is_a_limit():
    written = await Stage(ack_limit=0.001).carry(Ask("x", {}), Tell("a", {}))

    assert written[1:] == [note(b"unheard")]


async def test_a_turn_that_is_cancelled_ends_in_its_own_way():
    stage = Stage()
    carrying = asyncio.create_task(stage.carry(Tell("a", {}), Pause(None), Tell("b", {})))
    await asyncio.sleep(0)
    stage.cancelled.set()

    assert await carrying == [note(b"a"), note(b"cancelled")]


async def test_the_deaf_do_not_hear_it():
    stage = Stage("deaf")
    stage.cancelled.set()

    assert await stage.carry(Tell("a", {}), Pause(0.001), Tell("b", {})) == [note(b"a"), note(b"b")]


async def test_a_connection_is_dropped_behind_what_was_said():
    stage = Stage("joined")
    with pytest.raises(Dropped):
        await stage.carry(Tell("a", {}), Drop(), Tell("b", {}))

    assert stage.wire.written == [note(b"a"), b"dropped"]


async def test_a_turn_is_cut_after_its_own_bytes():
    stage = Stage("cut=3")
    with pytest.raises(Dropped):
        await stage.carry(Tell("a", {}))

    assert stage.wire.written == [note(b"a")[:3], b"dropped"]
