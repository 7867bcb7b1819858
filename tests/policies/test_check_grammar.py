import pytest

from lingma_proxy.backends.scripted import Scripted
from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartEnded,
    ReplyEnded,
    ReplyStarted,
)
from lingma_proxy.conversation.grammar import IllegalEvent
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.policies.check_grammar import CheckGrammar

ASKED = ChatRequest(id="req_1", model="m", messages=())


async def said(*batches: list[Event]) -> list[Event]:
    policy = CheckGrammar(Scripted([batches]))
    return [event async for batch in policy.reply(ASKED) for event in batch]


async def test_a_legal_reply_passes():
    events: list[Event] = [ReplyStarted("r", "m"), ReplyEnded(FinishReason.STOP)]

    assert await said(events) == events


async def test_an_illegal_event_is_not_passed_on():
    with pytest.raises(IllegalEvent, match="PartEnded"):
        await said([ReplyStarted("r", "m")], [PartEnded(0)])


async def test_a_stream_without_an_end_is_illegal():
    with pytest.raises(IllegalEvent, match="ended while"):
        await said([ReplyStarted("r", "m")])
