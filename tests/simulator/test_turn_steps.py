import pytest

from lingma_proxy.simulator.plugin_faults import TABLE
from lingma_proxy.simulator.rpc import RpcError
from lingma_proxy.simulator.turn_steps import Drop, Fail, Pause, Respond, Tell, Words, turn


class Manner:
    """Each step tells what it is."""

    said = ""

    def opening(self):
        yield Tell("opening", {})

    def word(self, delta):
        yield Tell("word", delta)

    def around(self, delta):
        return ()

    def middle(self):
        yield Tell("middle", {})

    def ending(self, finish):
        yield Respond(finish)

    def failing(self, error):
        yield Fail(error)

    def cancelled(self):
        return ()

    def unheard(self):
        return ()


SAID = Words(({"content": "one"}, {"content": "two"}, {"content": "three"}))


def steps(faults="", said=SAID, pace=0.0):
    """What is done, in words."""
    found = []
    for step in turn(Manner(), said, TABLE.parse(faults), pace):
        match step:
            case Tell(method, params):
                found.append(params.get("content") or params.get("reasoning_content") or method)
            case Pause(seconds):
                found.append(seconds)
            case Respond(result):
                found.append(f"end: {result}")
            case Fail(error):
                found.append(error.code)
            case Drop():
                found.append("drop")
    return found


def test_a_turn_is_its_words_from_opening_to_end():
    assert steps() == ["opening", "one", "middle", "two", "three", "end: stop"]
    assert steps(pace=0.5) == ["opening", "one", "middle", 0.5, "two", 0.5, "three", "end: stop"]


@pytest.mark.parametrize(
    ("faults", "found"),
    [
        ("drop-prompt", ["drop"]),
        ("error-prompt=32000", [-32000]),
        ("hang-prompt, drop-prompt", [None, "drop"]),
        ("slow=3, empty", ["opening", 3.0, "middle", "end: stop"]),
        ("stall=2", ["opening", "one", 2.0, "middle", "two", "three", "end: stop"]),
        ("stall, drop-after=0", ["opening", "drop"]),
        ("drop-after=1", ["opening", "one", "middle", "drop"]),
        ("drop-after=9", ["opening", "one", "middle", "two", "three", "drop"]),
        ("error-after=2", ["opening", "one", "middle", "two", -32603]),
        ("words=2", ["opening", "word1", "middle", " word2", "end: stop"]),
        ("thoughts, empty", ["opening", "Let me ", "middle", "think.", "end: stop"]),
        ("pace=7, words=2", ["opening", "word1", "middle", 7.0, " word2", "end: stop"]),
    ],
)
def test_a_turn_breaks_as_it_is_told_to(faults, found):
    assert steps(faults) == found


def test_a_turn_may_be_told_how_to_end():
    assert steps(said=Words((), "length")) == ["opening", "middle", "end: length"]
    assert steps(said=Words((), None)) == ["opening", "middle", "drop"]
    assert steps(said=Words((), error=RpcError(429, "no"))) == ["opening", "middle", 429]
