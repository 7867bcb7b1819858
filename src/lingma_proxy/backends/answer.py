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
from lingma_proxy.errors import BackendTimeout
from lingma_proxy.vendor.remote_stream import RemoteStream

BROKEN = (aiohttp.ClientError, OSError)
"""What reading from a connection that breaks raises."""
FAREWELL = 2.0
"""Seconds that a connection may take to end after its reply; then it is not worth keeping."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds; None or 0: no limit."""

    connect: float | None = 10.0
    first_byte: float | None = 120.0
    """From sending to the first event."""
    idle: float | None = 120.0
    """From the last byte to the next, once there has been an event."""
    total: float | None = None


class Patience:
    """Ends a wait for bytes that takes too long.

    One timer serves a whole reply, and looks when the wait could be over at the earliest: a
    timer for each wait would cost more than reading does.  Only waiting counts: a listener who
    is slow is not the vendor's fault.
    """

    def __init__(self, content: aiohttp.StreamReader, timeouts: Timeouts, began: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._content = content
        self._idle = timeouts.idle or None
        self._total = timeouts.total or None
        self._deadline = began + self._total if self._total else None
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._look()

    def wait(self) -> None:
        """A wait begins."""
        self._since = self._loop.time()

    def heard(self) -> None:
        """The wait is over."""
        self._since = None

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        now = self._loop.time()
        if self._deadline is not None and now >= self._deadline:
            self._give_up(f"Lingma's reply took longer than {self._total:g} seconds (timeout).")
        elif self._idle and self._since is not None and now - self._since >= self._idle:
            self._give_up(f"Lingma fell silent for {self._idle:g} seconds (idle_timeout).")
        else:
            since = now if self._since is None else self._since
            looks = [since + self._idle] if self._idle else []
            if self._deadline is not None:
                looks.append(self._deadline)
            if looks:
                self._timer = self._loop.call_at(min(looks), self._look)

    def _give_up(self, message: str) -> None:
        self._timer = None
        self._content.set_exception(BackendTimeout(message))


@dataclass(slots=True)
class Answer:
    """An answer that has begun."""

    response: aiohttp.ClientResponse
    stream: RemoteStream
    first: list[Event]
    """Its first events; never empty."""
    patience: Patience
    attempt: AttemptNotes | None = None
    """Takes note of its bytes."""

    async def more(self) -> list[Event]:
        """What the next read brings, which may be nothing yet."""
        self.patience.wait()
        try:
            return await heard(self.response.content, self.stream, self.attempt)
        finally:
            self.patience.heard()

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
