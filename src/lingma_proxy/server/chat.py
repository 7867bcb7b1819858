"""One request to speak, answered: whole or as a stream, in the caller's dialect.

The status line is a promise.  It is made when the first event has come, or after the
first interval of silence: until then an error is a status, after it an event.
"""

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress

from aiohttp import web

from lingma_proxy.backend import EventStream
from lingma_proxy.conversation.events import Event, FinishReason, ReplyEnded, ReplyStarted
from lingma_proxy.conversation.reply import Collector, Reply
from lingma_proxy.dialect import Asked, Dialect
from lingma_proxy.errors import BackendUnavailable, ProxyError
from lingma_proxy.gateway import Gateway
from lingma_proxy.server.body import understood
from lingma_proxy.server.exchange import Exchange
from lingma_proxy.server.fan_out import fan_out
from lingma_proxy.server.heartbeat import EventStreamResponse, LiveStream
from lingma_proxy.server.replies import InternalError, json_response, model_header, warning_header

log = logging.getLogger("lingma_proxy.server")


class Chat:
    """Answers the routes of the dialects from a gateway, as it is when a request comes."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._answering: set[asyncio.Task[object]] = set()
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """Whether `drain` has begun."""
        return self._stopping

    async def answer(self, dialect: Dialect, exchange: Exchange) -> web.StreamResponse:
        """Raises a ProxyError while it can still be a status."""
        exchange.notes.dialect = dialect.name  # also of what will not be understood
        with self.answering():
            asked = await understood(
                exchange.http,
                lambda body: dialect.decode(body, exchange.id),
                noted=exchange.notes.request,
            )
            return await self.say(dialect, asked, exchange)

    async def say(self, dialect: Dialect, asked: Asked, exchange: Exchange) -> web.StreamResponse:
        """The answer to what was understood.  Raises as `answer` does."""
        asked = exchange.asked(dialect.name, asked, heard_whole=not asked.stream)
        if not asked.asks:
            return self._nothing(dialect, asked, exchange)
        asked.watch.start()
        if asked.stream:
            return await self._stream(dialect, asked, exchange)
        return await self._whole(dialect, asked, exchange)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """What this task does here is an answer: `drain` waits for it, and then cancels it.

        Raises BackendUnavailable where it was cancelled by that, or comes after it.
        """
        task = asyncio.current_task()
        assert task is not None, "a request has a task"
        if self._stopping:
            raise shutting_down()
        self._answering.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if self._stopping:
                raise shutting_down() from None
            raise
        finally:
            self._answering.discard(task)

    async def answered(self) -> None:
        """Wait until all that is being answered now has come to its end."""
        if self._answering:
            await asyncio.wait(set(self._answering))

    async def drain(self, patience: float) -> None:
        """Let the replies that are being said come to their end, for `patience` seconds.

        What is left then is ended with an error that says so.
        """
        self._stopping = True
        if self._answering:
            _, left = await asyncio.wait(self._answering, timeout=patience)
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=1)

    def _nothing(self, dialect: Dialect, asked: Asked, exchange: Exchange) -> web.StreamResponse:
        """The answer to who asks nothing of a model that is there.  Raises ModelNotFound."""
        model = self._gateway.resolve(asked.request.model) or asked.request.model
        reply = Reply(asked.request.id, model, (), FinishReason.STOP)
        return json_response(
            dialect.whole(asked, [reply], int(time.time())),
            headers={**exchange.headers, **warning_header(asked.warnings)},
        )

    async def _whole(
        self, dialect: Dialect, asked: Asked, exchange: Exchange
    ) -> web.StreamResponse:
        collectors = [Collector() for _ in range(asked.choices)]
        async with aclosing(fan_out(self._replies(asked))) as batches:
            async for choice, batch in batches:
                collectors[choice].feed(batch)
                exchange.hear(batch)
                asked.watch.hear(batch)
        replies = [collector.reply() for collector in collectors]
        body = dialect.whole(asked, replies, int(time.time()))
        # Of several replies each may have its own, such as another model's; most share them.
        said = dict.fromkeys(warning for reply in replies for warning in reply.warnings)
        warnings = (*asked.warnings, *said)
        headers = {
            **exchange.headers,
            **model_header(replies[0].model),
            **warning_header(warnings),
        }
        return json_response(body, headers=headers)

    async def _stream(
        self, dialect: Dialect, asked: Asked, exchange: Exchange
    ) -> web.StreamResponse:
        encoder = dialect.encoder(asked, int(time.time()))
        response = EventStreamResponse(
            headers={
                "Content-Type": dialect.media_type,
                "Cache-Control": "no-cache",
                "X-Accel-Buffering": "no",
                **exchange.headers,
                **warning_header(asked.warnings),
            }
        )
        heartbeat = self._gateway.serving.heartbeat
        live = LiveStream(exchange.http, response, encoder.heartbeat, heartbeat, exchange.notes)
        unsent = b""
        try:
            async with aclosing(fan_out(self._replies(asked))) as batches:
                async for choice, batch in batches:
                    if not response.prepared:
                        say_start(response, asked, batch)
                    exchange.hear(batch)
                    asked.watch.hear(batch)
                    unsent += encoder.encode(batch, choice)
                    # What ends a reply goes out with what ends the stream: a write less.
                    if unsent and not (batch and isinstance(batch[-1], ReplyEnded)):
                        data, unsent = unsent, b""
                        await live.write(data)
            await live.end(unsent + encoder.end())
        except ProxyError as error:
            if not live.started:
                raise
            exchange.fail(error)
            await last_words(live, unsent + encoder.fail(error))
        except asyncio.CancelledError:
            if not (self._stopping and live.started):
                raise
            exchange.fail(stopping := shutting_down())
            await last_words(live, unsent + encoder.fail(stopping))
        except ConnectionError:
            exchange.leave()
            log.debug(
                "%s: the client went away", asked.request.id, extra={"request_id": asked.request.id}
            )
        except Exception:
            log.exception(
                "%s: a fault of Lingma Proxy",
                asked.request.id,
                extra={"request_id": asked.request.id},
            )
            if not live.started:
                raise
            exchange.fail(InternalError())
            await last_words(live, unsent + encoder.fail(InternalError()))
        finally:
            live.close()
        return response

    def _replies(self, asked: Asked) -> list[EventStream]:
        backend = self._gateway.backend
        return [backend.reply(asked.request) for _ in range(asked.choices)]


async def last_words(live: LiveStream, data: bytes) -> None:
    """Say why there is no more; who has gone meanwhile need not hear it."""
    with suppress(ConnectionError):
        await live.end(data)


def shutting_down() -> BackendUnavailable:
    return BackendUnavailable("Lingma Proxy is shutting down.")


def say_start(response: web.StreamResponse, asked: Asked, batch: Sequence[Event]) -> None:
    """Who answers, and what it warns of, is in its first event; the head has not gone out."""
    for event in batch:
        if isinstance(event, ReplyStarted):
            response.headers.update(model_header(event.model))
            if event.warnings:
                response.headers.update(warning_header(asked.warnings + event.warnings))
