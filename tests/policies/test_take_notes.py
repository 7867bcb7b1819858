import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason, PartDelta, ReplyStarted, Usage
from lingma_proxy.conversation.notes import ExchangeNotes
from lingma_proxy.conversation.reply import replay
from lingma_proxy.errors import RateLimited
from lingma_proxy.policies.take_notes import AN_EVENT, MOST_IN_FULL, TakeNotes
from support.backends import answer, ask, closed_after, drain, hands_on, heard, one_by_one


class Clock:
    """Goes on by a second with each look."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        self.now += 1
        return self.now


def noted(most=2**20):
    notes = ExchangeNotes("req_1", "POST", "/v1/messages", 100.0, most=most)
    return notes, replace(ask(), notes=notes)


def take(*scripts):
    return TakeNotes(Scripted(scripts), Clock())


async def test_where_nobody_takes_notes_nothing_is_done():
    assert await hands_on(TakeNotes, ask())


async def test_what_was_said_is_noted_as_it_was_said_and_when():
    reply = answer("Hi", reason=FinishReason.LENGTH, usage=Usage(3, 2))
    notes, request = noted()

    batches = await drain(take(reply), request)

    [attempt] = notes.attempts
    assert (attempt.model, attempt.began, attempt.ended) == ("kmodel", 101.0, 104.0)
    assert attempt.events == [(102.0, batches[0])]
    assert (attempt.accepted, attempt.first) == (103.0, 103.0)
    assert (attempt.reason, attempt.usage) == (FinishReason.LENGTH, Usage(3, 2))
    assert attempt.error is None


async def test_what_the_backend_has_noted_already_stays():
    class Remote(Scripted):
        async def reply(self, request):
            request.attempt.accepted, request.attempt.first = 1.0, 2.0
            async with aclosing(super().reply(request)) as batches:
                async for batch in batches:
                    yield batch

    notes, request = noted()
    await drain(TakeNotes(Remote([answer("Hi")])), request)

    assert (notes.attempts[0].accepted, notes.attempts[0].first) == (1.0, 2.0)


async def test_each_try_is_noted_for_itself_with_its_error():
    notes, request = noted()
    policy = take(RateLimited("wait"), answer("Hi"))

    _, failed = await heard(policy, request)
    await drain(policy, replace(request, model="other"))

    assert [(each.model, each.error) for each in notes.attempts] == [
        ("kmodel", failed),
        ("other", None),
    ]
    assert all(each.ended is not None for each in notes.attempts)


@pytest.mark.parametrize("batches", [1, 2])
async def test_who_hangs_up_is_noted(batches):
    notes, request = noted()

    await closed_after(take(one_by_one(answer("Hi"))), request, batches)

    [attempt] = notes.attempts
    assert isinstance(attempt.error, GeneratorExit)
    assert len(attempt.events) == batches
    assert attempt.ended is not None


async def test_who_is_cancelled_is_noted_and_nothing_of_its_frames():
    notes, request = noted()
    task = asyncio.create_task(drain(take([asyncio.Event()]), request))
    await asyncio.sleep(0)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    error = notes.attempts[0].error
    assert isinstance(error, asyncio.CancelledError)
    assert error.__traceback__ is None


async def test_warnings_of_the_attempt_are_noted():
    notes, request = noted()
    reply = replace(answer("Hi"), warnings=("seed is not sent",))

    await drain(take(reply), request)

    assert notes.attempts[0].warnings == ("seed is not sent",)


async def test_events_are_remembered_within_bounds_and_the_end_is_noted_beyond_them():
    start, part, _, part_end, end = replay(answer("x", usage=Usage(1, 1)))
    deltas = [[PartDelta(0, "x" * 1000)] for _ in range(100)]
    notes, request = noted(most=10_000)

    await drain(take([[start, part], *deltas, [part_end, end]]), request)

    [attempt] = notes.attempts
    assert len(attempt.events) == -(-(10_000 - 2 * AN_EVENT) // (1000 + AN_EVENT)) + 1
    assert attempt.usage == Usage(1, 1)


async def test_without_bodies_the_edges_are_noted_all_the_same():
    notes, request = noted(most=0)

    await drain(take(one_by_one(answer("Hi", usage=Usage(1, 1)))), request)

    [attempt] = notes.attempts
    assert (attempt.events, attempt.reason) == ([], FinishReason.STOP)
    assert attempt.first is not None


async def test_of_very_many_tries_the_first_are_remembered_in_full():
    tries = MOST_IN_FULL + 2
    notes, request = noted()
    policy = take(*[answer("Hi")] * tries)

    for _ in range(tries):
        await drain(policy, request)

    told = [bool(each.events) for each in notes.attempts]
    assert told == [True] * MOST_IN_FULL + [False] * 2


async def test_an_empty_batch_does_no_harm():
    events = replay(answer("Hi"))
    notes, request = noted()

    await drain(take([[], events[:1], [], events[1:]]), request)

    assert isinstance(notes.attempts[0].events[1][1][0], ReplyStarted)
