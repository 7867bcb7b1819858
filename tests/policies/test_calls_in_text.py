from itertools import count

import pytest
from hypothesis import given

from lingma_proxy.conversation.events import Event, FinishReason, ReplyStarted
from lingma_proxy.conversation.grammar import Grammar
from lingma_proxy.conversation.reply import Collector, replay
from lingma_proxy.conversation.request import Text, Thinking, Tool, ToolCall
from lingma_proxy.errors import ProtocolError
from lingma_proxy.policies.calls_in_text import LONGEST_SAID, Listener, Parts, new_call_id
from lingma_proxy.tools.toolbox import Toolbox
from support.backends import answer, cuts, in_pieces

BOX = Toolbox([Tool("Read", "", {"type": "object", "properties": {"path": {"type": "string"}}})])
WRITTEN = '<tool_call>\n{"name": "Read", "arguments": {"path": "a"}}\n</tool_call>'
ARGUMENTS = '{"path": "a"}'


def parts() -> Parts:
    numbers = count(1)
    return Parts(lambda: f"call_{next(numbers)}")


def call(number: int) -> ToolCall:
    return ToolCall(f"call_{number}", "Read", ARGUMENTS)


def heard(listener: Listener, *batches) -> list[Event]:
    out: list[Event] = []
    for batch in batches:
        out += listener.hear(batch)
    return out


def told(reply, deltas=(), batches=()) -> tuple:
    """The parts of a reply as they are told while they come."""
    listener = Listener(BOX, parts())
    events = heard(listener, *in_pieces(reply, deltas, batches))
    events.append(listener.end())
    Grammar().check(events)
    collector = Collector()
    collector.feed(events)
    return collector.reply().parts


@given(cuts, cuts)
def test_calls_become_parts_however_the_text_is_cut(deltas, batches) -> None:
    reply = answer(Thinking("hm", "sig"), f"I read.\n{WRITTEN}\n{WRITTEN}", Thinking("so"), "Done")

    assert told(reply, deltas, batches) == (
        Thinking("hm", "sig"),
        Text("I read.\n"),
        call(1),
        call(2),
        Thinking("so"),
        Text("Done"),
    )


def test_no_call_goes_on_behind_what_was_thought() -> None:
    half = len(WRITTEN) // 2
    reply = answer(WRITTEN[:5], Thinking("hm"), WRITTEN[5:half])

    assert told(reply) == (Text(WRITTEN[:5]), Thinking("hm"), Text(WRITTEN[5:half]))


def test_calls_that_were_no_text_pass() -> None:
    reply = answer("so", ToolCall("theirs", "other", "{}"), "done")

    assert told(reply) == reply.parts


def test_a_text_that_is_cut_ends_in_a_part_that_is_not_complete() -> None:
    listener = Listener(BOX, parts())
    reply = answer(WRITTEN[:-20], reason=FinishReason.LENGTH)

    events = heard(listener, *in_pieces(reply, [1, 2, 3, 5, 8, 13, 21], []))
    Grammar().check([*events, listener.end()])

    assert listener.broken == ""
    assert not any(isinstance(event, ToolCall) for event in events)
    assert listener.end().reason is FinishReason.LENGTH


def test_what_is_held_is_said_when_it_is_asked_for() -> None:
    all_parts = parts()
    listener = Listener(BOX, all_parts, holds=True)

    at_once = heard(listener, replay(answer(Thinking("hm"), "I read.\n" + WRITTEN)))

    assert [type(event).__name__ for event in at_once] == [
        "ReplyStarted",
        "PartStarted",
        "PartDelta",
        "PartEnded",
    ]
    assert [called.arguments for called in listener.calls] == [ARGUMENTS]
    events = [*at_once, *listener.say(), listener.end()]
    Grammar().check(events)
    collector = Collector()
    collector.feed(events)
    assert collector.reply().parts == (Thinking("hm"), Text("I read.\n"), call(1))
    assert listener.say() == []
    assert all_parts.calls == 1


def test_a_second_reply_starts_nothing_and_counts_on() -> None:
    all_parts = parts()
    first = heard(Listener(BOX, all_parts), replay(answer("one")))
    second = heard(Listener(BOX, all_parts, started=True), replay(answer(WRITTEN)))

    assert isinstance(first[0], ReplyStarted)
    Grammar().check([*first, *second])


def test_what_was_thought_can_be_kept_from_the_client() -> None:
    listener = Listener(BOX, parts(), holds=True, thinks=False)

    assert len(heard(listener, replay(answer(Thinking("hm"), "text")))) == 1
    assert listener.said == "text"


def test_only_the_beginning_of_a_very_long_answer_is_remembered() -> None:
    listener = Listener(BOX, parts())
    heard(listener, *in_pieces(answer("x" * (LONGEST_SAID + 100)), [10, 2000], []))

    assert listener.said == "x" * LONGEST_SAID


def test_warnings_are_added_to_those_of_the_reply() -> None:
    listener = Listener(BOX, parts(), warnings=("mine",))

    [started] = listener.hear([ReplyStarted("1", "m", ("theirs",))])

    assert started == ReplyStarted("1", "m", ("theirs", "mine"))


def test_a_reply_without_an_end_is_the_vendors_fault() -> None:
    with pytest.raises(ProtocolError):
        Listener(BOX, parts()).end()


def test_ids_of_calls_are_distinct_and_long() -> None:
    ids = {new_call_id() for _ in range(1000)}

    assert len(ids) == 1000
    assert all(id.startswith("call_") and len(id) == 29 for id in ids)
