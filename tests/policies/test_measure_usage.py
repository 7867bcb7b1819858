import asyncio
import threading
from contextlib import aclosing

import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import ReplyStarted, Usage
from lingma_proxy.conversation.request import (
    ChatRequest,
    Image,
    Message,
    Text,
    Tool,
    ToolResult,
)
from lingma_proxy.errors import RateLimited
from lingma_proxy.policies.measure_usage import A_TOOL, LONG, MeasureUsage, weight
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


def measure(inner: Scripted) -> MeasureUsage:
    return MeasureUsage(inner, lambda request: 1000 + len(request.messages), len)


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


async def test_a_long_request_is_counted_in_a_thread_while_the_vendor_is_asked() -> None:
    asked = threading.Event()
    threads = []

    def count(request: ChatRequest) -> int:
        threads.append(threading.current_thread())
        assert asked.wait(30), "the vendor is asked while we count"
        return 4711

    class Asked(Scripted):
        async def reply(self, request: ChatRequest):
            asked.set()
            async with aclosing(super().reply(request)) as events:
                async for batch in events:
                    yield batch

    inner = Asked([answer("hello")])

    batches = await drain(MeasureUsage(inner, count, len), ask("x" * (LONG + 1)))

    assert batches[0][0] == ReplyStarted("reply-1", "kmodel", input_tokens=4711)
    assert threads
    assert threading.current_thread() not in threads


async def test_a_long_reply_is_counted_in_a_thread() -> None:
    threads = {}

    def count(text: str) -> int:
        threads[len(text)] = threading.current_thread()
        return len(text)

    policy = MeasureUsage(Scripted([answer(THOUGHT, "x" * (LONG + 1))]), lambda _: 1, count)
    reply = await hear(policy)

    assert reply.usage is not None
    assert reply.usage.output == LONG + 1 + len(THOUGHT.text)
    assert threads.pop(LONG + 1) is not threading.current_thread()
    assert list(threads.values()) == [threading.current_thread()]


async def test_a_refusal_does_not_wait_for_the_count() -> None:
    refused = threading.Event()

    def count(request: ChatRequest) -> int:
        assert refused.wait(30), "nobody waits for us"
        return 1

    policy = MeasureUsage(Scripted([RateLimited("later")]), count, len)

    _, error = await heard(policy, ask("x" * (LONG + 1)))

    refused.set()
    assert isinstance(error, RateLimited)


async def test_hanging_up_while_it_counts_leaves_nothing_behind() -> None:
    counted = threading.Event()

    def count(request: ChatRequest) -> int:
        assert counted.wait(30)
        return 1

    inner = Scripted([answer("hello")])
    hearing = asyncio.create_task(hear(MeasureUsage(inner, count, len), ask("x" * (LONG + 1))))
    for _ in range(10):
        await asyncio.sleep(0)

    assert inner.speaking == 1

    hearing.cancel()
    await asyncio.wait([hearing])
    counted.set()

    assert hearing.cancelled()
    assert inner.speaking == 0


@pytest.mark.parametrize("words", ["hi", "x" * (LONG + 1)])
async def test_hanging_up_at_any_point_leaves_nothing_behind(words) -> None:
    script = one_by_one(answer(THOUGHT, "hello", CALL))

    await leaves_nothing_behind(
        lambda inner: MeasureUsage(inner, lambda _: 1, len), ask(words), script
    )


def test_all_text_has_weight_and_pictures_have_none() -> None:
    result = ToolResult("call_1", (Text("12345"), Image("image/png", b"x" * 10_000)))
    messages = (Message("assistant", (THOUGHT, CALL)), Message("user", (result,)))
    tools = (Tool("shell", "runs", {}),)

    assert weight(ask("123", *messages, tools=tools)) == (
        3 + len(THOUGHT.text) + len(CALL.arguments) + 5 + A_TOOL
    )
