"""A request is understood with what it goes on from; what becomes of it is remembered."""

import pytest

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text
from lingma_proxy.conversation.tokens import count_request
from lingma_proxy.errors import InvalidRequest, NotFound, ProtocolError, RequestTooLarge
from lingma_proxy.jsonio import dumpb
from lingma_proxy.recording.recording import Recording
from lingma_proxy.recording.responses import Kept
from lingma_proxy.recording.retention import Retention
from lingma_proxy.server.turns import Memory, Turns
from support.lag import watched

HELLO = Reply("r", "kmodel", (Text("Hello!"),), FinishReason.STOP, Usage(3, 2))
LIMIT = 2**20


def body(input="Hi", **more):
    return dumpb({"model": "kmodel", "input": input, **more})


def said(turn):
    """What a backend is asked, as plain text."""
    return [
        (message.role, "".join(part.text for part in message.parts))
        for message in turn.asked.request.messages
    ]


@pytest.fixture
async def recording(tmp_path):
    recording = Recording(tmp_path, Retention())
    yield recording
    await recording.aclose()


@pytest.fixture
def turns(recording):
    return Turns(lambda: recording.responses, lambda: LIMIT)


@pytest.fixture
def speak(turns):
    """Ask and answer a turn; returns it and the id of the response."""

    async def speak(id, memory=None, **more):
        turn = await turns.understood(body(**more), id, memory)
        encoder = turns.encoder(turn, 7, memory)
        encoder.encode(replay(HELLO))
        encoder.end()
        return turn, encoder.response["id"]

    return speak


async def test_a_turn_goes_on_from_another(turns, speak):
    _, first = await speak("req_1", instructions="Be brief.")
    second, _ = await speak("req_2", input="More", previous_response_id=first)

    assert said(second) == [("user", "Hi"), ("assistant", "Hello!"), ("user", "More")]
    assert [item["content"][0]["text"] for item in second.own] == ["More"]


async def test_a_turn_goes_on_from_many(turns, speak):
    previous = None
    for number in range(50):
        turn, previous = await speak(
            f"req_{number}", input=str(number), previous_response_id=previous
        )

    assert len(said(turn)) == 99
    assert said(turn)[96:] == [("user", "48"), ("assistant", "Hello!"), ("user", "49")]


async def test_two_turns_may_go_on_from_one(turns, speak):
    _, first = await speak("req_1")
    left, _ = await speak("req_2", input="left", previous_response_id=first)
    right, _ = await speak("req_3", input="right", previous_response_id=first)

    assert said(left)[-1] == ("user", "left")
    assert said(right)[-1] == ("user", "right")
    assert len(said(right)) == 3


async def test_what_goes_on_from_something_unknown_is_refused(turns):
    with pytest.raises(InvalidRequest, match="Previous response with id 'resp_x' not found"):
        await turns.understood(body(previous_response_id="resp_x"), "req_1")


async def test_items_are_put_where_they_are_referred_to(turns, speak):
    first, id = await speak("req_1")
    stored = await turns.conversation(id)
    references = [{"type": "item_reference", "id": first.own[0]["id"]}]
    references += [{"id": item["id"]} for item in stored[0].output]
    second, _ = await speak("req_2", input=[*references, {"role": "user", "content": "More"}])

    assert said(second) == [("user", "Hi"), ("assistant", "Hello!"), ("user", "More")]
    assert len(second.own) == 3, "they are its own now: they stay when the first is forgotten"


async def test_a_reference_to_nothing_is_refused(turns):
    with pytest.raises(NotFound, match="Item with id 'x' not found"):
        await turns.understood(body([{"type": "item_reference", "id": "x"}]), "req_1")


async def test_what_is_not_to_be_stored_is_not(turns, speak, tmp_path):
    _, first = await speak("req_1", store=False)
    with pytest.raises(InvalidRequest, match="not found"):
        await turns.understood(body(previous_response_id=first), "req_2")


async def test_a_connection_remembers_what_is_not_stored(turns, speak, tmp_path):
    memory = Memory(LIMIT)
    _, first = await speak("req_1", memory, store=False)
    turn, second = await speak("req_2", memory, previous_response_id=first, store=False)
    references = [{"id": turn.own[0]["id"]}]
    third, _ = await speak(
        "req_3", memory, input=references, previous_response_id=second, store=False
    )

    assert len(said(third)) == 5
    assert not list(tmp_path.iterdir()), "nothing was opened, let alone written"


