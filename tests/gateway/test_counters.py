import asyncio

import pytest

from lingma_proxy.conversation.events import Usage
from lingma_proxy.errors import BackendTimeout, RateLimited
from lingma_proxy.gateway.counters import NAMES, SERIES, Counter, Counters, page_of
from lingma_proxy.recording.tally import NONE, OTHER
from support.exchanges import attempt, exchange


def of(*exchanges):
    counters = Counters()
    for notes in exchanges:
        counters.hear(notes)
    return counters


def test_a_reply_is_counted_by_who_asked_whom_and_how_it_ended():
    counters = of(exchange(), exchange(), exchange(status=429, error=RateLimited("Wait.")))

    assert counters.requests.values == {
        ("openai_chat", "200", "claude-code", "kmodel"): 2,
        ("openai_chat", "429", "claude-code", "kmodel"): 1,
    }
    assert counters.errors.values == {("openai_chat", "RateLimited"): 1}


def test_times_are_of_those_that_ended_well():
    counters = of(exchange(), exchange(error=asyncio.CancelledError()), exchange(streamed=False))

    assert counters.first.values["kmodel",].count == 1
    assert counters.total.values["kmodel",].count == 2
    assert counters.queued.values[()].count == 3


def test_tokens_are_counted_by_kind_and_by_who_counted_them():
    counters = of(
        exchange(usage=Usage(10, 5, cached=4, reasoning=3)),
        exchange(usage=Usage(1, 2, estimated=True)),
        exchange(usage=None),
    )

    assert counters.tokens.values == {
        ("kmodel", "input", "false"): 10,
        ("kmodel", "output", "false"): 5,
        ("kmodel", "cached", "false"): 4,
        ("kmodel", "reasoning", "false"): 3,
        ("kmodel", "input", "true"): 1,
        ("kmodel", "output", "true"): 2,
    }


def test_each_attempt_is_counted_and_so_is_who_answered_instead():
    first = attempt(error=BackendTimeout("Too slow."))
    first.model = "mmodel"

    counters = of(exchange(attempts=[first, attempt()], meant_model="mmodel"))

    assert counters.attempts.values == {("mmodel", "BackendTimeout"): 1, ("kmodel", "ok"): 1}
    assert counters.fallbacks.values == {("mmodel", "kmodel"): 1}


def test_pages_have_no_model_and_no_times():
    counters = of(exchange(dialect="", path="/v1/models", attempts=[]))

    assert counters.requests.values == {("models", "200", "claude-code", NONE): 1}
    assert not counters.total.values


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/", "health"),
        ("/livez/", "health"),
        ("/v1/messages/count_tokens", "count"),
        ("/v1/responses/input_tokens", "count"),
        ("/v1/models", "models"),
        ("/v1/models/kmodel", "models"),
        ("/api/tags", "models"),
        ("/debug/requests", "state"),
        ("/metrics", "state"),
        ("/" + "x" * 400, OTHER),
        ("", "health"),
    ],
)
def test_paths_are_few_kinds_of_pages(path, page):
    assert page_of(path) == page


def test_whatever_clients_make_up_the_labels_are_bounded():
    counters = of(
        *(
            exchange(client=f"client {number}", model=f"model {number}", status=number)
            for number in range(5000)
        )
    )

    assert len(counters.requests.values) <= SERIES + 1
    assert sum(counters.requests.values.values()) == 5000
    assert len(counters.total.values) <= NAMES + 1


def test_beyond_so_many_combinations_all_is_other():
    counter = Counter("n", "", ("a", "b"))
    for number in range(SERIES + 5):
        counter.add(str(number), "x")
    counter.add("0", "x", by=2)

    assert counter.values[OTHER, OTHER] == 5
    assert counter.values["0", "x"] == 3
