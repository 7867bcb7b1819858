import asyncio
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backend import EventStream
from lingma_proxy.backends.scripted import Script, Scripted, Step
from lingma_proxy.conversation.events import PartStarted, ReplyStarted, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    BrokenOff,
    ConnectTimeout,
    InvalidRequest,
    ModelNotFound,
    NotLoggedIn,
    ProtocolError,
    ProxyError,
    RateLimited,
    TooBusy,
    UnfitAnswer,
)
from lingma_proxy.policies.fallback import Bounds, Fallback
from lingma_proxy.policies.skipped import IN_A_ROW, PAUSE, Skipped
from support.backends import THOUGHT, answer, ask, drain, heard, in_pieces, one_by_one
from support.backends import hear as hear_reply
from support.strategies import replies

WANTED, SECOND, THIRD = "kmodel", "mmodel", "qmodel"
GOOD = answer("Hello!", usage=Usage(3, 2))
MODELS = (SECOND, THIRD, "fourth")
FAILURES = {
    "timeout": BackendTimeout("silence"),
    "connect": ConnectTimeout("no connection"),
    "429": RateLimited("too many"),
    "500": BackendRefused("the vendor says 500", upstream=500),
    "503": BackendRefused("the vendor says 503", upstream=503),
    "refused connection": BackendUnavailable("refused"),
    "unexpected end": BrokenOff("cut"),
}
FINAL = {
    "400": BackendRefused("no", upstream=400),
    "invalid": InvalidRequest("no"),
    "login": NotLoggedIn("log in"),
    "busy": TooBusy("wait", retry_after=1),
    "not found": ModelNotFound("none"),
    "unfit": UnfitAnswer("twice"),
    "protocol": ProtocolError("garbage"),
}


class Named(Scripted):
    """Says who answers, as backends do."""

    async def reply(self, request: ChatRequest) -> EventStream:
        async with aclosing(super().reply(request)) as batches:
            async for batch in batches:
                yield [
                    replace(event, model=request.model)
                    if isinstance(event, ReplyStarted)
                    else event
                    for event in batch
                ]

    @property
    def asked(self) -> list[str]:
        return [request.model for request in self.requests]


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def falling_back(
    *scripts: Script,
    others: Sequence[str] = MODELS,
    time: Time | None = None,
    skipped: Skipped | None = None,
    hold: float = 60.0,
    **bounds: float,
) -> tuple[Fallback, Named]:
    time = time or Time()
    inner = Named(scripts)
    policy = Fallback(
        inner,
        lambda _: others,
        skipped or Skipped(time),
        Bounds(**bounds),  # type: ignore[arg-type]  # the test's word
        hold=hold,
        clock=time,
        sleep=time.sleep,
    )
    return policy, inner


def broken(reply: Reply, at: int, error: ProxyError) -> list[Step]:
    return [*one_by_one(reply)[:at], error]


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
async def test_the_next_model_answers_and_the_reply_says_so(failure):
    policy, inner = falling_back(failure, GOOD)
    reply = await hear_reply(policy, ask())

    assert inner.asked == [WANTED, SECOND]
    assert (reply.model, reply.parts, reply.usage) == (SECOND, GOOD.parts, GOOD.usage)
    (warning,) = reply.warnings
    assert warning.startswith(f"{WANTED} did not answer (")
    assert warning.endswith(f"{SECOND} does instead.")
    assert failure.message not in warning


@pytest.mark.parametrize("failure", FINAL.values(), ids=FINAL)
async def test_what_another_try_does_not_mend_is_said_as_it_is(failure):
    policy, inner = falling_back(failure, GOOD)

    assert await heard(policy) == ([], failure)
    assert inner.asked == [WANTED]


async def test_a_reply_that_comes_at_once_is_passed_on_as_it_is():
    script = in_pieces(answer(THOUGHT, "Hello there"), [2, 4], [3, 4, 5])
    policy, _ = falling_back(script)
    batches = []
    async with aclosing(policy.reply(ask())) as events:
        async for batch in events:
            batches.append(batch)
            assert len(asyncio.all_tasks()) == 1

    assert batches[1:] == script[1:]
    assert [*map(len, batches)] == [3, 1, 1, *map(len, batches[3:])]


