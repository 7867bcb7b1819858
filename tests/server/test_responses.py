"""The Responses API through the whole server, also as the official SDK sees it."""

import asyncio
import sqlite3
from contextlib import asynccontextmanager, closing, suppress

import pytest
from openai import AsyncOpenAI, BadRequestError, NotFoundError

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text, ToolCall
from lingma_proxy.errors import InvalidRequest, ProtocolError, RateLimited
from lingma_proxy.jsonio import loads
from lingma_proxy.recording.recording import FILE
from lingma_proxy.server.responses import page, page_of
from support.served import HELLO, scripted

PATH = "/v1/responses"
ASKED = {"model": "kmodel", "input": "Hi"}
CALLS = Reply(
    "r",
    "kmodel",
    (ToolCall("call_1", "look", '{"at":"it"}'),),
    FinishReason.TOOL_CALLS,
    Usage(3, 2),
)
CUT = Reply(
    "r",
    "kmodel",
    (Text("Hm."), ToolCall("call_1", "look", '{"a')),
    FinishReason.LENGTH,
    Usage(3, 2),
)
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}


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


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_is_found_as_soon_as_it_has_ended(storing, stream):
    async with storing(HELLO) as (served, client):
        if stream:
            async with client.responses.stream(**ASKED) as events:
                response = await events.get_final_response()
        else:
            response = await client.responses.create(**ASKED)
        found = await client.responses.retrieve(response.id)

    assert found.output_text == "Hello!"
    assert found.to_dict() == {
        name: value for name, value in response.to_dict().items() if name != "parsed"
    } | {"output": found.to_dict()["output"]}


@pytest.mark.parametrize("root", ["/v1/responses", "/api/v1/responses"])
async def test_every_path_is_also_below_api(storing, root):
    async with storing(HELLO) as (served, _):
        _, data = await served.post(root, ASKED)
        id = loads(data)["id"]
        found, _ = await served.get(f"{root}/{id}")
        items, _ = await served.get(f"{root}/{id}/input_items")
        counted, _ = await served.post(f"{root}/input_tokens", ASKED)

    assert (found.status, items.status, counted.status) == (200, 200, 200)


async def test_a_response_is_there_after_a_restart(storing):
    async with storing(HELLO) as (_, client):
        id = (await client.responses.create(**ASKED)).id
    async with storing() as (_, client):
        found = await client.responses.retrieve(id)

    assert found.output_text == "Hello!"


async def test_a_deleted_response_is_gone(storing):
    async with storing(HELLO) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        async with served.session.delete(f"{served.url}{PATH}/{id}") as answer:
            assert await answer.json() == {"id": id, "object": "response", "deleted": True}
        with pytest.raises(NotFoundError, match=f"Response with id '{id}' not found"):
            await client.responses.retrieve(id)
        with pytest.raises(NotFoundError):
            await client.responses.delete(id)


def stored(folder):
    """How many responses are on the disk, beside whatever else is."""
    with closing(sqlite3.connect(folder / FILE)) as connection, suppress(sqlite3.OperationalError):
        return connection.execute("SELECT count(*) FROM responses").fetchone()[0]
    return 0  # nobody has written anything


async def test_a_response_that_is_not_to_be_stored_is_on_no_disk(storing, tmp_path):
    async with storing(HELLO) as (_, client):
        response = await client.responses.create(**ASKED, store=False)
        assert stored(tmp_path) == 0
        with pytest.raises(NotFoundError):
            await client.responses.retrieve(response.id)


async def test_without_a_recording_it_is_said_why_nothing_is_known(tmp_path):
    async with scripted(HELLO, recording="off", data_dir=str(tmp_path)) as served:
        made, data = await served.post(PATH, {**ASKED, "store": True})
        found, why = await served.get(f"{PATH}/{loads(data)['id']}")

    assert (made.status, found.status) == (200, 404)
    assert "`recording` is off" in made.headers["x-lingma-proxy-warning"]
    assert "`recording` is off" in loads(why)["error"]["message"]
    assert list(tmp_path.iterdir()) == []


async def test_a_disk_that_fails_is_no_reason_not_to_answer(tmp_path):
    (tmp_path / "file").write_text("in the way")
    folder = str(tmp_path / "file")
    async with scripted(HELLO, HELLO, recording="on", data_dir=folder) as served:
        for _ in range(2):
            made, data = await served.post(PATH, ASKED)
            assert made.status == 200
        found, why = await served.get(f"{PATH}/{loads(data)['id']}")

    assert found.status == 503
    assert "The recording cannot be used" in loads(why)["error"]["message"]
    assert folder not in why.decode()


