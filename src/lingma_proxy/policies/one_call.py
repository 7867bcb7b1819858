"""Let no second call through where the client wants one at a time.

`parallel_tool_calls: false` is passed on, but a model need not heed it.  Where a second call
begins, the reply ends with the first, and the vendor is told to stop; so no call is made and
then kept from the client.
"""

from collections.abc import Sequence
from contextlib import aclosing

from lingma_proxy.backend import EventStream
from lingma_proxy.conversation.events import Event, FinishReason, PartStarted, ReplyEnded
from lingma_proxy.conversation.request import ChatRequest, ToolCall
from lingma_proxy.policies.base import Policy


class OneCall(Policy):
    def reply(self, request: ChatRequest) -> EventStream:
        if request.parallel_tool_calls or not request.tools or request.tool_choice == "none":
            return self.inner.reply(request)
        return self._one(request)

    async def _one(self, request: ChatRequest) -> EventStream:
        called = 0
        async with aclosing(self.inner.reply(request)) as events:
            async for batch in events:
                begun = [at for at, event in enumerate(batch) if begins_a_call(event)]
                if called + len(begun) > 1:
                    break
                called += len(begun)
                yield batch
            else:
                return
        yield ended(batch, begun[1 - called])


def begins_a_call(event: Event) -> bool:
    return isinstance(event, PartStarted) and isinstance(event.head, ToolCall)


def ended(batch: Sequence[Event], at: int) -> list[Event]:
    """The batch up to there, and the end; its usage is known if the vendor had just come to it."""
    last = batch[-1]
    usage = last.usage if isinstance(last, ReplyEnded) else None
    return [*batch[:at], ReplyEnded(FinishReason.TOOL_CALLS, usage)]
