import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backends.turn import Turn
from lingma_proxy.conversation.events import (
    FinishReason,
    PartDelta,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.request import Text, Thinking
from lingma_proxy.errors import (
    BackendUnavailable,
    BrokenOff,
    ProtocolError,
    ProxyError,
    RateLimited,
)
from lingma_proxy.vendor.updates import Broke, Counted, Finished, Spoke, Thought, Used
from support.cuts import at_code_units
from support.stories import heard_parts
from support.strategies import some_text

STOP = Finished(FinishReason.STOP)


def turn(**more):
    return Turn("r1", "m", "Lingma", ("careful",), lambda: "call_1", **more)


async def told(turn):
    """All events, and what was raised in the end."""
    events = list(await turn.first())
    try:
        while not turn.over:
            events += await turn.more()
    except ProxyError as error:
        return events, error
    return events, None


async def test_what_is_heard_is_told_in_batches():
    one = turn()
    one.hear(Thought("hm"))
    one.hear(Spoke("po"))
    one.hear(Spoke("ng"))
    first = await one.first()
    one.hear(STOP)
    last = await one.more()

    assert first[0] == ReplyStarted("r1", "m", ("careful",))
    assert heard_parts([*first, *last]) == [Thinking("hm"), Text("pong")]
    assert last[-1] == ReplyEnded(FinishReason.STOP)
    assert one.over
    assert one.said == ["po", "ng"]
    assert one.finished is FinishReason.STOP


async def test_what_comes_while_somebody_waits_wakes_them():
    one = turn()
    waiting = asyncio.create_task(one.first())
    await asyncio.sleep(0)
    one.hear(Spoke("a"))

    assert PartDelta(0, "a") in await waiting


async def test_a_refusal_is_raised_before_anything_is_said():
    one = turn()
    one.hear(Broke(RateLimited("Too much.")))

    with pytest.raises(RateLimited):
        await one.first()
    assert one.over


async def test_what_breaks_off_is_raised_after_what_was_said():
    one = turn()
    one.hear(Spoke("half a"))
    one.hear(Broke(RateLimited("Too much.")))
    events, error = await told(one)

    assert heard_parts(events) == [Text("half a")]
    assert isinstance(error, RateLimited)
    assert one.finished is None


async def test_nothing_is_heard_after_the_end():
    one = turn()
    for said in (Spoke("a"), STOP, Spoke("b"), STOP, Broke(RateLimited("x"))):
        one.hear(said)
    one.fail(RateLimited("x"))
    events, error = await told(one)

    assert (heard_parts(events), error) == ([Text("a")], None)


async def test_an_end_without_an_answer_is_an_error():
    one = turn()
    one.hear(STOP)

    with pytest.raises(BrokenOff, match="without an answer"):
        await one.first()


async def test_a_refusal_of_the_model_needs_no_words():
    one = turn()
    one.hear(Finished(FinishReason.CONTENT_FILTER))

    assert await one.first() == [
        ReplyStarted("r1", "m", ("careful",)),
        ReplyEnded(FinishReason.CONTENT_FILTER),
    ]


async def test_usage_that_was_counted_is_passed_on():
    one = turn()
    usage = Usage(10, 2)
    for said in (Spoke("a"), Used(99), Finished(FinishReason.STOP, usage)):
        one.hear(said)
    events, _ = await told(one)

    assert events[-1].usage == usage


async def test_what_calls_of_a_model_have_cost_is_added_up():
    one = turn(goes_on=True)
    for said in (
        Spoke("a"),
        Counted(Usage(10, 2, cached=5, reasoning=1)),
        Counted(Usage(20, 3, cached=9)),
        Used(99),
        Finished(FinishReason.STOP, Usage(999, 999)),
    ):
        one.hear(said)
    events, _ = await told(one)

    assert events[-1].usage == Usage(30, 5, cached=14, reasoning=1)


async def test_usage_that_may_be_that_of_earlier_turns_too_is_not():
    one = turn(goes_on=True)
    for said in (Spoke("a"), Finished(FinishReason.STOP, Usage(10, 2))):
        one.hear(said)
    events, _ = await told(one)

    assert events[-1].usage is None


@pytest.mark.parametrize(
    ("used", "usage"),
    [
        (1234, Usage(1231, 3, reasoning=2, estimated=True)),
        (4, Usage(1, 3, reasoning=2, estimated=True)),
    ],
)
async def test_of_a_total_the_parts_are_our_estimate_and_the_sum_is_theirs(used, usage):
    one = turn()
    for said in (Thought("hmm hmm"), Spoke("pong"), Used(5), Used(used), STOP):
        one.hear(said)
    events, _ = await told(one)

    assert events[-1].usage == usage
    assert usage.input + usage.output == used


@given(some_text, some_text, st.lists(st.integers(0, 60), max_size=8))
def test_a_text_is_the_same_however_it_is_cut_between_code_units(thought, spoken, points):
    async def story():
        one = turn()
        for piece in at_code_units(thought, points):
            one.hear(Thought(piece))
        for piece in at_code_units(spoken, points):
            one.hear(Spoke(piece))
        one.hear(STOP)
        events, error = await told(one)
        assert (heard_parts(events), error) == ([Thinking(thought), Text(spoken)], None)
        assert "".join(one.said) == spoken

    asyncio.run(story())


@pytest.mark.parametrize(
    ("heard", "parts"),
    [
        ([Spoke("a\ud83d"), STOP], [Text("a\ufffd")]),
        ([Spoke("\ud83d"), STOP], [Text("\ufffd")]),
        ([Spoke("a\ud83d"), Spoke("b"), STOP], [Text("a\ufffdb")]),
        ([Spoke("\ude00a"), STOP], [Text("\ufffda")]),
        ([Thought("\ud83d"), Spoke("\ude00"), STOP], [Thinking("\ufffd"), Text("\ufffd")]),
    ],
)
async def test_a_mark_stands_for_half_a_character_that_stays_alone(heard, parts):
    one = turn()
    for said in heard:
        one.hear(said)
    events, error = await told(one)

    assert (heard_parts(events), error) == (parts, None)
    assert "".join(one.said) == "".join(part.text for part in parts if isinstance(part, Text))


async def test_a_mark_may_be_what_is_too_much_and_is_the_end_too():
    called = []
    one = turn(overflow=lambda: called.append(1), most_held=2)
    for said in (Spoke("ab\ud83d"), STOP):
        one.hear(said)
    _, error = await told(one)

    assert called == [1]
    assert isinstance(error, BackendUnavailable)
    assert one.finished is None


async def test_a_whole_that_is_less_than_its_part_is_no_whole():
    one = turn()
    for said in (Thought("hmm hmm"), Spoke("pong"), Used(3), STOP):
        one.hear(said)
    events, _ = await told(one)

    assert events[-1].usage is None


async def test_who_gets_no_permission_and_says_nothing_is_understood():
    one = turn()
    one.declined = True
    one.hear(STOP)

    with pytest.raises(ProtocolError, match="permission"):
        await one.first()


async def test_a_client_that_does_not_read_ends_its_turn_and_no_other():
    called = []
    one = turn(overflow=lambda: called.append(1), most_held=10)
    one.hear(Spoke("0123456789"))
    assert called == []
    one.hear(Spoke("!"))
    events, error = await told(one)

    assert called == [1]
    assert heard_parts(events) == [Text("0123456789!")]
    assert isinstance(error, BackendUnavailable)


async def test_a_client_that_reads_may_hear_any_amount():
    one = turn(most_held=10)
    for _ in range(100):
        one.hear(Spoke("0123456789"))
        await one.more()
    one.hear(STOP)
    await one.more()

    assert one.over


async def test_any_sign_of_life_is_one():
    signs = []
    one = turn(alive=lambda: signs.append(1))
    for said in (None, Spoke("a"), Used(3, None), None):
        one.hear(said)

    assert len(signs) == 4
    assert heard_parts(await one.first()) == [Text("a")]
