"""One client's connection: aiohttp's, with our words and our patience.

*   What is not HTTP is refused in the words of a dialect, and neither the answer nor the
    log repeats what was sent: a header that is spelled wrong may be the one with the key.
*   A client that takes nothing of what is written for it is let go after a while, be it a
    stream or one large answer: it slows only itself, and not for ever.
*   One that sends no head, or never the rest of it, is let go like one that is idle.
"""

import asyncio
import logging

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from lingma_proxy.dialects import openai_chat
from lingma_proxy.errors import InvalidRequest
from lingma_proxy.server.exchange import new_request_id
from lingma_proxy.server.replies import json_response

log = logging.getLogger("lingma_proxy.server")

STALLED_AFTER = 60.0
"""Seconds after which a client that reads nothing of what was written is given up."""


class Connection(web.RequestHandler):
    __slots__ = ("_left", "_watch")

    _watch: asyncio.TimerHandle | None
    _left: int

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._watch, self._left = None, 0
        # aiohttp ends a connection that has been idle, but not one that never was anything else.
        self._keepalive = True
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_watching()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        self._stop_watching()
        super().resume_writing()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to what the parser refused; all other errors are said elsewhere."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        # What follows the colon is what was sent.
        reason = exc.message.partition(":")[0].strip().rstrip(".")
        log.debug("a client sent what is not HTTP: %s", reason)
        error = InvalidRequest(f"This is not HTTP that Lingma Proxy understands: {reason}.")
        id = new_request_id()
        response = json_response(
            openai_chat.DIALECT.error(error, id),
            status=error.status,
            headers={"x-request-id": id, "request-id": id},
        )
        response.force_close()
        return response

    def _look(self) -> None:
        """Look whether anything was taken since the last look, and again after a while."""
        transport = self.transport
        if transport is None:
            return
        left = transport.get_write_buffer_size()
        if self._watch is not None and left >= self._left:
            transport.abort()
            return
        self._left = left
        self._watch = self._loop.call_later(STALLED_AFTER, self._look)

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None


class Connections(web.Server):
    """aiohttp's low-level server, which makes ours of every connection."""

    def __call__(self) -> web.RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)
