"""Check the order of every reply's events while it is said (the setting `check_grammar`).

Finds bugs of ours where they happen; costs a little time for each event.
"""

from contextlib import aclosing

from lingma_proxy.backend import EventStream
from lingma_proxy.conversation.grammar import Grammar
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.policies.base import Policy


class CheckGrammar(Policy):
    """Raises IllegalEvent, an AssertionError: a fault of ours, said as an internal error."""

    async def reply(self, request: ChatRequest) -> EventStream:
        grammar = Grammar()
        async with aclosing(self.inner.reply(request)) as events:
            async for batch in events:
                grammar.check(batch)
                yield batch
        grammar.end()
