"""The vendor's answer while it is read: bytes from the connection, batches of events out.

One read is one batch.  A connection that breaks is the end of what is said; whether the
reply is then complete is for the codec to tell.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

import aiohttp

from lingma_proxy.conversation.events import Event
from lingma_proxy.conversation.notes import AttemptNotes
from lingma_proxy.vendor.remote_stream import RemoteStream

BROKEN = (aiohttp.ClientError, OSError)
"""What reading from a connection that breaks raises."""
FAREWELL = 2.0
"""Seconds that a connection may take to end after its reply; then it is not worth keeping."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; None or 0: no limit.  How long an answer may take is `TimeOut`'s business."""

    connect: float | None = 10.0
    """Until there is a connection, with TLS."""
    first_byte: float | None = 120.0
    """For a list of models, and for the pictures that go before a request."""


@dataclass(slots=True)
class Answer:
    """An answer that has begun."""

    response: aiohttp.ClientResponse
    stream: RemoteStream
    first: list[Event]
    """Its first events; never empty."""
    attempt: AttemptNotes | None = None
    """Takes note of its bytes."""

    async def more(self) -> list[Event]:
        """What the next read brings, which may be nothing yet."""
        return await heard(self.response.content, self.stream, self.attempt)

    async def farewell(self) -> None:
        """Let the connection come to its end, so that it can be used again."""
        with suppress(*BROKEN):  # the timeout is one of these, too
            async with asyncio.timeout(FAREWELL):
                while await self.response.content.readany():
                    pass


async def heard(
    content: aiohttp.StreamReader, stream: RemoteStream, attempt: AttemptNotes | None = None
) -> list[Event]:
    """The events of one read; `stream` then knows whether there will be more."""
    try:
        data = await content.readany()
    except BROKEN as error:
        # What has arrived before the break is still in the buffer, and is the reader's.
        data = content._read_nowait(-1)  # noqa: SLF001  # the public one refuses now
        if attempt is not None and data:
            attempt.hears(data)
        events = stream.feed(data)
        if not stream.over:
            events += stream.end()
            if stream.failure is not None:
                stream.failure.__cause__ = error
        return events
    if not data:
        return stream.end()
    if attempt is not None:
        attempt.hears(data)
    return stream.feed(data)


async def first_of(
    content: aiohttp.StreamReader, stream: RemoteStream, attempt: AttemptNotes | None = None
) -> list[Event]:
    """The first events.  Raises the refusal that comes instead of them."""
    while not (events := await heard(content, stream, attempt)):
        if stream.failure is not None:
            if isinstance(cause := stream.failure.__cause__, BROKEN):
                raise cause  # nobody has answered: that is for the seam to put into words
            raise stream.failure
    return events
