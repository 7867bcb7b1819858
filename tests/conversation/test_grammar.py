from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
)
from lingma_proxy.conversation.grammar import TRANSITIONS, Grammar, IllegalEvent, State
from lingma_proxy.conversation.request import Image, Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall
from support.streams import batched

STARTED = ReplyStarted("1", "m")
TEXT = PartStarted(0, Text(""))
DELTA = PartDelta(0, "x")
CLOSED = PartEnded(0)
ENDED = ReplyEnded(FinishReason.STOP)

WHOLE: list[Event] = [STARTED, TEXT, DELTA, DELTA, CLOSED, PartStarted(1, Thinking("")), PartEnded(1), ENDED]  # fmt: skip

SAMPLES: dict[type, Event] = {type(event): event for event in (STARTED, TEXT, DELTA, CLOSED, ENDED)}
WAYS: dict[State, list[Event]] = {
    State.SILENT: [],
    State.BETWEEN_PARTS: [STARTED],
    State.IN_PART: [STARTED, TEXT],
    State.DONE: [STARTED, ENDED],
}


def check(events: Sequence[Event]) -> Grammar:
    grammar = Grammar()
    grammar.check(events)
    return grammar


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_an_event_may_come_exactly_where_the_table_says(state: State, kind: type) -> None:
    grammar = check(WAYS[state])
    assert grammar.state is state

    if kind in TRANSITIONS[state]:
        grammar.check([SAMPLES[kind]])
        assert grammar.state is TRANSITIONS[state][kind]
    else:
        with pytest.raises(IllegalEvent, match=f"may not come while {state.name}"):
            grammar.check([SAMPLES[kind]])


WRONG: dict[str, tuple[list[Event], str]] = {
    "the first index is not 0": ([STARTED, PartStarted(1, Text(""))], "next index is 0"),
    "an index comes twice": ([STARTED, TEXT, CLOSED, TEXT], "next index is 1"),
    "an index is left out": ([STARTED, TEXT, CLOSED, PartStarted(2, Text(""))], "next index is 1"),
    "a delta of another part": ([STARTED, TEXT, PartDelta(1, "x")], "open part is 0"),
    "the end of another part": ([STARTED, TEXT, PartEnded(1)], "open part is 0"),
    "an empty delta": ([STARTED, TEXT, PartDelta(0, "")], "says something"),
    "a head with text": ([STARTED, PartStarted(0, Text("x"))], "no text yet"),
    "a head with a thought": ([STARTED, PartStarted(0, Thinking("x"))], "no text yet"),
    "a head with arguments": ([STARTED, PartStarted(0, ToolCall("1", "f", "{}"))], "no text yet"),
    "a head that nobody can say": (
        [STARTED, PartStarted(0, Image("image/png", b""))],  # type: ignore[arg-type]  # that is the fault
        "no text yet",
    ),
    "a stop sequence that did not stop it": (
        [STARTED, ReplyEnded(FinishReason.LENGTH, None, "END")],
        "means STOP",
    ),
}


@pytest.mark.parametrize(("events", "complaint"), WRONG.values(), ids=WRONG)
def test_what_the_table_cannot_say_is_said(events: list[Event], complaint: str) -> None:
    with pytest.raises(IllegalEvent, match=complaint):
        check(events)


@pytest.mark.parametrize(
    "head", [Text(""), Thinking(""), Thinking("", "signed"), ToolCall("1", "f", "")], ids=repr
)
def test_a_head_has_all_but_its_text(head: Text | Thinking | ToolCall) -> None:
    check([STARTED, PartStarted(0, head)])


@given(st.lists(st.integers(0, len(WHOLE))))
def test_batches_do_not_matter(points: list[int]) -> None:
    grammar = Grammar()

    for batch in batched(WHOLE, points):
        grammar.check(batch)

    grammar.end()


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_a_stream_that_is_cut_is_not_over(length: int) -> None:
    with pytest.raises(IllegalEvent, match="the stream ended while"):
        check(WHOLE[:length]).end()


def test_a_part_that_is_whole_at_once_has_no_deltas() -> None:
    call = SearchCall("s", "web_search", "tea")
    start = ReplyStarted("r", "m")

    Grammar().check([start, PartStarted(0, call), PartEnded(0), PartStarted(1, Text(""))])
    with pytest.raises(IllegalEvent, match="whole"):
        Grammar().check([start, PartStarted(0, call), PartDelta(0, "x")])
