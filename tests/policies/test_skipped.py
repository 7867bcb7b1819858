import pytest

from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    BrokenOff,
    ConnectTimeout,
    NotLoggedIn,
    RateLimited,
)
from lingma_proxy.policies.skipped import (
    IN_A_ROW,
    IN_A_ROW_WITHIN,
    LONGEST_PAUSE,
    MOST,
    PAUSE,
    Skipped,
    Try,
)

FAILURE = BackendTimeout("silence")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def skipped(clock):
    return Skipped(clock)


def fail(skipped, model="a", error=FAILURE, times=1):
    for _ in range(times):
        attempt = skipped.may_try(model)
        assert attempt is not None
        skipped.failed(attempt, error)
        skipped.left(attempt)


def test_a_model_that_fails_now_and_then_is_not_skipped(skipped, clock):
    for _ in range(10):
        fail(skipped, times=IN_A_ROW - 1)
        attempt = skipped.may_try("a")
        skipped.answered(attempt)
        skipped.finished(attempt)
    assert skipped.states() == {}

    for _ in range(10):
        fail(skipped)
        clock.now += IN_A_ROW_WITHIN + 1
    assert skipped.may_try("a") == Try("a", is_probe=False)


def test_one_that_keeps_failing_is_skipped_and_one_request_tries_it_again(skipped, clock):
    fail(skipped, times=IN_A_ROW)

    assert skipped.may_try("a") is None
    assert skipped.may_try("b") == Try("b", is_probe=False)
    clock.now += PAUSE - 0.1
    assert skipped.may_try("a") is None
    clock.now += 0.1
    probe = skipped.may_try("a")
    assert probe == Try("a", is_probe=True)
    assert skipped.may_try("a") is None  # the others go on skipping it
    skipped.answered(probe)
    assert skipped.may_try("a") == Try("a", is_probe=False)
    skipped.finished(probe)
    assert skipped.states() == {}


def test_each_try_that_fails_doubles_the_time_up_to_five_minutes(skipped, clock):
    fail(skipped, times=IN_A_ROW)
    pauses = []
    for _ in range(8):
        pauses.append(skipped.states()["a"].skipped_for)
        clock.now += pauses[-1]
        fail(skipped)

    assert pauses == [15, 30, 60, 120, 240, 300, 300, 300]
    assert LONGEST_PAUSE == 300


def test_one_that_answers_and_breaks_off_again_and_again_is_skipped_for_longer(skipped, clock):
    for pause in (15, 30, 60):
        while (attempt := skipped.may_try("a")) is not None:
            skipped.answered(attempt)
            skipped.failed(attempt, BrokenOff("cut"))
            skipped.left(attempt)
        assert skipped.states()["a"].skipped_for == pause
        clock.now += pause


def test_a_try_that_nobody_waits_for_leaves_the_next_to_another(skipped, clock):
    fail(skipped, times=IN_A_ROW)
    clock.now += PAUSE
    skipped.left(skipped.may_try("a"))

    assert skipped.may_try("a") == Try("a", is_probe=True)


def test_requests_that_were_under_way_do_not_lengthen_the_time(skipped, clock):
    under_way = [skipped.may_try("a") for _ in range(20)]
    for attempt in under_way:
        skipped.failed(attempt, FAILURE)
        skipped.left(attempt)

    assert skipped.states()["a"].skipped_for == PAUSE
    assert skipped.states()["a"].failures == 20


def test_a_success_brings_it_back_whoever_has_it(skipped):
    early = skipped.may_try("a")
    fail(skipped, times=IN_A_ROW)
    skipped.finished(early)

    assert skipped.may_try("a") == Try("a", is_probe=False)


@pytest.mark.parametrize(
    ("error", "counts"),
    [
        (BackendTimeout("t"), True),
        (RateLimited("r"), True),
        (BrokenOff("b"), True),
        (BackendRefused("f", upstream=500), True),
        (BackendRefused("f", upstream=400), False),
        (BackendUnavailable("u"), False),
        (ConnectTimeout("c"), False),
        (NotLoggedIn("n"), False),
    ],
    ids=lambda it: type(it).__name__ + str(getattr(it, "upstream", "")),
)
def test_only_what_tells_something_about_the_model_counts(skipped, error, counts):
    fail(skipped, error=error, times=IN_A_ROW)

    assert (skipped.may_try("a") is None) is counts


def test_the_network_being_away_does_not_end_the_time_of_a_try(skipped, clock):
    fail(skipped, times=IN_A_ROW)
    clock.now += PAUSE
    fail(skipped, error=BackendUnavailable("away"))

    assert skipped.may_try("a") == Try("a", is_probe=True)
    assert skipped.states()["a"].failures == IN_A_ROW


def test_who_says_when_to_come_back_is_believed_within_bounds(skipped):
    fail(skipped, "a", RateLimited("later", retry_after=60), IN_A_ROW)
    fail(skipped, "b", RateLimited("later", retry_after=86400), IN_A_ROW)

    assert skipped.states()["a"].skipped_for == 60
    assert skipped.states()["b"].skipped_for == LONGEST_PAUSE


def test_what_is_remembered_is_bounded_and_can_be_read(skipped, clock):
    for number in range(3 * MOST):
        fail(skipped, f"made-up-{number}")

    assert len(skipped.states()) == MOST
    newest = skipped.states()[f"made-up-{3 * MOST - 1}"]
    assert (newest.failures, newest.skipped_for, newest.trying) == (1, 0.0, False)
    assert newest.why == "BackendTimeout"
