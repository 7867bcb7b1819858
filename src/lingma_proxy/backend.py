"""The protocol of whatever replies: a vendor, or a policy that holds another backend."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from lingma_proxy.conversation.events import Event
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.errors import ProxyError

EventStream: TypeAlias = AsyncGenerator[Sequence[Event], None]
"""Batches of events.  Whoever iterates closes (`contextlib.aclosing`): closing is how a
backend learns that nobody listens any more, and it then cancels the vendor's work."""


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a model.  None means: nobody said."""

    key: str
    """What is sent to the vendor."""
    name: str
    """What people call it."""
    context_window: int | None = None
    """Tokens that fit in, as the vendor says."""
    output_limit: int | None = None
    """Tokens that may come out."""
    sees: bool | None = None
    """Whether it takes images."""
    reasons: bool | None = None
    """Whether it thinks before it speaks."""
    enabled: bool = True
    is_default: bool = False


class Backend(Protocol):
    def reply(self, request: ChatRequest) -> EventStream:
        """Say the reply, event by event, by the grammar of `conversation.events`.

        Raises a ProxyError *before* `ReplyStarted` as long as the vendor has not
        accepted: that is what keeps statuses true and a second try possible.
        """
        ...

    async def models(self) -> Sequence[Model]:
        """The models of this account, from memory where that is fresh enough."""
        ...

    async def aclose(self) -> None:
        """Let go of everything.  Safe to call twice."""
        ...


async def refused(error: ProxyError) -> EventStream:
    """The stream of a reply that is refused before it begins.

    Errors come where callers wait for them: when the first batch is asked for.
    """
    raise error
    yield ()
