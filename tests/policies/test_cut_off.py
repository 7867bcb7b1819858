import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason, Head, PartDelta, Usage
from lingma_proxy.conversation.reply import Reply, filled
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.policies.cut_off import CutOff, StopFinder
from support.backends import (
    CALL,
    THOUGHT,
    answer,
    ask,
    cuts,
    drain,
    hands_on,
    hear,
    in_pieces,
    leaves_nothing_behind,
    one_by_one,
)
from support.cuts import in_two
from support.stories import text_of

USAGE = Usage(input=10, output=20)
LENGTH = FinishReason.LENGTH


@dataclass
class Halves:
    """A meter for which two bytes are a token."""

    model: str = ""
    bytes: int = 0

    @property
    def tokens(self) -> int:
        return (self.bytes + 1) // 2

    def feed(self, text: str) -> None:
        self.bytes += len(text.encode())


async def cut(
    reply: Reply, stop: tuple[str, ...] = (), max_tokens: int | None = None, one: bool = True
) -> Reply:
    script = one_by_one(reply) if one else reply
    return await hear(CutOff(Scripted([script]), Halves), ask(stop=stop, max_tokens=max_tokens))


def stopped(*parts: str | Head, by: str) -> Reply:
    return answer(*parts, stop_sequence=by)


async def test_without_stops_and_limits_the_inner_stream_is_handed_on() -> None:
    assert await hands_on(lambda inner: CutOff(inner, Halves), ask())


async def test_a_stop_sequence_ends_the_reply_before_it() -> None:
    assert await cut(answer("one, two, three", usage=USAGE), (", t",)) == stopped("one", by=", t")


async def test_a_stop_sequence_is_found_however_the_text_is_cut() -> None:
    for first, second in in_two("one END two"):
        script = in_pieces(answer(first + second), [len(first)], range(10))

        reply = await hear(CutOff(Scripted([script]), Halves), ask(stop=("END",)))

        assert reply == stopped("one ", by="END")


async def test_what_only_looked_like_a_stop_sequence_is_text() -> None:
    assert await cut(answer("one EN", "D two EN"), ("END",)) == answer("one EN", "D two EN")


async def test_the_earliest_wins_and_the_longest_at_one_place() -> None:
    assert await cut(answer("a bcd e"), ("d", "bc", "b", "bcd")) == stopped("a ", by="bcd")


async def test_a_stop_sequence_at_the_very_beginning_leaves_an_empty_part() -> None:
    assert await cut(answer("END"), ("END",)) == stopped("", by="END")


async def test_stop_sequences_are_not_looked_for_in_thinking_and_arguments() -> None:
    reply = answer(Thinking("END"), "hi", ToolCall("1", "END", '{"x": "END"}'), usage=USAGE)

    assert await cut(reply, ("END",)) == reply


@pytest.mark.parametrize("parts", [(), (THOUGHT,), (CALL, "then"), ("", "one")])
async def test_what_is_not_cut_keeps_its_usage(parts) -> None:
    reply = answer(*parts, usage=USAGE)

    assert await cut(reply, ("END",), 1000) == reply


async def test_the_end_of_a_part_decides_between_two_stop_sequences() -> None:
    assert await cut(answer("ac", "more"), ("cx", "c")) == stopped("a", by="c")


async def test_empty_stop_sequences_stop_nothing() -> None:
    assert await cut(answer("hello"), ("",)) == answer("hello")


async def test_text_is_held_back_only_while_it_may_become_a_stop_sequence() -> None:
    finder = StopFinder(["</end>"])

    assert finder.feed("a < b") == ("a < b", None)
    assert finder.feed("<") == ("", None)
    assert finder.feed("/en") == ("", None)
    assert finder.feed("try>") == ("</entry>", None)
    assert finder.feed("<</end") == ("<", None)
    assert finder.feed("></") == ("", "</end>")


async def test_a_hit_at_the_end_of_what_came_waits_for_nothing() -> None:
    assert StopFinder(["END", "FINISH"]).feed("the END") == ("the ", "END")


async def test_a_hit_waits_for_a_longer_or_an_earlier_one() -> None:
    finder = StopFinder(["abcd", "c", "cx"])

    assert finder.feed("abc") == ("", None)
    assert finder.feed("e") == ("ab", "c")

    finder = StopFinder(["c", "cx"])

    assert finder.feed("ac") == ("a", None)
    assert finder.end() == ("", "c")


async def test_max_tokens_keeps_what_fits() -> None:
    assert await cut(answer("abcdefgh"), max_tokens=2) == answer("abcd", reason=LENGTH)


async def test_a_reply_that_just_fits_is_not_cut() -> None:
    assert await cut(answer("abcd", usage=USAGE), max_tokens=2) == answer("abcd", usage=USAGE)