async def test_a_start_that_has_said_nothing_does_not_count():
    policy, inner = falling_back(broken(GOOD, 1, FAILURES["unexpected end"]), one_by_one(GOOD))
    reply = await hear_reply(policy)

    assert (reply.model, reply.parts) == (SECOND, GOOD.parts)
    assert inner.speaking == 0


async def test_once_a_part_has_begun_there_is_no_way_back():
    for at in range(2, len(one_by_one(GOOD))):
        policy, inner = falling_back(broken(GOOD, at, FAILURES["unexpected end"]), GOOD)
        events, error = await heard(policy)

        assert len(events) == at
        assert error is FAILURES["unexpected end"]
        assert inner.asked == [WANTED]


async def test_headers_do_not_wait_long_for_the_first_part():
    gate = asyncio.Event()
    policy, inner = falling_back([*one_by_one(GOOD)[:1], gate, BrokenOff("cut")], GOOD, hold=0.0)
    async with aclosing(policy.reply(ask())) as events:
        first = await anext(events)
        assert [*map(type, first)] == [ReplyStarted]
        gate.set()
        with pytest.raises(BrokenOff, match=r"^cut$"):
            await anext(events)

    assert inner.asked == [WANTED]


async def test_after_the_headers_all_comes_as_it_comes():
    gate = asyncio.Event()
    start, *rest = one_by_one(GOOD)
    policy, _ = falling_back([start, gate, *rest], hold=0.0)
    batches = []
    async with aclosing(policy.reply(ask())) as events:
        async for batch in events:
            batches.append(batch)
            gate.set()

    assert [event for batch in batches for event in batch][1:] == replay(GOOD)[1:]
    assert [*map(len, batches)] == [1] * (1 + len(rest))


async def test_what_is_heard_whole_may_break_anywhere():
    for at in range(len(one_by_one(GOOD))):
        policy, inner = falling_back(broken(GOOD, at, FAILURES["timeout"]), one_by_one(GOOD))
        reply = await hear_reply(policy, replace(ask(), heard_whole=True))

        assert (reply.model, reply.parts, reply.usage) == (SECOND, GOOD.parts, GOOD.usage)
        assert inner.asked == [WANTED, SECOND]


async def test_tries_are_bounded_and_all_are_named():
    policy, inner = falling_back(RateLimited("wanted", retry_after=60), *[FAILURES["500"]] * 5)
    events, error = await heard(policy)

    assert events == []
    assert inner.asked == [WANTED, SECOND, THIRD]
    assert isinstance(error, RateLimited)  # what the model that was asked for has said
    assert error.retry_after == 60
    assert error.message == "wanted Tried: kmodel, mmodel, qmodel."
    assert isinstance(error.__cause__, ExceptionGroup)
    assert len(error.__cause__.exceptions) == 3


async def test_no_try_begins_after_the_budget():
    time = Time()

    class Slow(Named):
        async def reply(self, request: ChatRequest) -> EventStream:
            time.now += 100
            async with aclosing(super().reply(request)) as batches:
                async for batch in batches:
                    yield batch

    inner = Slow([FAILURES["timeout"]] * 9)
    bounds = Bounds(attempts=9, budget=150)
    policy = Fallback(inner, lambda _: MODELS, Skipped(time), bounds, clock=time, sleep=time.sleep)
    _, error = await heard(policy)

    assert isinstance(error, BackendTimeout)
    assert inner.asked == [WANTED, SECOND]


async def test_one_try_is_one_try():
    policy, inner = falling_back(FAILURES["500"], GOOD, attempts=1)

    assert await heard(policy) == ([], FAILURES["500"])
    assert inner.asked == [WANTED]


async def test_what_another_model_objects_to_is_not_the_clients_to_hear():
    policy, inner = falling_back(
        FAILURES["429"], BackendRefused("too long", upstream=400), TooBusy("busy")
    )
    _, error = await heard(policy)

    assert inner.asked == [WANTED, SECOND, THIRD]
    assert isinstance(error, RateLimited)


async def test_a_login_that_is_gone_is_what_there_is_to_say():
    policy, inner = falling_back(FAILURES["500"], FINAL["login"], GOOD)
    _, error = await heard(policy)

    assert inner.asked == [WANTED, SECOND]
    assert isinstance(error, NotLoggedIn)


