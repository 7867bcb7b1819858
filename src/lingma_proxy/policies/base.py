"""What every policy is: a backend that holds a backend and passes on what it does not change.

A policy that has nothing to do for a request returns the inner stream itself, from a plain
`def reply`, so that it costs nothing per event.  One that has something to do is an async
generator that holds the inner stream in `aclosing` and yields outside any time limit or
task group, so that closing it at any point closes everything below.
"""

from collections.abc import Sequence

from lingma_proxy.backend import Backend, EventStream, Model
from lingma_proxy.conversation.request import ChatRequest


class Policy:
    """Changes nothing.  The others change one thing each."""

    def __init__(self, inner: Backend) -> None:
        self.inner = inner

    def reply(self, request: ChatRequest) -> EventStream:
        return self.inner.reply(request)

    async def models(self) -> Sequence[Model]:
        return await self.inner.models()

    async def aclose(self) -> None:
        await self.inner.aclose()
