"""Silence does not kill: a stream that writes whole events, and a pulse beside it.

The head of the response goes out with the first event, in one write, so that a refusal
can still be a status.  If nothing has come after one interval, the head goes out with a
sign of life, and so it goes on at each interval of silence.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from lingma_proxy.conversation.notes import ExchangeNotes


class EventStreamResponse(web.StreamResponse):
    """Its head waits for the first bytes of the body, and goes out with them."""

    _send_headers_immediately = False  # as aiohttp's own `Response` has it


class LiveStream:
    """A streamed response to one request.  `write` and `end` are for one task at a time."""

    def __init__(
        self,
        request: web.BaseRequest,
        response: web.StreamResponse,
        sign_of_life: Callable[[], bytes],
        interval: float,
        notes: ExchangeNotes | None = None,
    ) -> None:
        self._request = request
        self.response = response
        self._sign_of_life = sign_of_life
        self._interval = interval
        self._notes = notes
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._writing = False
        self._ended = False
        self._beat: asyncio.Task[None] | None = None
        self._timer = self._loop.call_later(interval, self._wake)

    @property
    def started(self) -> bool:
        """Whether the head has gone out: errors can no longer be a status."""
        return self.response.prepared or self._beat is not None

    async def write(self, data: bytes) -> None:
        """Send bytes (whole events), after the head if that has not gone out."""
        await self._pulse_is_over()
        await self._write(data)

    async def end(self, data: bytes) -> None:
        """Send the last bytes and the end of the body, in one write.  There is one end."""
        if self._ended:
            return
        await self._pulse_is_over()
        self._ended = True
        await self._write(data, self.response.write_eof)

    def close(self) -> None:
        """Stop the pulse.  A response that has no end yet gets it from whoever returns it."""
        self._timer.cancel()
        if self._beat is not None:
            self._beat.cancel()

    async def _pulse_is_over(self) -> None:
        if self._beat is not None:
            await self._beat
            self._beat = None

    async def _write(
        self, data: bytes, how: Callable[[bytes], Awaitable[None]] | None = None
    ) -> None:
        self._last = self._loop.time()
        self._writing = True
        if not self.response.prepared:
            await self.response.prepare(self._request)
            if self._notes is not None:
                self._notes.status = self.response.status
                self._notes.media_type = self.response.content_type
        if self._notes is not None:
            self._notes.sends(data)
        await (how or self.response.write)(data)
        self._writing = False

    def _wake(self) -> None:
        now = self._loop.time()
        due = self._last + self._interval
        if self._writing:  # the client does not take what it has been sent yet
            due = now + self._interval
        elif now >= due:
            self._beat = asyncio.create_task(self._write(self._sign_of_life()))
            self._beat.add_done_callback(heard)
            due = now + self._interval
        self._timer = self._loop.call_at(due, self._wake)


def heard(beat: asyncio.Task[None]) -> None:
    """A client that is gone is noticed by whoever writes next, or by the server."""
    if not beat.cancelled():
        beat.exception()