async def test_thinking_and_arguments_count_too() -> None:
    reply = answer(Thinking("abc"), ToolCall("1", "f", '{"a": 1}'))

    assert await cut(reply, max_tokens=3) == answer(
        Thinking("abc"), ToolCall("1", "f", '{"a'), reason=LENGTH
    )


async def test_no_character_is_cut_in_two() -> None:
    assert await cut(answer("你好"), max_tokens=2) == answer("你", reason=LENGTH)


async def test_a_limit_of_nothing_says_nothing() -> None:
    assert await cut(answer("hello"), max_tokens=0) == answer("", reason=LENGTH)


async def test_the_exact_place_is_found_in_a_long_text() -> None:
    reply = await cut(answer("a" * 10_000), max_tokens=2_345)

    assert reply == answer("a" * 4_690, reason=LENGTH)


async def test_what_comes_in_drops_is_counted_once() -> None:
    script = in_pieces(answer("a" * 100), range(100), range(200))

    reply = await hear(CutOff(Scripted([script]), Halves), ask(max_tokens=30))

    assert reply == answer("a" * 60, reason=LENGTH)


async def test_what_fits_by_its_bytes_alone_is_never_counted() -> None:
    class Uncounted(Halves):
        def feed(self, text: str) -> None:
            raise AssertionError("nothing had to be counted")

    inner = Scripted([one_by_one(answer("a" * 100))])

    assert await hear(CutOff(inner, Uncounted), ask(max_tokens=100)) == answer("a" * 100)


@pytest.mark.parametrize(("stop", "limit"), [(("c",), None), ((), 1)])
async def test_the_vendor_is_told_to_stop_before_the_end_is_said(stop, limit) -> None:
    inner = Scripted([[*one_by_one(answer("abcd", "more"))]])
    request = ask(stop=stop, max_tokens=limit)
    stream = CutOff(inner, Halves).reply(request)
    async for batch in stream:
        if any(isinstance(event, PartDelta) for event in batch):
            break

    assert inner.speaking == 0
    assert inner.said == 3
    await stream.aclose()


async def test_nothing_is_said_for_a_batch_that_is_held_back_whole() -> None:
    batches = await drain(
        CutOff(Scripted([in_pieces(answer("ab"), [1], range(9))]), Halves), ask(stop=("abc",))
    )

    assert all(batches)
    assert sum(map(len, batches)) == 5


async def test_hanging_up_at_any_point_leaves_nothing_behind() -> None:
    for stop, limit in [((), 100), (("b",), None), (("x",), None), ((), 1)]:
        request = ask(stop=stop, max_tokens=limit)
        script = one_by_one(answer(THOUGHT, "ab", CALL))

        await leaves_nothing_behind(lambda inner: CutOff(inner, Halves), request, script)


def reference(reply: Reply, stops: Sequence[str], limit: int | None) -> Reply:
    """What is left of a reply, looked at as a whole."""
    parts: list[Head] = []
    meter = Halves()
    for part in reply.parts:
        whole = text_of(part)
        end, stop = len(whole), None
        if isinstance(part, Text):
            hits = [(whole.find(stop), -len(stop), stop) for stop in stops if stop in whole]
            if hits:
                end, _, stop = min(hits)
        for at, character in enumerate(whole[:end]):
            meter.feed(character)
            if limit is not None and meter.tokens > limit:
                parts.append(filled(part, whole[:at]))
                return answer(*parts, reason=LENGTH)
        parts.append(filled(part, whole[:end]))
        if stop is not None:
            return answer(*parts, stop_sequence=stop)
    return answer(*parts, reason=reply.reason, usage=reply.usage)


said = st.text("ab你", max_size=12)
some_parts = st.lists(
    said.map(Text) | said.map(Thinking) | said.map(lambda text: ToolCall("1", "f", text)),
    max_size=4,
)


@given(
    some_parts,
    st.lists(st.text("ab", min_size=1, max_size=4), max_size=4),
    st.none() | st.integers(0, 20),
    cuts,
    cuts,
)
def test_a_cut_does_not_depend_on_how_the_text_comes(parts, stops, limit, deltas, batches) -> None:
    reply = answer(*parts, usage=USAGE)
    inner = Scripted([in_pieces(reply, deltas, batches)])
    request = ask(stop=tuple(stops), max_tokens=limit)

    assert asyncio.run(hear(CutOff(inner, Halves), request)) == reference(reply, stops, limit)
    assert inner.speaking == 0


@given(st.text("ab", max_size=20), st.lists(st.text("ab", min_size=1, max_size=5), min_size=1))
def test_less_is_held_back_than_the_longest_stop_sequence(text, stops) -> None:
    finder = StopFinder(stops)
    out = 0
    for at, character in enumerate(text):
        given, stop = finder.feed(character)
        out += len(given)
        if stop is not None:
            break

        assert at + 1 - out < max(map(len, stops))
