from itertools import count

from lingma_proxy.conversation.events import (
    FinishReason,
    PartDelta,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
)
from lingma_proxy.conversation.request import Text
from lingma_proxy.conversation.stopwatch import Stopwatch

ACCEPTED = [ReplyStarted("1", "m")]
SPOKEN = [PartStarted(0, Text("")), PartDelta(0, "Hi")]
ENDED = [ReplyEnded(FinishReason.STOP)]


def watch():
    """Each look at the clock finds it 100 ns later; it is 5 s past 1970 on the wall."""
    ticks = count(1000, 100)
    return Stopwatch(lambda: next(ticks), lambda: 5 * 10**9)


def test_until_it_is_started_it_stands_still():
    still = watch()
    still.hear(SPOKEN)

    assert (still.elapsed(), still.first, still.time(7)) == (0, None, 7 * 10**9)


def test_it_tells_when_the_answer_began_and_how_long_it_took():
    running = watch()
    running.start()
    for batch in (ACCEPTED, SPOKEN, SPOKEN, ENDED):
        running.hear(batch)

    assert running.first == 100
    assert running.elapsed() == 200
    assert running.time(7) == 5 * 10**9 + 300


def test_what_comes_whole_has_no_beginning_of_its_own():
    running = watch()
    running.start()
    running.hear([*ACCEPTED, *SPOKEN, *ENDED])

    assert running.first is None


def test_the_time_never_goes_back():
    back = iter([10**9, 0])
    running = Stopwatch(count(0, 5).__next__, lambda: next(back))
    running.start()

    assert running.time(0) < running.time(0)