async def test_what_a_connection_remembers_goes_on_from_what_is_stored(turns, speak):
    _, first = await speak("req_1")
    memory = Memory(LIMIT)
    _, second = await speak("req_2", memory, previous_response_id=first, store=False)
    third, _ = await speak("req_3", memory, previous_response_id=second, store=False)

    assert len(said(third)) == 5


async def test_a_conversation_has_an_end_of_its_length(recording, speak):
    _, first = await speak("req_1", input="x" * 5000)
    memory = Memory(LIMIT)
    _, second = await speak("req_2", memory, input="x" * 5000, previous_response_id=first)
    narrow = Turns(lambda: recording.responses, lambda: 8000)
    for remembered in (memory, None):
        with pytest.raises(RequestTooLarge, match="Begin a new one"):
            await narrow.understood(body(previous_response_id=second), "req_3", remembered)


async def test_only_who_asks_to_store_is_told_that_nothing_is():
    off = Recording(None, Retention(), on=False)
    turns = Turns(lambda: off.responses, lambda: LIMIT)
    explicit = await turns.understood(body(store=True), "req_1")
    silent = await turns.understood(body(), "req_1")

    assert any("`recording` is off" in warning for warning in explicit.asked.warnings)
    assert silent.asked.warnings == ()


async def test_a_whole_answer_is_kept_as_it_was_given(turns, recording):
    turn = await turns.understood(body(), "req_1")
    response = turns.keeping(turn).whole(turn.asked, [HELLO], 7)

    kept = await recording.responses.find("resp_1")
    assert kept == Kept("resp_1", 7, response, turn.own, None)


async def test_a_reply_that_breaks_off_is_kept_as_what_there_is_of_it(turns, recording):
    turn = await turns.understood(body(), "req_1")
    encoder = turns.keeping(turn).encoder(turn.asked, 7)
    encoder.encode(replay(HELLO)[:3])
    encoder.fail(ProtocolError("It broke."))
    encoder.fail(ProtocolError("It broke again."))

    kept = await recording.responses.find("resp_1")
    assert kept is not None
    assert kept.response["status"] == "failed"
    assert kept.response == encoder.response


async def test_a_reply_that_nobody_waited_for_is_not_kept(turns, recording):
    turn = await turns.understood(body(), "req_1")
    turns.keeping(turn).encoder(turn.asked, 7).encode(replay(HELLO)[:3])

    assert await recording.responses.find("resp_1") is None


async def test_tokens_are_counted_with_all_that_is_gone_on_from(turns, speak):
    _, first = await speak("req_1", input="One two three four five six seven.")
    alone = await turns.counted(body(), "req_2", count_request)
    after = await turns.counted(body(previous_response_id=first), "req_2", count_request)

    assert 0 < alone < after
    assert await turns.counted(b"{}", "req_2", count_request) >= 0


async def test_a_long_body_leaves_the_loop_to_others(recording):
    turns = Turns(lambda: recording.responses, lambda: 32 * 2**20)
    async with watched() as lag:
        turn = await turns.understood(body("word " * 10**6), "req_1")

    assert len(said(turn)[0][1]) == 5 * 10**6
    assert lag.work < 0.05


def test_a_memory_forgets_the_oldest_when_it_is_full():
    memory = Memory(100)
    for number in range(5):
        memory.keep(Kept(str(number), 7, {}, []), 40)

    assert [bool(memory.find(str(number))) for number in range(5)] == [False] * 3 + [True] * 2


def test_a_memory_replaces_what_it_knows():
    memory = Memory(100)
    for _ in range(5):
        memory.keep(Kept("same", 7, {}, []), 60)
    memory.keep(Kept("other", 7, {}, []), 40)

    assert memory.find("same")
    assert memory.find("other")


def test_what_is_larger_than_a_memory_is_not_remembered():
    memory = Memory(100)
    memory.keep(Kept("huge", 7, {}, []), 101)

    assert memory.find("huge") is None
