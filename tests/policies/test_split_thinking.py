import pytest
from hypothesis import given

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text, Thinking
from lingma_proxy.policies.split_thinking import SplitThinking, Splitting
from lingma_proxy.profile import Profile
from support.backends import (
    CALL,
    THOUGHT,
    answer,
    ask,
    cuts,
    hands_on,
    hear,
    in_pieces,
    leaves_nothing_behind,
    one_by_one,
)
from support.stories import heard_parts
from support.strategies import replies


def splits(inner):
    return SplitThinking(inner, lambda _: Profile(thinks_in_text=True))


async def split(reply: Reply, deltas=range(60)) -> Reply:
    return await hear(splits(Scripted([in_pieces(reply, deltas, range(100))])))


async def test_the_thinking_in_a_text_becomes_a_part() -> None:
    said = answer("<think>\nhm\n</think>\n\nso")

    assert await split(said) == answer(Thinking("hm"), "so")
    assert await split(said, deltas=()) == answer(Thinking("hm"), "so")


async def test_only_models_whose_profile_says_so_are_read() -> None:
    asked: list[str] = []

    def profile(model: str) -> Profile:
        asked.append(model)
        return Profile()

    assert await hands_on(lambda inner: SplitThinking(inner, profile), ask())
    assert asked == ["kmodel"]


async def test_a_text_behind_a_call_or_a_thought_begins_anew() -> None:
    said = answer(THOUGHT, "<think>a</think>\n\nlook", CALL, "<think>b", CALL)

    assert await split(said) == answer(THOUGHT, Thinking("a"), "look", CALL, Thinking("b"), CALL)


async def test_thinking_that_was_cut_is_thinking() -> None:
    said = answer("<think>\nhm\n</thi", reason=FinishReason.LENGTH)

    assert await split(said) == answer(Thinking("hm\n</thi"), reason=FinishReason.LENGTH)


@pytest.mark.parametrize(
    "said",
    [answer("so <think>"), answer("", CALL), answer(Thinking("x", "signed"), ""), answer()],
)
async def test_a_reply_without_such_thinking_stays_as_it_is(said) -> None:
    assert await split(said) == said


async def test_thinking_that_is_empty_makes_no_part() -> None:
    assert await split(answer("<think>\n\n</think>\n\n", CALL)) == answer(CALL)


@given(replies, cuts, cuts)
def test_whatever_is_no_text_is_left_alone(reply, deltas, batches) -> None:
    splitting = Splitting()
    events = [event for it in in_pieces(reply, deltas, batches) for event in splitting.hear(it)]  # type: ignore[arg-type]  # no gates among them

    def rest(parts):
        return [it for it in parts if not isinstance(it, Text)]

    assert rest(heard_parts(events)) == rest(reply.parts)  # no text of theirs has a tag
    assert "".join(it.text for it in heard_parts(events) if isinstance(it, Text)) == "".join(
        it.text for it in reply.parts if isinstance(it, Text)
    )


def test_events_that_need_no_other_number_are_not_made_anew() -> None:
    (start, opened, delta, ended, over) = replay(answer("so"))
    splitting = Splitting()
    splitting.hear([start, opened, delta])

    assert splitting.hear([delta])[0] is delta
    assert splitting.hear([ended, over]) == [ended, over]


async def test_hanging_up_closes_what_is_inside() -> None:
    await leaves_nothing_behind(splits, ask(), one_by_one(answer("<think>\nhm</think>so", CALL)))
