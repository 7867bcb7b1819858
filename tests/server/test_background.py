"""A response in the background is made whoever waits, and can be asked for at any time."""

import asyncio
import tempfile
from contextlib import asynccontextmanager

import pytest
from openai import AsyncOpenAI, NotFoundError

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
from lingma_proxy.errors import InvalidRequest, ProtocolError, RateLimited
from lingma_proxy.jsonio import loads
from lingma_proxy.server import background
from lingma_proxy.server.background import starting_after
from support.remains import nothing_more_than, remains
from support.served import HELLO, scripted

PATH = "/v1/responses"
ASKED = {"model": "kmodel", "input": "Hi", "background": True}
BEGUN: list[Event] = [ReplyStarted("r", "kmodel"), PartStarted(0, Text("")), PartDelta(0, "Hel")]
REST: list[Event] = [PartDelta(0, "lo!"), PartEnded(0), ReplyEnded(FinishReason.STOP, Usage(3, 2))]


@pytest.fixture
def storing(tmp_path):
    """A server that keeps what is said, and the official client of it."""

    @asynccontextmanager
    async def storing(*scripts, **settings):
        kept = {"recording": "on", "data_dir": str(tmp_path), **settings}
        async with (
            scripted(*scripts, **kept) as served,
            AsyncOpenAI(api_key="k", base_url=f"{served.url}/v1", max_retries=0) as client,
        ):
            yield served, client

    return storing


