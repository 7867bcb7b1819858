from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartStarted,
    ReplyStarted,
)
from lingma_proxy.conversation.grammar import Grammar
from lingma_proxy.conversation.reply import Collector, Reply, collect, filled, replay
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import Found, SearchCall, SearchResult
from lingma_proxy.errors import ProtocolError
from support.strategies import replies
from support.streams import batched, stream
from support.work import copied


def collected(batches: Iterable[Sequence[Event]]) -> Reply:
    collector = Collector()
    for batch in batches:
        collector.feed(batch)
    return collector.reply()


@given(replies)
def test_a_reply_that_is_said_again_is_the_same_reply(reply: Reply) -> None:
    assert collected([replay(reply)]) == reply


@given(replies)
def test_a_reply_is_said_again_by_the_grammar(reply: Reply) -> None:
    grammar = Grammar()
    grammar.check(replay(reply))
    grammar.end()


@given(replies, st.lists(st.integers(0, 20)))
def test_batches_do_not_matter(reply: Reply, points: list[int]) -> None:
    assert collected(batched(replay(reply), points)) == reply


@given(replies)
async def test_a_stream_is_collected(reply: Reply) -> None:
    assert await collect(stream([event] for event in replay(reply))) == reply


@pytest.mark.parametrize("length", range(5))
def test_a_reply_whose_end_was_not_heard_is_none(length: int) -> None:
    events = replay(Reply("1", "m", (Text("x"),), FinishReason.STOP))
    assert len(events) == 5

    with pytest.raises(ProtocolError, match="before it was complete"):
        collected([events[:length]])


def test_a_head_is_filled_with_its_text() -> None:
    assert filled(Text(""), "x") == Text("x")
    assert filled(Thinking("", "signed"), "x") == Thinking("x", "signed")
    assert filled(ToolCall("1", "f", ""), "{}") == ToolCall("1", "f", "{}")


def test_a_long_part_in_many_pieces_is_not_copied_at_each() -> None:
    collector = Collector()
    piece, number = "x" * 1000, 1000
    collector.feed([ReplyStarted("1", "m"), PartStarted(0, Text(""))])

    work = copied(lambda _: collector.feed([PartDelta(0, piece)]), range(number))

    assert work < len(piece) * number


def test_a_search_is_folded_as_it_is() -> None:
    parts = (SearchCall("s", "web_search", "tea"), SearchResult("s", (Found("u", "t", "x"),)))
    reply = Reply("r", "m", (*parts, Text("so")), FinishReason.STOP)

    assert collected([replay(reply)]) == reply
