"""What was said is found again, alone and as a conversation."""

import pytest

from lingma_proxy.errors import RequestTooLarge
from lingma_proxy.recording.database import Database
from lingma_proxy.recording.responses import IN_USE_FOR, Kept, Responses
from lingma_proxy.recording.retention import DAY, Retention

LARGE = 2**30


class Clock:
    def __init__(self):
        self.now = 1_000_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def responses(tmp_path, clock):
    database = Database(tmp_path / "recording.sqlite3")
    yield Responses(database, Retention(), clock=clock)
    await database.aclose()


def said(number, previous=None, text="Hello"):
    message = {"type": "message", "id": f"msg_in_{number}", "role": "user", "content": text}
    answer = {"type": "message", "id": f"msg_out_{number}", "role": "assistant", "content": []}
    id = f"resp_{number}"
    response = {"id": id, "object": "response", "output": [answer], "big": 2**63}
    return Kept(id, 7, response, [message], previous)


async def chain(responses, length, text="Hello"):
    for number in range(length):
        responses.keep(said(number, f"resp_{number - 1}" if number else None, text), 100)
        if number % 200 == 0:
            await responses.find("resp_0")  # so that not too much waits


@pytest.mark.parametrize("text", ["Hello", "", "\u2028 \u0000 𝒳 ” ", "x" * 5_000_000], ids=len)
async def test_what_is_kept_is_found_as_it_was(responses, text):
    responses.keep(said(1, "resp_0", text), 100)

    assert await responses.find("resp_1") == said(1, "resp_0", text)


async def test_what_is_not_kept_is_not_found(responses):
    assert await responses.find("resp_1") is None
    assert await responses.items(["msg_in_1"]) == {}
    assert not await responses.delete("resp_1")


async def test_a_later_state_takes_the_place_of_an_earlier(responses):
    responses.keep(said(1, text="early"), 100)
    responses.keep(said(1, text="late"), 100)

    found = await responses.find("resp_1")
    assert found is not None
    assert found.input[0]["content"] == "late"


async def test_a_conversation_is_told_from_its_beginning(responses):
    await chain(responses, 500)
    history = await responses.history("resp_499", LARGE)

    assert [turn.id for turn in history.turns] == [f"resp_{number}" for number in range(500)]
    assert history.missing is None


async def test_a_conversation_with_a_gap_says_where_it_is(responses):
    await chain(responses, 5)
    assert await responses.delete("resp_2")
    history = await responses.history("resp_4", LARGE)

    assert [turn.id for turn in history.turns] == ["resp_3", "resp_4"]
    assert history.missing == "resp_2"


async def test_a_conversation_that_bites_its_tail_ends(responses):
    responses.keep(said(1, "resp_2"), 100)
    responses.keep(said(2, "resp_1"), 100)

    assert (await responses.history("resp_2", LARGE)).missing == "resp_2"


async def test_a_conversation_that_is_too_long_is_refused_in_words(responses):
    await chain(responses, 20, "x" * 1000)
    with pytest.raises(RequestTooLarge, match="max_body_mb") as caught:
        await responses.history("resp_19", 10_000)

    assert caught.value.param == "previous_response_id"
    assert len((await responses.history("resp_5", 10_000)).turns) == 6


async def test_items_are_found_by_their_ids_wherever_they_were_said(responses):
    await chain(responses, 1500)
    wanted = [f"msg_{way}_{number}" for number in range(1500) for way in ("in", "out")]
    found = await responses.items([*wanted, "msg_none"])

    assert list(found) != []
    assert found.keys() == set(wanted)
    assert all(item["id"] == id for id, item in found.items())


async def test_a_reference_to_an_item_is_not_the_item(responses):
    reference = {"type": "item_reference", "id": "msg_out_1"}
    responses.keep(said(1), 100)
    responses.keep(Kept("resp_0", 7, {"output": []}, [reference, {"id": "msg_out_1"}]), 100)

    assert (await responses.items(["msg_out_1"]))["msg_out_1"]["role"] == "assistant"


async def test_what_has_grown_old_is_no_longer_known(responses, clock):
    responses.keep(said(1), 100)
    assert await responses.find("resp_1")
    clock.now += 7 * DAY + 1

    assert await responses.find("resp_1") is None
    assert (await responses.history("resp_1", LARGE)).missing == "resp_1"
    assert await responses.items(["msg_in_1"]) == {}


async def test_what_is_gone_on_from_does_not_grow_old(responses, clock):
    await chain(responses, 3)
    await responses.history("resp_2", LARGE)
    clock.now += 7 * DAY - IN_USE_FOR
    assert (await responses.history("resp_2", LARGE)).missing is None
    clock.now += 7 * DAY - IN_USE_FOR

    assert len((await responses.history("resp_2", LARGE)).turns) == 3


async def test_without_a_database_nothing_is_known_and_it_says_why():
    responses = Responses(None, Retention(), off="It is off.")
    responses.keep(said(1), 100)

    assert responses.why_not == "It is off."
    assert await responses.find("resp_1") is None
    assert (await responses.history("resp_1", LARGE)).missing == "resp_1"
    assert await responses.items(["msg_in_1"]) == {}
    assert not await responses.delete("resp_1")


async def test_trouble_with_the_file_is_why_not(tmp_path):
    (tmp_path / "file").write_text("in the way")
    database = Database(tmp_path / "file" / "recording.sqlite3")
    responses = Responses(database, Retention())
    assert responses.why_not == ""
    responses.keep(said(1), 100)
    await database.aclose()

    assert "its folder cannot be used" in responses.why_not


async def test_what_is_deleted_leaves_no_trace_in_the_file(tmp_path, responses):
    responses.keep(said(1, text="a-very-secret-word"), 100)
    await responses.delete("resp_1")
    await responses._database.aclose()

    assert b"a-very-secret-word" not in (tmp_path / "recording.sqlite3").read_bytes()