@pytest.fixture
def _a_place_of_its_own_for_temporary_files(monkeypatch, tmp_path_factory):
    """Whatever else runs on this machine writes to the usual one, too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("temporary")))


async def ended(client, id):
    """The response when it is in one of its last states, asked for again and again."""
    async with asyncio.timeout(20):
        while True:
            response = await client.responses.retrieve(id)
            if response.status not in {"queued", "in_progress"}:
                return response


async def spoken(served):
    async with asyncio.timeout(20):
        while not served.backend.speaking:
            await asyncio.sleep(0.001)


async def test_it_can_be_asked_for_until_it_has_ended(storing):
    gate = asyncio.Event()
    async with storing([BEGUN, gate, REST]) as (served, client):
        begun = await client.responses.create(**ASKED)
        assert (begun.status, begun.background) == ("queued", True)
        await spoken(served)
        async with asyncio.timeout(20):
            while (await client.responses.retrieve(begun.id)).status != "in_progress":
                pass
        gate.set()
        response = await ended(client, begun.id)

    assert (response.status, response.output_text) == ("completed", "Hello!")
    assert response.background is True


async def test_it_is_kept_as_any_other(storing):
    async with storing(HELLO) as (_, client):
        id = (await client.responses.create(**ASKED)).id
        await ended(client, id)
    async with storing(HELLO) as (served, client):
        assert (await client.responses.retrieve(id)).output_text == "Hello!"
        assert (await client.responses.cancel(id)).status == "completed"
        more = await client.responses.create(model="kmodel", input="More", previous_response_id=id)

    assert more.output_text == "Hello!"
    assert len(served.backend.requests[-1].messages) == 3


async def test_it_goes_on_when_who_asked_has_left(storing):
    gate = asyncio.Event()
    async with storing([BEGUN, gate, REST]) as (_, client):
        stream = await client.responses.create(**ASKED, stream=True)
        async for event in stream:
            if event.type == "response.created":
                id = event.response.id
            if event.type == "response.output_text.delta":
                break
        await stream.close()
        gate.set()
        response = await ended(client, id)

    assert response.output_text == "Hello!"


@pytest.mark.parametrize("already", [False, True], ids=["while", "after"])
async def test_its_events_can_be_had_again_from_anywhere(storing, already):
    gate = asyncio.Event()
    async with storing([BEGUN, gate, REST]) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        await spoken(served)
        if already:
            gate.set()
            await ended(client, id)
        hearing = await client.responses.retrieve(id, stream=True)
        late = await client.responses.retrieve(id, stream=True, starting_after=3)
        gate.set()
        everything = [event async for event in hearing]
        rest = [event async for event in late]

    assert [event.sequence_number for event in everything] == list(range(len(everything)))
    assert everything[-1].type == "response.completed"
    assert rest == everything[4:]


async def test_there_are_signs_of_life_for_who_listens(storing):
    async with storing([asyncio.Event()], heartbeat=0.1, shutdown_grace=0) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        url = f"{served.url}{PATH}/{id}?stream=true"
        async with served.session.get(url) as answer:
            for _ in range(2):
                assert (await answer.content.readuntil(b"\n\n")).startswith(b":")


async def test_it_can_be_cancelled_once_and_again(storing):
    async with storing([BEGUN, asyncio.Event()]) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        await spoken(served)
        first = await client.responses.cancel(id)
        assert served.backend.speaking == 0
        second = await client.responses.cancel(id)
    async with storing() as (_, client):
        third = await client.responses.retrieve(id)
        fourth = await client.responses.cancel(id)

    assert {each.status for each in (first, second, third, fourth)} == {"cancelled"}


async def test_who_listens_hears_the_end_of_what_is_cancelled(storing):
    async with storing([BEGUN, asyncio.Event()]) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        await spoken(served)
        hearing = await client.responses.retrieve(id, stream=True)
        await client.responses.cancel(id)

        assert len([event async for event in hearing]) > 0


async def test_it_can_be_forgotten_while_it_is_made(storing):
    async with storing([BEGUN, asyncio.Event()]) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        await spoken(served)
        await client.responses.delete(id)
        assert served.backend.speaking == 0
        with pytest.raises(NotFoundError):
            await client.responses.retrieve(id)


@pytest.mark.parametrize(
    "script",
    [RateLimited("It broke."), [BEGUN, ProtocolError("It broke.")]],
    ids=["refused", "broken off"],
)
async def test_what_goes_wrong_is_told_by_the_response(storing, script):
    async with storing(script) as (_, client):
        response = await ended(client, (await client.responses.create(**ASKED)).id)

    assert response.status == "failed"
    assert "It broke." in response.error.message


async def test_a_fault_of_ours_is_told_too(storing, caplog):
    async with storing(3) as (_, client):
        response = await ended(client, (await client.responses.create(**ASKED)).id)

    assert response.status == "failed"
    assert "report it" in response.error.message
    assert "TypeError" in caplog.text


async def test_what_it_was_asked_can_be_listed_while_it_is_made(storing):
    async with storing([asyncio.Event()], shutdown_grace=0) as (_, client):
        id = (await client.responses.create(**ASKED)).id
        items = await client.responses.input_items.list(id)

    assert items.data[0].content[0].text == "Hi"


async def test_without_a_recording_it_is_remembered_for_a_while():
    async with scripted(HELLO) as served:
        _, data = await served.post(PATH, ASKED)
        id = loads(data)["id"]
        async with asyncio.timeout(20):
            while loads((await served.get(f"{PATH}/{id}"))[1])["status"] != "completed":
                pass


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"store": False}, "background"),
        ({"input": 7}, "input"),
        ({"previous_response_id": "x"}, "previous_response_id"),
    ],
    ids=["store", "input", "previous"],
)
async def test_what_cannot_be_done_is_refused_at_once(storing, more, param):
    async with storing() as (served, _):
        answer, data = await served.post(PATH, {**ASKED, **more})

    assert answer.status == 400
    assert loads(data)["error"]["param"] == param


async def test_there_are_bounds_to_how_many_there_are(storing, monkeypatch):
    monkeypatch.setattr(background, "MOST", 1)
    monkeypatch.setattr(background, "ENDED", 0)
    async with storing([BEGUN, asyncio.Event()], HELLO) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        answer, _ = await served.post(PATH, ASKED)
        assert answer.status == 429
        await client.responses.cancel(id)
        response = await ended(client, (await client.responses.create(**ASKED)).id)
        again, data = await served.get(f"{PATH}/{response.id}?stream=true")

    assert response.status == "completed"
    assert again.status == 400
    assert loads(data)["error"]["param"] == "stream"


async def test_what_is_too_long_to_be_had_again_can_be_had_whole(storing):
    long: list[Event] = [PartDelta(0, "x" * 1000)] * 2000
    async with storing([BEGUN, long, REST], max_body_mb=1) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        response = await ended(client, id)
        again, data = await served.get(f"{PATH}/{id}?stream=true")

    assert len(response.output_text) == 2_000_006
    assert again.status == 400
    # One that ended holds no more than may be held, so it may be forgotten altogether.
    assert "without" in loads(data)["error"]["message"]


async def test_stopping_lets_it_end_and_keeps_it(storing):
    gate = asyncio.Event()
    async with storing([BEGUN, gate, REST]) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        await spoken(served)
        stopping = asyncio.create_task(served.server.stop())
        await asyncio.sleep(0)
        gate.set()
        await stopping
    async with storing() as (_, client):
        assert (await client.responses.retrieve(id)).output_text == "Hello!"


async def test_what_does_not_end_in_time_is_kept_with_the_reason(storing):
    async with storing([BEGUN, asyncio.Event()], shutdown_grace=0.01) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        await spoken(served)
    async with storing() as (_, client):
        response = await client.responses.retrieve(id)

    assert response.status == "failed"
    assert "shutting down" in response.error.message


@pytest.mark.usefixtures("_a_place_of_its_own_for_temporary_files")
async def test_nothing_is_left_behind(storing):
    async with storing(HELLO, HELLO, [BEGUN, asyncio.Event()]) as (served, client):
        await ended(client, (await client.responses.create(**ASKED)).id)
        # The file of the recording is opened once, by a thread, and stays open.
        await served.gateway.recording.responses.find("resp_none")
        before = remains(served)
        await ended(client, (await client.responses.create(**ASKED)).id)
        id = (await client.responses.create(**ASKED)).id
        await spoken(served)
        await client.responses.cancel(id)
        await nothing_more_than(before, served)


@pytest.mark.parametrize(("value", "after"), [(None, -1), ("0", 0), ("17", 17)])
def test_one_begins_where_one_wants(value, after):
    assert starting_after(value) == after


@pytest.mark.parametrize("value", ["", "-1", "x", "1.5", "٣", "9" * 5000])
def test_a_place_to_begin_is_a_number(value):
    with pytest.raises(InvalidRequest) as caught:
        starting_after(value)

    assert caught.value.param == "starting_after"
