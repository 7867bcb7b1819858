"""At most so many replies at a time; the rest wait their turn, but not for ever."""

from collections.abc import Mapping
from contextlib import aclosing

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.policies.base import Policy
from lingma_proxy.policies.places import Load, Places


class Limit(Policy):
    """Holds a place for the life of a stream, and gives it back however the stream ends.

    Raises TooBusy where there is none.  Whose turn it is, `places` decide.
    """

    def __init__(self, inner: Backend, places: Places) -> None:
        super().__init__(inner)
        self.places = places

    @property
    def running(self) -> int:
        """Replies that are being said."""
        return self.places.running

    @property
    def queued(self) -> int:
        """Requests that wait for their turn."""
        return self.places.queued

    def by_client(self) -> Mapping[str, Load]:
        """The same by client, for those that have any."""
        return self.places.by_client()

    async def reply(self, request: ChatRequest) -> EventStream:
        async with (
            self.places.taken(request),
            aclosing(self.inner.reply(request)) as events,
        ):
            async for batch in events:
                yield batch