async def test_a_conversation_goes_on_by_id(storing):
    async with storing(HELLO, HELLO, HELLO) as (served, client):
        first = await client.responses.create(**ASKED, instructions="Be brief.")
        second = await client.responses.create(
            model="kmodel", input="More", previous_response_id=first.id
        )
        third = await client.responses.create(
            model="kmodel", input="Still more", previous_response_id=second.id
        )

    said = [part.text for message in served.backend.requests[-1].messages for part in message.parts]
    assert said == ["Hi", "Hello!", "More", "Hello!", "Still more"]
    assert third.previous_response_id == second.id


async def test_a_call_is_answered_by_id(storing):
    async with storing(CALLS, HELLO) as (served, client):
        first = await client.responses.create(**ASKED, tools=[LOOK])
        output = {"type": "function_call_output", "call_id": "call_1", "output": "seen"}
        await client.responses.create(
            model="kmodel", input=[output], previous_response_id=first.id, tools=[LOOK]
        )

    _, called, answered = served.backend.requests[-1].messages
    assert called.parts[0].arguments == '{"at":"it"}'
    assert answered.parts[0].call_id == called.parts[0].id == "call_1"


async def test_a_response_that_was_cut_off_can_be_gone_on_from(storing):
    async with storing(CUT, HELLO) as (served, client):
        first = await client.responses.create(**ASKED, tools=[LOOK])
        assert first.status == "incomplete"
        assert (await client.responses.retrieve(first.id)).status == "incomplete"
        await client.responses.create(
            model="kmodel", input="Go on", previous_response_id=first.id, tools=[LOOK]
        )

    said = [part.text for message in served.backend.requests[-1].messages for part in message.parts]
    assert said == ["Hi", "Hm.", "Go on"]


async def test_what_goes_on_from_something_unknown_is_refused(storing):
    async with storing() as (_, client):
        with pytest.raises(BadRequestError) as caught:
            await client.responses.create(**ASKED, previous_response_id="resp_x")

    assert caught.value.code == "previous_response_not_found"
    assert caught.value.param == "previous_response_id"


async def test_items_are_resolved_by_their_ids(storing):
    async with storing(HELLO, HELLO) as (served, client):
        first = await client.responses.create(**ASKED)
        reference = {"type": "item_reference", "id": first.output[0].id}
        more = {"role": "user", "content": "More"}
        await client.responses.create(model="kmodel", input=[reference, more])

    said = [part.text for message in served.backend.requests[-1].messages for part in message.parts]
    assert said == ["Hello!", "More"]


async def test_a_stream_that_breaks_off_is_kept_as_failed(storing):
    begun = replay(HELLO)[:3]
    async with storing([begun, ProtocolError("It broke.")]) as (_, client):
        events = [event async for event in await client.responses.create(**ASKED, stream=True)]
        assert events[-1].type == "response.failed"
        found = await client.responses.retrieve(events[-1].response.id)

    assert found.status == "failed"
    assert found.error
    assert "It broke." in found.error.message


async def test_what_was_refused_was_never_a_response(storing, tmp_path):
    async with storing(RateLimited("Wait.", retry_after=7)) as (served, _):
        answer, data = await served.post(PATH, {**ASKED, "stream": True})

    assert answer.status == 429
    assert loads(data)["error"]["message"] == "Wait."
    assert stored(tmp_path) == 0


async def test_the_items_of_a_conversation_come_page_by_page(storing):
    async with storing(HELLO, HELLO) as (_, client):
        many = [{"role": "user", "content": str(number)} for number in range(30)]
        first = await client.responses.create(model="kmodel", input=many)
        second = await client.responses.create(
            model="kmodel", input="Last", previous_response_id=first.id
        )
        usual = await client.responses.input_items.list(second.id)
        oldest_first = [
            item
            async for item in client.responses.input_items.list(second.id, order="asc", limit=7)
        ]

    assert len(usual.data) == 20
    assert usual.has_more
    assert usual.data[0].content[0].text == "Last"
    texts = [item.content[0].text for item in oldest_first]
    assert texts == [*map(str, range(30)), "Hello!", "Last"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "order=up", "after=x"])
