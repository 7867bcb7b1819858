import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.backends.scripted import Scripted, Step
from lingma_proxy.conversation.estimator import Estimator
from lingma_proxy.conversation.events import FinishReason, ReplyEnded, ReplyStarted, Usage
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import (
    ChatRequest,
    Image,
    Message,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from lingma_proxy.conversation.tokens import count_request, count_text
from lingma_proxy.policies.measure_usage import (
    A_MESSAGE,
    A_PICTURE,
    LONG,
    WINDOW,
    WINDOWS,
    MeasureUsage,
    windows,
)
from support.backends import (
    CALL,
    THOUGHT,
    answer,
    ask,
    drain,
    hear,
    heard,
    leaves_nothing_behind,
    one_by_one,
)


def never(request: ChatRequest) -> int:
    raise AssertionError("there was no need to count")


class By:
    """Counts by two functions, and learns nothing."""

    def __init__(self, request: Callable[[ChatRequest], int], text: Callable[[str], int]) -> None:
        self.request = request
        self._text = text

    def text(self, text: str, model: str) -> int:
        return self._text(text)

    def sample(self, text: str, model: str) -> int:
        return self._text(text)

    def teaches(self, model: str) -> bool:
        return False

    def learn(self, request: ChatRequest, spoken: str, thought: str, usage: Usage) -> None:
        raise AssertionError("nobody asked for that")


def measure(inner: Scripted) -> MeasureUsage:
    return MeasureUsage(inner, By(lambda request: 1000 + len(request.messages), len))


async def test_what_the_vendor_did_not_count_is_estimated() -> None:
    inner = Scripted([one_by_one(answer(THOUGHT, "hello", CALL))])

    reply = await hear(measure(inner))

    thought, said = len(THOUGHT.text), len("hello" + CALL.name + CALL.arguments)
    assert reply.usage == Usage(
        input=1001, output=thought + said, reasoning=thought, estimated=True
    )


async def test_what_the_vendor_counted_is_kept() -> None:
    usage = Usage(input=7, output=8, cached=6, reasoning=5)

    assert await hear(measure(Scripted([answer("hello", usage=usage)]))) == answer(
        "hello", usage=usage
    )


async def test_half_a_count_is_completed_by_an_estimate() -> None:
    async def usage(known: Usage) -> Usage | None:
        inner = Scripted([one_by_one(answer(THOUGHT, "hello", usage=known))])
        return (await hear(measure(inner))).usage

    thought, said = len(THOUGHT.text), len("hello")
    assert await usage(Usage(0, 8, reasoning=5)) == Usage(1001, 8, reasoning=5, estimated=True)
    assert await usage(Usage(7, 0, cached=3)) == Usage(
        7, thought + said, cached=3, reasoning=thought, estimated=True
    )


async def test_a_reply_that_says_nothing_may_have_no_tokens() -> None:
    known = Usage(7, 0)

    assert (await hear(measure(Scripted([one_by_one(answer(usage=known))])))).usage == known


async def test_the_start_names_the_request_in_tokens() -> None:
    batches = await drain(measure(Scripted([one_by_one(answer("hello"))])), ask("a", "b"))

    assert batches[0] == [ReplyStarted("reply-1", "kmodel", input_tokens=1002)]


async def test_a_start_that_names_them_already_is_kept() -> None:
    script = [[ReplyStarted("reply-1", "kmodel", input_tokens=5)], *one_by_one(answer())[1:]]

    batches = await drain(measure(Scripted([script])))

    assert batches[0] == script[0]


async def test_what_neither_starts_nor_ends_a_reply_passes_untouched() -> None:
    script = one_by_one(answer("hello", CALL))

    batches = await drain(measure(Scripted([script])))

    assert all(ours is theirs for ours, theirs in zip(batches[1:-1], script[1:-1], strict=True))


async def test_an_empty_batch_is_no_edge() -> None:
    events, error = await heard(measure(Scripted([[[], *one_by_one(answer("hello"))]])))

    assert error is None
    assert len(events) == 5


async def test_who_does_not_ask_for_it_first_is_not_told_first() -> None:
    inner = Scripted([answer()])

    batches = [
        list(batch) async for batch in measure(inner).reply(replace(ask(), usage_first=False))
    ]

    assert batches[0][0] == ReplyStarted("reply-1", "kmodel")


async def test_a_long_request_is_guessed_from_a_few_windows() -> None:
    counted = []

    def count(text: str) -> int:
        counted.append(text)
        return sum(4 if character == "b" else 1 for character in text)

    request = ask("a" * 300_000, "b" * 100_000, tools=(Tool("shell", "a" * 200_000, {}),))
    policy = MeasureUsage(Scripted([answer("hello", usage=Usage(1, 1))]), By(never, count))

    [[started, *_]] = await drain(policy, request)

    assert isinstance(started, ReplyStarted)
    assert started.input_tokens == pytest.approx(900_000, rel=0.1)
    assert sum(map(len, counted)) <= WINDOW * (WINDOWS + 1)


def test_a_guess_sees_results_arguments_and_pictures_but_not_thinking() -> None:
    result = ToolResult("call_1", (Text("x" * 10_000), Image("image/png", b"x" * 10_000)))
    call = ToolCall("call_1", "shell", "y" * 5_000)
    request = ask(Message("assistant", (THOUGHT, call)), Message("user", (result,)))

    guess = MeasureUsage(Scripted([]), By(never, len)).guess(request)

    assert guess == 15_000 + 2 * A_MESSAGE + A_PICTURE


@given(st.lists(st.text(max_size=3 * WINDOW), max_size=40).filter(any))
def test_windows_are_few_and_show_what_is_there(texts) -> None:
    size = sum(map(len, texts))

    sample = list(windows(texts, size))

    assert 1 <= len(sample) <= WINDOWS + 1
    assert all(any(piece in text for text in texts) for piece in sample)
    assert all(sample)


async def test_the_whole_is_counted_only_when_the_vendor_has_not() -> None:
    request = ask("x" * (LONG + 1))
    usage = Usage(input=7, output=8)

    reply = await hear(
        MeasureUsage(Scripted([answer("hello", usage=usage)]), By(never, len)), request
    )

    assert reply.usage == usage


async def test_a_long_request_is_counted_in_a_thread() -> None:
    threads = []

    def count(request: ChatRequest) -> int:
        threads.append(threading.current_thread())
        return 4711

    reply = await hear(
        MeasureUsage(Scripted([answer("hello")]), By(count, len)), ask("x" * (LONG + 1))
    )

    assert reply.usage == Usage(input=4711, output=5, estimated=True)
    assert threads
    assert threading.current_thread() not in threads


async def test_a_long_reply_is_counted_in_a_thread() -> None:
    threads = {}

    def count(text: str) -> int:
        threads[len(text)] = threading.current_thread()
        return len(text)

    reply = await hear(
        MeasureUsage(Scripted([answer("x" * (LONG + 1))]), By(lambda _: 1, count)), ask("hi")
    )

    assert reply.usage == Usage(input=1, output=LONG + 1, estimated=True)
    assert threads[LONG + 1] is not threading.current_thread()


async def test_hanging_up_while_it_counts_leaves_nothing_behind() -> None:
    counting, go_on = threading.Event(), threading.Event()

    def count(request: ChatRequest) -> int:
        counting.set()
        assert go_on.wait(30)
        return 1

    inner = Scripted([answer("hello")])
    hearing = asyncio.create_task(hear(MeasureUsage(inner, By(count, len)), ask("x" * (LONG + 1))))
    assert await asyncio.to_thread(counting.wait, 30)
    hearing.cancel()
    await asyncio.wait([hearing])
    go_on.set()

    assert hearing.cancelled()
    assert inner.speaking == 0


@pytest.mark.parametrize("words", ["hi", "x" * (LONG + 1)])
async def test_hanging_up_at_any_point_leaves_nothing_behind(words) -> None:
    script = one_by_one(answer(THOUGHT, "hello", CALL))

    await leaves_nothing_behind(
        lambda inner: MeasureUsage(inner, By(lambda _: 1, len)), ask(words), script
    )


async def test_what_was_counted_inside_is_not_counted_again() -> None:
    started, ended = ReplyStarted("r", "m", input_tokens=77), ReplyEnded(FinishReason.STOP)

    events, _ = await heard(MeasureUsage(Scripted([[[started], [ended]]]), By(never, len)))

    assert events == [started, replace(ended, usage=Usage(input=77, estimated=True))]


PROMPT = "Tell me all that you know about the tea of the mountains, and do not be short. " * 20
STORY = "Tea is grown on the slopes, where the fog is thick in the morning. " * 20


def counted_by(times: float) -> Reply:
    """A story, as a vendor tells it who counts so many times as much as we do."""
    asked = count_request(ask(PROMPT))
    said = count_text(STORY)
    return answer(STORY, usage=Usage(round(asked * times), round(said * times)))


def learning(*replies: Reply | Sequence[Step]) -> tuple[MeasureUsage, Estimator]:
    estimator = Estimator()
    inner = Scripted([one_by_one(it) if isinstance(it, Reply) else it for it in replies])
    return MeasureUsage(inner, estimator, lambda work: work()), estimator


async def test_estimates_come_to_be_what_the_vendor_counts() -> None:
    policy, estimator = learning(*[counted_by(1.3)] * 5, answer(STORY))
    for _ in range(5):
        await hear(policy, ask(PROMPT))

    usage = (await hear(policy, ask(PROMPT))).usage

    theirs = counted_by(1.3).usage
    assert usage is not None
    assert theirs is not None
    assert usage.estimated
    assert usage.input == pytest.approx(theirs.input, rel=0.05)
    assert usage.output == pytest.approx(theirs.output, rel=0.05)
    assert estimator.request(ask(PROMPT)) == usage.input
    assert policy.guess(ask(PROMPT * 10)) == pytest.approx(
        estimator.request(ask(PROMPT * 10)), rel=0.05
    )


async def test_what_another_model_answered_teaches_nothing_about_the_one_asked_for() -> None:
    policy, estimator = learning(*[replace(counted_by(1.3), model="mmodel")] * 5)
    for _ in range(5):
        await hear(policy, ask(PROMPT))

    assert estimator.request(ask(PROMPT)) == count_request(ask(PROMPT))


async def test_what_was_counted_inside_teaches_nothing_outside() -> None:
    started = ReplyStarted("r", "kmodel", input_tokens=77)
    script = [[started], *one_by_one(counted_by(1.3))[1:]]
    policy, estimator = learning(*[script] * 5)
    for _ in range(5):
        await hear(policy, ask(PROMPT))

    assert estimator.request(ask(PROMPT)) == count_request(ask(PROMPT))


async def test_an_estimate_teaches_nothing() -> None:
    reply = counted_by(1.3)
    assert reply.usage is not None
    reply = replace(reply, usage=replace(reply.usage, estimated=True))
    policy, estimator = learning(*[reply] * 5)
    for _ in range(5):
        await hear(policy, ask(PROMPT))

    assert estimator.request(ask(PROMPT)) == count_request(ask(PROMPT))


async def test_one_exchange_is_learnt_from_at_a_time_and_none_is_lost_for_a_fault() -> None:
    waiting: list[Callable[[], None]] = []

    class Broken(Estimator):
        def learn(self, *_: object) -> None:
            raise ZeroDivisionError

    inner = Scripted([one_by_one(counted_by(1.3))] * 3)
    policy = MeasureUsage(inner, Broken(), waiting.append)
    await hear(policy, ask(PROMPT))
    await hear(policy, ask(PROMPT))
    assert len(waiting) == 1

    with pytest.raises(ZeroDivisionError):
        waiting[0]()
    await hear(policy, ask(PROMPT))
    assert len(waiting) == 2


async def test_who_answers_counts_where_another_was_asked_for() -> None:
    class Named(By):
        def text(self, text: str, model: str) -> int:
            return len(model)

    reply = replace(answer("hello"), model="another-model")
    counts = Named(lambda request: len(request.model), len)

    heard = await hear(MeasureUsage(Scripted([one_by_one(reply)]), counts), ask())

    assert heard.usage == Usage(13, 13 + 13, reasoning=13, estimated=True)
