import asyncio
import json

import pytest
from acp.connection import Connection
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.errors import BackendUnavailable, ProtocolError
from lingma_proxy.jsonio import dumpb, loads
from lingma_proxy.transports.base import FramedTransport, Lines, Lsp, Once
from support.cuts import at_code_units, at_points
from support.strategies import json_values

HELLO = {"jsonrpc": "2.0", "id": 1, "method": "hello", "params": {}}


class Wire:
    """A ByteStream in memory.  It writes in two halves, and waits in between while it is held."""

    def __init__(self, *chunks: bytes | Exception) -> None:
        self.chunks = asyncio.Queue[bytes | Exception]()
        for chunk in chunks:
            self.chunks.put_nowait(chunk)
        self.said = b""
        self.free = asyncio.Event()
        self.free.set()
        self.begun = asyncio.Event()
        self.broken: OSError | None = None
        self.closed = 0

    async def read(self) -> bytes:
        chunk = await self.chunks.get()
        if isinstance(chunk, Exception):
            raise chunk
        return chunk

    async def write(self, data: bytes) -> None:
        middle = len(data) // 2
        self.said += data[:middle]
        self.begun.set()
        await self.free.wait()
        if self.broken:
            raise self.broken
        self.said += data[middle:]

    async def close(self) -> None:
        self.closed += 1
        self.chunks.put_nowait(b"")


def lines(*messages) -> bytes:
    return b"".join(dumpb(message) + b"\n" for message in messages)


async def heard(transport: FramedTransport) -> list:
    said = []
    while (message := await transport.receive()) is not None:
        said.append(message)
    return said


@pytest.mark.parametrize("codec", [Lsp, Lines])
async def test_what_one_sends_the_other_receives(codec) -> None:
    there = Wire()
    await FramedTransport(there, codec()).send(HELLO)
    await FramedTransport(there, codec()).send({"id": "x", "result": None})

    transport = FramedTransport(Wire(there.said, b""), codec())

    assert await heard(transport) == [HELLO, {"id": "x", "result": None}]
    assert transport.failure is None


ids = st.none() | st.integers() | st.text(max_size=5)
messages = st.fixed_dictionaries(
    {}, optional={"id": ids, "method": st.text(max_size=5), "params": json_values}
)


@given(st.lists(messages, max_size=5), st.lists(st.integers(0, 200)), st.sampled_from([Lsp, Lines]))
def test_messages_come_one_by_one_and_in_order_however_they_are_cut(said, points, codec) -> None:
    stream = b"".join(codec().encode(dumpb(message)) for message in said)
    chunks = [chunk for chunk in at_points(stream, points) if chunk]

    async def story():
        return await heard(FramedTransport(Wire(*chunks, b""), codec()))

    assert asyncio.run(story()) == loads(dumpb(said))


NO_MESSAGES = {
    "a number": 1,
    "a list": [HELLO],
    "an id that is a list": {"id": [], "result": 1},
    "an id that is a boolean": {"id": True, "result": 1},
    "an id that is a fraction": {"id": 1.5, "result": 1},
    "a method that is a number": {"method": 1},
    "a method that is an object": {"id": 1, "method": {}},
    "an error that is text": {"id": 1, "error": "no"},
}


@pytest.mark.parametrize("message", NO_MESSAGES.values(), ids=NO_MESSAGES)
async def test_what_is_no_message_is_the_end_and_the_failure(message) -> None:
    transport = FramedTransport(Wire(lines(HELLO, message, HELLO)), Lines(lenient=False))

    assert await heard(transport) == [HELLO]
    assert isinstance(transport.failure, ProtocolError)
    assert await transport.receive() is None


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"id": None, "method": "x"},
        {"id": "1", "method": "x"},
        {"id": 2**60, "error": None},
        {"id": 1, "error": {"code": "x"}},
        {"id": 1, "result": 1, "error": "the library does not look at it"},
        {"method": None, "id": 1},
    ],
)
async def test_whatever_the_library_can_bear_is_passed_on(message) -> None:
    assert await heard(FramedTransport(Wire(lines(message), b""), Lines())) == [message]


@pytest.mark.parametrize("body", [b"oops", b"", b"\xff", b'{"a":1', b"[" * 100_000])
async def test_a_frame_that_is_no_json_is_the_end_for_who_counts_bytes(body) -> None:
    transport = FramedTransport(Wire(Lsp().encode(dumpb(HELLO)) + Lsp().encode(body)), Lsp())

    assert await heard(transport) == [HELLO]
    assert isinstance(transport.failure, ProtocolError)