@pytest.mark.parametrize(
    ("failure", "slept"),
    [
        (BackendUnavailable("refused"), [0.25]),
        (BackendUnavailable("not ready", retry_after=3), [3]),
        (RateLimited("later", retry_after=10), [10]),
        (BackendRefused("overloaded", upstream=503), None),
        (RateLimited("later", retry_after=11), None),
        (BackendUnavailable("not ready", retry_after=30), None),
        (RateLimited("later"), None),
        (BackendTimeout("silence"), None),
        (ConnectTimeout("silence"), None),
        (BrokenOff("cut"), [0.25]),
    ],
    ids=lambda it: f"{type(it).__name__}-{getattr(it, 'retry_after', it)}",
)
async def test_without_others_the_same_is_asked_once_more_where_that_makes_sense(failure, slept):
    time = Time()
    policy, inner = falling_back(failure, GOOD, others=(), time=time)
    events, error = await heard(policy)

    if slept is None:
        assert (events, error, inner.asked) == ([], failure, [WANTED])
    else:
        assert events == replay(replace(GOOD, model=WANTED))  # and no warning
        assert inner.asked == [WANTED] * 2
        assert time.slept == slept


async def test_the_same_is_asked_no_third_time():
    policy, inner = falling_back(*[BackendUnavailable("refused")] * 5, others=())
    _, error = await heard(policy)

    assert inner.asked == [WANTED] * 2
    assert error is not None
    assert str(error) == "refused Tried: kmodel (twice)."


async def test_when_all_have_been_asked_one_is_waited_for_that_has_said_when():
    time = Time()
    later = RateLimited("later", retry_after=5)
    policy, inner = falling_back(later, FAILURES["500"], GOOD, others=(SECOND,), time=time)
    reply = await hear_reply(policy)

    assert inner.asked == [WANTED, SECOND, WANTED]
    assert time.slept == [5]
    assert (reply.model, reply.warnings) == (WANTED, ())


async def test_a_wait_that_does_not_fit_the_budget_is_not_begun():
    time = Time()
    policy, inner = falling_back(
        RateLimited("later", retry_after=5), others=(), time=time, budget=4
    )
    _, error = await heard(policy)

    assert (inner.asked, time.slept) == ([WANTED], [])
    assert isinstance(error, RateLimited)
    assert error.retry_after == 5


async def test_others_are_looked_for_only_when_somebody_is_needed():
    def nobody_asks(_):
        raise AssertionError

    assert await hear_reply(Fallback(Scripted([GOOD]), nobody_asks, Skipped())) == GOOD


async def test_a_model_that_keeps_failing_is_passed_over_until_it_answers_again():
    time = Time()
    skipped = Skipped(time)
    scripts: list[Script] = [FAILURES["500"], GOOD] * IN_A_ROW
    policy, inner = falling_back(*scripts, *[GOOD] * 3, time=time, skipped=skipped)
    for _ in range(IN_A_ROW):
        await drain(policy)
    inner.requests.clear()

    reply = await hear_reply(policy)
    assert inner.asked == [SECOND]
    (warning,) = reply.warnings
    assert warning == (
        f"{WANTED} did not answer (it keeps failing, and is passed over for a while):"
        f" {SECOND} does instead."
    )
    time.now += PAUSE
    assert (await hear_reply(policy)).model == WANTED
    assert (await hear_reply(policy)).model == WANTED
    assert skipped.states() == {}


async def test_when_all_are_passed_over_the_one_that_was_asked_for_is_tried_anyway():
    time = Time()
    skipped = Skipped(time)
    scripts = [FAILURES["500"]] * IN_A_ROW * 2
    policy, inner = falling_back(*scripts, GOOD, others=(SECOND,), time=time, skipped=skipped)
    for _ in range(IN_A_ROW):
        await heard(policy)
    assert {*skipped.states()} == {WANTED, SECOND}

    assert (await hear_reply(policy)).model == WANTED
    assert {*skipped.states()} == {SECOND}


async def test_who_was_passed_over_is_the_last_resort():
    time = Time()
    skipped = Skipped(time)
    policy, inner = falling_back(
        *[FAILURES["500"]] * IN_A_ROW, others=(), time=time, skipped=skipped
    )
    for _ in range(IN_A_ROW):
        await heard(policy)
    policy, inner = falling_back(FINAL["400"], GOOD, others=(SECOND,), time=time, skipped=skipped)

    assert (await hear_reply(policy)).model == WANTED
    assert inner.asked == [SECOND, WANTED]


