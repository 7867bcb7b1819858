import asyncio

import pytest

from lingma_proxy.conversation.events import Usage
from lingma_proxy.errors import RateLimited
from lingma_proxy.recording.tally import (
    LONGEST_NAME,
    NONE,
    OTHER,
    Known,
    Tally,
    clean,
    decoded,
    encoded,
    fell_back,
    model_of,
    outcome,
)
from support.exchanges import attempt, exchange


def of(*exchanges) -> Tally:
    tally = Tally()
    for notes in exchanges:
        tally.add(notes)
    return tally


FINE = exchange(usage=Usage(10, 5, cached=4, reasoning=3))
GUESSED = exchange(usage=Usage(1, 2, estimated=True))
LEFT = exchange(status=200, error=asyncio.CancelledError())
LIMITED = exchange(status=429, error=RateLimited("Wait."), usage=None, first=None)
WHOLE = exchange(streamed=False)


def test_replies_add_up():
    tally = of(FINE, GUESSED, LEFT, LIMITED, WHOLE)

    assert (tally.requests, tally.failed, tally.left) == (5, 1, 1)
    assert tally.errors == {"RateLimited": 1}
    assert (tally.first.count, tally.total.count) == (2, 3)
    assert tally.total.longest == 2.25
    assert tally.first.longest == 1.5


def test_tokens_add_up_also_of_those_that_failed_later():
    tally = of(FINE, GUESSED)

    assert (tally.input, tally.output, tally.cached, tally.reasoning) == (11, 7, 4, 3)
    assert tally.estimated == 1


def test_two_together_are_one():
    both = of(FINE, LEFT)
    both.merge(of(GUESSED, LIMITED, LIMITED))

    assert both == of(FINE, LEFT, GUESSED, LIMITED, LIMITED)


def test_it_survives_its_json_and_what_is_none_is_nothing():
    tally = of(FINE, LIMITED)

    assert decoded(encoded(tally)) == tally
    assert decoded("{}") == Tally()
    for broken in ("", "[]", '{"requests": "x"}', '{"first": {"counts": [1]}}', b"\xff"):
        assert decoded(broken) is None


@pytest.mark.parametrize(
    ("notes", "how"),
    [
        (FINE, ""),
        (LEFT, "left"),
        (exchange(status=0), "left"),
        (LIMITED, "RateLimited"),
        (exchange(status=404), "status 404"),
        (exchange(error=ZeroDivisionError("secret")), "ZeroDivisionError"),
    ],
    ids=["well", "left", "no status", "limited", "refused", "a fault"],
)
def test_how_it_ended_is_a_word(notes, how):
    assert outcome(notes) == how


def test_another_model_than_was_asked_for_is_a_fallback():
    described = attempt()
    described.model = "one that describes pictures"

    assert fell_back(exchange(meant_model="mmodel")), "it may have been passed over"
    assert not fell_back(exchange(meant_model="kmodel", attempts=[described, attempt()]))
    assert not fell_back(exchange(meant_model="mmodel", model="", attempts=[]))
    assert not fell_back(exchange(meant_model="")), "whoever answers has chosen"
    assert of(exchange(meant_model="mmodel")).fallbacks == 1


def test_the_model_is_never_what_a_client_made_up():
    assert model_of(exchange(asked_model="made up")) == "kmodel"
    assert model_of(exchange(asked_model="made up", model="")) == "kmodel"
    assert model_of(exchange(asked_model="made up", model="", attempts=[])) == NONE


def test_only_so_many_names_are_told_apart():
    known = Known(2)

    assert [known.name(name) for name in ("a", "b", "c", "a", "d")] == ["a", "b", OTHER, "a", OTHER]


@pytest.mark.parametrize("name", ["x" * 500, "a\nb\x00\u2028", "\ud800", "", "  "])
def test_any_name_can_be_shown(name):
    shown = clean(name)

    assert 0 < len(shown) <= LONGEST_NAME
    assert shown.isprintable()
    shown.encode()
