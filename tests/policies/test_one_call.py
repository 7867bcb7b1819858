from dataclasses import replace

import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import replay
from lingma_proxy.conversation.request import Text, Tool, ToolCall
from lingma_proxy.policies.one_call import OneCall
from support.backends import answer, ask, drain, hands_on, hear, leaves_nothing_behind, one_by_one

MANY = ask("go", tools=(Tool("shell", "", {}),))
ONE = replace(MANY, parallel_tool_calls=False)
FIRST, SECOND = (ToolCall(f"call_{at}", "shell", '{"command": "ls"}') for at in (1, 2))
TWICE = answer("so:", FIRST, SECOND, reason=FinishReason.TOOL_CALLS, usage=Usage(1, 2))
ONCE = answer("so:", FIRST, reason=FinishReason.TOOL_CALLS)


@pytest.mark.parametrize(
    "request_", [ask(), MANY, replace(ask(), parallel_tool_calls=False)], ids=["", "many", "none"]
)
async def test_where_there_can_be_several_the_inner_stream_is_handed_on(request_) -> None:
    assert await hands_on(OneCall, request_)


async def test_the_reply_ends_where_a_second_call_begins_and_the_vendor_is_told() -> None:
    inner = Scripted([one_by_one(TWICE)])

    reply = await hear(OneCall(inner), ONE)

    assert reply == ONCE
    assert inner.speaking == 0
    assert inner.said == len(one_by_one(ONCE))  # the end of the second call is not waited for


async def test_what_the_vendor_has_said_at_once_keeps_its_usage() -> None:
    assert await hear(OneCall(Scripted([TWICE])), ONE) == replace(ONCE, usage=Usage(1, 2))


@pytest.mark.parametrize(
    "reply",
    [
        ONCE,
        answer("no call"),
        answer(FIRST, "and more", reason=FinishReason.TOOL_CALLS),
        answer(FIRST, reason=FinishReason.LENGTH),
    ],
)
async def test_a_reply_with_one_call_or_none_is_left_alone(reply) -> None:
    assert await drain(OneCall(Scripted([one_by_one(reply)])), ONE) == one_by_one(reply)


async def test_what_is_called_is_a_call_wherever_the_batches_are_cut() -> None:
    events = replay(TWICE)
    for at in range(1, len(events)):
        script = [events[:at], events[at:]]

        reply = await hear(OneCall(Scripted([script])), ONE)

        assert reply.parts == (Text("so:"), FIRST)
        assert reply.reason is FinishReason.TOOL_CALLS


async def test_hanging_up_at_any_point_leaves_nothing_behind() -> None:
    await leaves_nothing_behind(OneCall, ONE, one_by_one(TWICE))
