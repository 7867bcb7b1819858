"""Wait until it is known who answers, before anything of a request depends on it.

Names of models mean different things to different backends, so this stands outside of all
that reads them.  Once it is known, nothing waits and nothing is added.
"""

from collections.abc import Awaitable, Callable
from contextlib import aclosing

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.policies.base import Policy


class Settle(Policy):
    """`settle` finds out who answers, unless it is `settled`; it does not fail."""

    def __init__(
        self, inner: Backend, settled: Callable[[], bool], settle: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(inner)
        self._settled = settled
        self._settle = settle

    def reply(self, request: ChatRequest) -> EventStream:
        return self.inner.reply(request) if self._settled() else self._later(request)

    async def _later(self, request: ChatRequest) -> EventStream:
        await self._settle()
        async with aclosing(self.inner.reply(request)) as batches:
            async for batch in batches:
                yield batch
