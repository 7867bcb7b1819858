import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.halves import MARK, Halves, Place
from support.cuts import at_code_units
from support.strategies import some_text

FIRST, SECOND = "\ud83d", "\ude00"
points = st.lists(st.integers(0, 60), max_size=8)
units = st.text(st.sampled_from(["a", "é", "😀", FIRST, SECOND]), max_size=6)


def said(pieces: list[tuple[Place, str]]) -> dict[Place, str]:
    """What is said in each place, as who uses `Halves` says it."""
    halves, texts = Halves(), dict[Place, str]()

    def say(place: Place, text: str) -> None:
        texts[place] = texts.get(place, "") + text

    for place, piece in pieces:
        for other in halves.lonely(place):
            say(other, MARK)
        say(place, halves.mend(place, piece))
    for other in halves.lonely():
        say(other, MARK)
    return texts


@given(st.text(st.characters(codec="utf-8"), max_size=20) | some_text, points)
def test_a_text_is_the_same_however_it_is_cut_between_code_units(text, cuts) -> None:
    assert said([("text", piece) for piece in at_code_units(text, cuts)]) == {"text": text}


@given(st.dictionaries(st.integers(0, 2), some_text, min_size=1), points, st.randoms())
def test_calls_may_take_turns(texts, cuts, dice) -> None:
    waiting = {place: at_code_units(text, cuts) for place, text in texts.items()}
    pieces: list[tuple[Place, str]] = []
    while any(waiting.values()):
        place = dice.choice([place for place in waiting if waiting[place]])
        pieces.append((place, waiting[place].pop(0)))

    assert said(pieces) == texts


@given(st.lists(st.tuples(st.sampled_from(["text", "thinking", 0, 1]), units)))
def test_nothing_that_is_said_has_halves_in_it(pieces) -> None:
    for text in said(pieces).values():
        text.encode()


@pytest.mark.parametrize(
    ("pieces", "texts"),
    [
        ([("text", "a" + FIRST), ("text", "b")], {"text": "a\ufffdb"}),
        ([("text", FIRST), ("text", ""), ("text", SECOND)], {"text": "😀"}),
        ([("text", FIRST), ("text", FIRST + SECOND)], {"text": "\ufffd😀"}),
        ([("text", SECOND + FIRST + "x")], {"text": "\ufffd\ufffdx"}),
        ([("text", "a" + FIRST)], {"text": "a\ufffd"}),
        ([(3, FIRST)], {3: "\ufffd"}),
    ],
)
def test_a_mark_stands_for_half_a_character_that_stays_alone(pieces, texts) -> None:
    assert said(pieces) == texts


@pytest.mark.parametrize("other", ["thinking", 0])
def test_text_ends_where_something_else_goes_on(other) -> None:
    pieces: list[tuple[Place, str]] = [("text", FIRST), (other, "x"), ("text", SECOND)]

    assert said(pieces) == {"text": "\ufffd\ufffd", other: "x"}


def test_a_call_goes_on_after_something_else() -> None:
    pieces: list[tuple[Place, str]] = [(0, FIRST), ("text", "x"), (1, "y"), (0, SECOND)]

    assert said(pieces) == {0: "😀", "text": "x", 1: "y"}