@pytest.mark.parametrize("whole", [False, True], ids=["streamed", "whole"])
async def test_who_leaves_at_any_point_leaves_nothing_behind(whole):
    """While the vendor is silent, while a start is held back, and while it is waited."""
    request = replace(ask(), heard_whole=whole)
    steps = one_by_one(GOOD)
    for at in range(len(steps) + 1):
        for hold in (0.0, 60.0):
            time, gate = Time(), asyncio.Event()
            skipped = Skipped(time)
            script: Script = [*steps[:at], gate]
            policy, inner = falling_back(script, time=time, skipped=skipped, hold=hold)
            hearing = asyncio.create_task(heard(policy, request))
            while inner.said < at or not inner.speaking:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            hearing.cancel()
            await asyncio.wait([hearing])

            assert hearing.cancelled()
            assert inner.speaking == 0
            assert len(asyncio.all_tasks()) == 1
            assert skipped.states() == {}


async def test_who_leaves_while_it_is_waited_lets_another_try():
    class Forever(Time):
        async def sleep(self, seconds: float) -> None:
            self.slept.append(seconds)
            await asyncio.Event().wait()

    time = Forever()
    skipped = Skipped(time)
    for _ in range(IN_A_ROW):
        skipped.failed(skipped.may_try(SECOND), FAILURES["500"])  # type: ignore[arg-type]
    time.now += PAUSE
    policy, _ = falling_back(BackendUnavailable("away"), time=time, skipped=skipped)
    hearing = asyncio.create_task(heard(policy))
    while not time.slept:
        await asyncio.sleep(0)
    assert skipped.states()[SECOND].trying
    hearing.cancel()
    await asyncio.wait([hearing])

    assert not skipped.states()[SECOND].trying


async def test_who_hangs_up_while_the_first_part_is_awaited_closes_what_is_inside():
    gate = asyncio.Event()
    policy, inner = falling_back([*one_by_one(GOOD)[:1], gate], hold=0.0)
    async with aclosing(policy.reply(ask())) as events:
        await anext(events)
        assert inner.speaking == 1

    assert inner.speaking == 0
    assert len(asyncio.all_tasks()) == 1


errors = st.sampled_from([*FAILURES.values(), *FINAL.values()])
cuts = st.lists(st.integers(0, 30), max_size=4)


@st.composite
def tries(draw: st.DrawFn) -> list[tuple[list[Step], ProxyError | None]]:
    """For each try: what it says, in pieces, and how it breaks off if it does."""
    drawn: list[tuple[list[Step], ProxyError | None]] = []
    for number in range(4):
        reply = draw(replies)
        reply = replace(reply, id=f"try {number}", warnings=())
        steps = in_pieces(reply, draw(cuts), draw(cuts))
        error = draw(st.none() | errors)
        if error is not None:
            steps = [*steps[: draw(st.integers(0, len(steps) - 1))], error]
        drawn.append((steps, error))
    return drawn


@given(tries(), st.booleans(), st.lists(st.sampled_from(MODELS), max_size=3))
def test_nothing_is_doubled_or_lost_whatever_fails(drawn, whole, others):
    policy, inner = falling_back(*(steps for steps, _ in drawn), others=others)
    events, error = asyncio.run(heard(policy, replace(ask(), heard_whole=whole)))

    tried = len(inner.requests)
    steps, failure = drawn[tried - 1]
    said = [event for step in steps if not isinstance(step, ProxyError) for event in step]
    assert 1 <= tried <= 3
    assert inner.speaking == 0
    assert (
        all(each is not None and not spoken(before) for before, each in drawn[: tried - 1]) or whole
    )
    if failure is None:
        assert error is None
        assert unmarked(events) == unmarked(said)
    elif events:  # it was too late
        assert error is failure
        assert unmarked(events) == unmarked(said)
        assert not whole
    else:
        assert isinstance(error, ProxyError)
        assert whole or not spoken(steps)


def spoken(steps: Sequence[Step]) -> bool:
    return any(isinstance(event, PartStarted) for event in flat(steps))


def flat(steps: Sequence[Step]) -> Iterator[object]:
    for step in steps:
        if isinstance(step, Sequence):
            yield from step


def unmarked(events: Sequence[object]) -> list[object]:
    return [
        ReplyStarted(event.id, "") if isinstance(event, ReplyStarted) else event for event in events
    ]