async def test_a_line_that_is_no_message_is_skipped_and_noted() -> None:
    stream = b"\x1b[32mStarting\x1b[0m \xff token=hunter2\n" + lines(HELLO, 5) + b"[1]\n{oops\n"
    transport = FramedTransport(Wire(stream, lines(HELLO), b'{"half', b""), Lines())

    assert await heard(transport) == [HELLO, HELLO]
    assert transport.failure is None
    assert transport.skipped == '[1] | {oops | {"half'


@pytest.mark.parametrize("codec", [Lsp, Lines])
@given(text=st.text(max_size=9), points=st.lists(st.integers(0, 12)))
def test_a_text_that_was_cut_between_code_units_is_heard_with_all_its_halves(
    codec, text, points
) -> None:
    pieces = at_code_units(text, points)
    said = [{"method": "session/update", "params": {"text": piece}} for piece in pieces]
    stream = b"".join(codec().encode(json.dumps(message).encode()) for message in said)

    async def story():
        transport = FramedTransport(Wire(stream, b""), codec())
        return await heard(transport), transport.failure, transport.skipped

    assert asyncio.run(story()) == (said, None, "")


async def test_half_a_character_is_kept_only_where_a_text_is_told_in_pieces() -> None:
    half = {"\ud83d": ["\ud83d"]}
    said = [
        {"id": "\ud83d", "method": "\ud83d", "params": half},
        {"id": 1, "result": half},
        {"id": 2, "error": {"code": 1, "message": "\ud83d", "data": half}},
    ]
    stream = b"".join(json.dumps(message).encode() + b"\n" for message in said)
    mended = {"\ufffd": ["\ufffd"]}

    assert await heard(FramedTransport(Wire(stream, b""), Lines())) == [
        {"id": "\ufffd", "method": "\ufffd", "params": half},
        {"id": 1, "result": mended},
        {"id": 2, "error": {"code": 1, "message": "\ufffd", "data": mended}},
    ]


async def test_bytes_that_are_not_utf_8_cost_a_character_and_not_the_message() -> None:
    stream = b'{"method":"x","params":{"text":"a\xff\xed\xa0\xbdb"}}\n'
    (message,) = await heard(FramedTransport(Wire(stream, b""), Lines()))

    assert message["params"]["text"][:2] == "a\ufffd"
    assert message["params"]["text"][-1] == "b"


async def test_what_we_send_is_utf_8_whatever_it_holds() -> None:
    wire = Wire()
    await FramedTransport(wire, Lines()).send({"params": {"cwd": "/caf\udce9"}})

    assert wire.said == '{"params":{"cwd":"/caf\ufffd"}}\n'.encode()


async def test_the_note_of_what_was_skipped_is_bounded_and_has_no_secret() -> None:
    transport = FramedTransport(Wire(b"x" * 100_000 + b"\n" + b"token=hunter2\n", b""), Lines())

    assert await heard(transport) == []
    assert transport.skipped == "[…] | token=[…]"


async def test_messages_before_a_frame_that_breaks_the_rules_are_heard_without_waiting() -> None:
    transport = FramedTransport(Wire(Lsp().encode(dumpb(HELLO)) + b"{}"), Lsp())

    assert await heard(transport) == [HELLO]
    assert isinstance(transport.failure, ProtocolError)


@pytest.mark.parametrize("stream", [b"Content-Le", b"Content-Length: 9\r\n\r\n{"])
async def test_an_end_inside_a_frame_is_a_failure(stream) -> None:
    transport = FramedTransport(Wire(stream, b""), Lsp())

    assert await heard(transport) == []
    assert isinstance(transport.failure, ProtocolError)


async def test_a_connection_that_breaks_is_a_failure() -> None:
    transport = FramedTransport(Wire(lines(HELLO), ConnectionResetError("/secret")), Lines())

    assert await heard(transport) == [HELLO]
    assert isinstance(transport.failure, BackendUnavailable)
    assert transport.failure.message == "The connection broke off (ConnectionResetError)."


async def test_a_stream_may_say_itself_why_it_ends() -> None:
    failure = ProtocolError("It is too long.")
    transport = FramedTransport(Wire(failure), Lines())

    assert await heard(transport) == []
    assert transport.failure is failure


async def test_who_is_cancelled_while_waiting_loses_nothing() -> None:
    wire = Wire(lines(HELLO)[:9])
    transport = FramedTransport(wire, Lines())
    waiting = asyncio.create_task(transport.receive())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})

    wire.chunks.put_nowait(lines(HELLO)[9:])

    assert waiting.cancelled()
    assert await transport.receive() == HELLO


async def test_frames_sent_together_do_not_mix() -> None:
    wire = Wire()
    transport = FramedTransport(wire, Lines())

    await asyncio.gather(*(transport.send({"id": number}) for number in range(20)))

    assert wire.said == lines(*({"id": number} for number in range(20)))