async def test_a_page_that_cannot_be_is_refused(storing, query):
    async with storing(HELLO) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        answer, data = await served.get(f"{PATH}/{id}/input_items?{query}")

    assert answer.status == 400
    assert loads(data)["error"]["param"] == query.partition("=")[0]


async def test_the_items_of_a_conversation_with_a_gap_say_so(storing):
    async with storing(HELLO, HELLO) as (served, client):
        first = await client.responses.create(**ASKED)
        second = await client.responses.create(**ASKED, previous_response_id=first.id)
        await client.responses.delete(first.id)
        answer, data = await served.get(f"{PATH}/{second.id}/input_items")

    assert answer.status == 400
    assert first.id in loads(data)["error"]["message"]


async def test_tokens_are_counted(storing):
    async with storing(HELLO) as (_, client):
        first = await client.responses.create(**ASKED)
        alone = await client.responses.input_tokens.count(**ASKED)
        nothing = await client.responses.input_tokens.count()
        after = await client.responses.input_tokens.count(**ASKED, previous_response_id=first.id)

    assert alone.object == "response.input_tokens"
    assert nothing.input_tokens < alone.input_tokens < after.input_tokens


async def test_only_what_goes_on_by_itself_can_be_cancelled(storing):
    async with storing(HELLO) as (_, client):
        id = (await client.responses.create(**ASKED)).id
        with pytest.raises(BadRequestError, match="Cannot cancel a synchronous response"):
            await client.responses.cancel(id)
        with pytest.raises(NotFoundError):
            await client.responses.cancel("resp_x")


async def test_what_is_not_done_is_refused_in_words(storing):
    async with storing(HELLO) as (_, client):
        with pytest.raises(NotFoundError, match="ask the model for a summary"):
            await client.responses.compact(model="kmodel", input="Hi")


async def test_a_response_that_has_been_said_is_not_streamed_again(storing):
    async with storing(HELLO) as (served, client):
        id = (await client.responses.create(**ASKED)).id
        answer, data = await served.get(f"{PATH}/{id}?stream=true&starting_after=3")

    assert answer.status == 400
    assert loads(data)["error"]["param"] == "stream"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/responses/resp_x", 404),
        ("GET", "/v1/responses/resp_x/", 404),
        ("GET", "/v1/responses/resp_x/input_items", 404),
        ("GET", "/v1/responses/resp_x/other", 404),
        ("GET", "/v1/responses/resp_x/input_items/more", 404),
        ("PUT", "/v1/responses/resp_x", 405),
        ("GET", "/v1/responses/resp_x/cancel", 405),
        ("GET", "/v1/responses/input_tokens", 405),
        ("GET", "/v1/responses/%2e%2e%2f%00\u2028", 404),
        ("DELETE", "/v1/responses", 405),
    ],
)
async def test_other_paths_and_methods_are_refused_in_the_words_of_the_dialect(
    storing, method, path, status
):
    async with storing() as (served, _):
        async with served.session.request(method, served.url + path) as answer:
            body = await answer.json()

    assert answer.status == status
    assert body["error"]["message"]


async def test_who_leaves_in_the_middle_leaves_nothing(storing, tmp_path):
    async with storing([replay(HELLO)[:3], asyncio.Event()]) as (served, _):
        answer = await served.session.post(served.url + PATH, json={**ASKED, "stream": True})
        await answer.content.readuntil(b"output_text.delta")
        answer.close()
        async with asyncio.timeout(20):
            while served.backend.speaking:
                await asyncio.sleep(0.001)

    assert stored(tmp_path) == 0


def test_a_page_is_as_openai_has_it():
    items = [{"id": str(number)} for number in range(5)]

    assert page(items, 2, "1") == {
        "object": "list",
        "data": [{"id": "2"}, {"id": "3"}],
        "first_id": "2",
        "last_id": "3",
        "has_more": True,
    }
    assert page(items, 2, "4") == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }
    assert page_of({}) == (20, True, None)
    assert page_of({"limit": "100", "order": "asc", "after": "x"}) == (100, False, "x")


@pytest.mark.parametrize("limit", ["", "-1", "0", "1e3", "٣", "9" * 10_000])
def test_a_limit_is_a_number_in_bounds(limit):
    with pytest.raises(InvalidRequest):
        page_of({"limit": limit})
