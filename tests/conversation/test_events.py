import pytest

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
    added,
)
from lingma_proxy.conversation.request import Text

EVENTS: list[Event] = [
    ReplyStarted("1", "m"),
    PartStarted(0, Text("")),
    PartDelta(0, "x"),
    PartEnded(0),
    ReplyEnded(FinishReason.STOP),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_is_a_frozen_value(event: Event) -> None:
    name = type(event).__match_args__[0]

    with pytest.raises(AttributeError):
        setattr(event, name, None)
    assert len({event, event}) == 1
    assert repr(event).startswith(f"{type(event).__name__}({name}=")


def test_events_are_equal_when_they_say_the_same() -> None:
    assert PartDelta(0, "x") == PartDelta(0, "x")
    assert PartDelta(0, "x") != PartDelta(0, "y")
    assert PartDelta(0, "x") != PartDelta(1, "x")
    assert len(set(EVENTS)) == len(EVENTS)


def test_events_are_read_by_their_shape() -> None:
    match PartDelta(3, "x"):
        case PartDelta(index, text):
            assert (index, text) == (3, "x")


def test_reasons_are_words() -> None:
    assert FinishReason("tool_calls") is FinishReason.TOOL_CALLS
    assert f"{FinishReason.LENGTH}" == "length"


def test_usage_that_nobody_spoke_of_is_zero_and_not_estimated() -> None:
    assert Usage() == Usage(input=0, output=0, cached=0, reasoning=0, estimated=False)
    assert ReplyEnded(FinishReason.STOP).usage is None


def test_the_usage_of_two_replies_is_their_sum() -> None:
    first, second = Usage(1, 2, 3, 4), Usage(10, 20, 30, 40, estimated=True)

    assert added(first, second) == Usage(11, 22, 33, 44, estimated=True)
    assert added(first, None) == added(None, first) == first
    assert added(None, None) is None