async def test_a_frame_that_has_begun_goes_on_when_its_sender_is_cancelled() -> None:
    wire = Wire()
    wire.free.clear()
    transport = FramedTransport(wire, Lines())
    first = asyncio.create_task(transport.send({"id": 1}))
    second = asyncio.create_task(transport.send({"id": 2}))
    third = asyncio.create_task(transport.send({"id": 3}))
    await wire.begun.wait()
    first.cancel()
    second.cancel()
    await asyncio.wait({first, second})

    wire.free.set()
    await third

    assert first.cancelled()
    assert second.cancelled()
    assert wire.said == lines({"id": 1}, {"id": 3})


@pytest.mark.parametrize("cancelled", [False, True])
async def test_who_sends_to_nobody_is_told_so(cancelled) -> None:
    wire = Wire()
    wire.free.clear()
    wire.broken = BrokenPipeError()
    transport = FramedTransport(wire, Lines())
    sending = asyncio.create_task(transport.send(HELLO))
    await wire.begun.wait()
    if cancelled:  # then nobody is there to be told, and nothing is left unsaid in the log
        sending.cancel()
        await asyncio.wait({sending})

    wire.free.set()

    with pytest.raises(asyncio.CancelledError if cancelled else ConnectionError):
        await sending
    with pytest.raises(ConnectionError):
        await transport.send(HELLO)


async def test_nothing_is_sent_after_the_end() -> None:
    wire = Wire()
    transport = FramedTransport(wire, Lines())
    await transport.close()

    with pytest.raises(ConnectionError):
        await transport.send(HELLO)
    assert wire.said == b""


async def test_closing_ends_who_waits_and_is_no_failure(monkeypatch) -> None:
    monkeypatch.setattr("lingma_proxy.transports.base.FAREWELL", 0)
    wire = Wire()
    wire.free.clear()
    transport = FramedTransport(wire, Lsp())
    hearing = asyncio.create_task(transport.receive())
    stuck = asyncio.create_task(transport.send({"id": 1}))
    waiting = asyncio.create_task(transport.send({"id": 2}))
    await wire.begun.wait()

    await asyncio.gather(transport.close(), transport.close())

    assert await hearing is None
    assert transport.failure is None
    for sending in (stuck, waiting):
        with pytest.raises(ConnectionError):
            await sending
    assert await transport.receive() is None


async def test_the_last_word_goes_out_when_its_sender_is_cancelled_and_we_close() -> None:
    wire = Wire()
    transport = FramedTransport(wire, Lines())
    sending = asyncio.create_task(transport.send(HELLO))
    await asyncio.sleep(0)
    sending.cancel()
    await transport.close()

    assert wire.said == lines(HELLO)
    assert wire.closed == 1


async def test_the_librarys_connection_runs_on_it_without_a_word_in_the_log(caplog) -> None:
    wire = Wire()

    async def handle(method, params, _is_notification):
        return {method: params}

    connection = Connection(handle, FramedTransport(wire, Lines()))
    asking = asyncio.create_task(connection.send_request("ask", {}))
    await wire.begun.wait()
    wire.chunks.put_nowait(
        lines({"id": 0, "result": "yes"}, {"id": "q", "method": "m", "params": 1})
    )
    assert await asking == "yes"
    while b'"q"' not in wire.said:
        await asyncio.sleep(0)
    wire.chunks.put_nowait(lines({"id": []}))
    asking = asyncio.create_task(connection.send_request("ask", {}))
    with pytest.raises(ConnectionError):
        await asking
    await connection.close()

    assert [json.loads(line) for line in wire.said.splitlines()][1] == {
        "jsonrpc": "2.0",
        "id": "q",
        "result": {"m": 1},
    }
    assert not caplog.records


async def test_what_is_done_once_is_done_once_and_to_its_end() -> None:
    begun, go, done = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await go.wait()
        done.append(1)

    once = Once(work)
    impatient = asyncio.create_task(once())
    await begun.wait()
    impatient.cancel()
    await asyncio.wait({impatient})
    go.set()
    await asyncio.gather(once(), once())
    await once()

    assert impatient.cancelled()
    assert done == [1]


@given(st.lists(st.integers(0, 200)))
def test_a_message_is_known_as_it_came(points) -> None:
    bodies = [b'{"method": "a",  "params":{}}', b'{"id":1,"result":"\xf0\x9f\x98\x80"}']
    said = b"\n".join(bodies) + b"\n"

    async def known() -> list[bytes]:
        transport = FramedTransport(Wire(*filter(None, at_points(said, points)), b""), Lines())
        found = []
        while await transport.receive() is not None:
            found.append(transport.heard)
        return found

    assert asyncio.run(known()) == bodies
