"""Responses that are made in the background (`background: true`), whoever waits for them.

    queued ▸ in_progress ▸ completed | incomplete | failed | cancelled

Reference: https://platform.openai.com/docs/guides/background

Each is a task of its own, with the events that it has said so far: who comes late, or comes
back, is told them from wherever it wants (`starting_after`).  When it has ended it is kept as
any other; its events stay for a while, within bounds.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from aiohttp import web

from lingma_proxy.dialects import openai_responses
from lingma_proxy.dialects.openai_responses_items import response
from lingma_proxy.errors import InvalidRequest, ProxyError, TooBusy
from lingma_proxy.gateway import Gateway
from lingma_proxy.jsonio import JsonObject
from lingma_proxy.server.chat import Chat
from lingma_proxy.server.exchange import Exchange
from lingma_proxy.server.heartbeat import EventStreamResponse, LiveStream
from lingma_proxy.server.replies import InternalError
from lingma_proxy.server.turns import Turn, Turns
from lingma_proxy.wire import sse

log = logging.getLogger("lingma_proxy.server")

MOST = 64
"""At a time; more are refused.  Most of them wait in the queue of the limit, as all do."""
ENDED = 32
"""Whose events can still be had; OpenAI has them for about ten minutes."""


@dataclass(eq=False, slots=True)
class Run:
    """One response, while it is made and for a while after."""

    turn: Turn
    response: JsonObject
    """As far as it has come."""
    said: list[bytes] = field(default_factory=list)
    """Its events, by their numbers."""
    size: int = 0
    """Bytes of them."""
    too_long: bool = False
    """They were more than can be held."""
    ended: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is more; there is a new one then."""
    task: asyncio.Task[None] | None = None
    decoder: sse.SseDecoder = field(default_factory=sse.SseDecoder)

    def say(self, events: bytes, limit: int) -> None:
        for event in self.decoder.feed(events):
            self.said.append(sse.encode(event.data, event.event))
        self.size += len(events)
        if self.size > limit:
            self.too_long = True
            self.said.clear()
        self.change()

    def change(self) -> None:
        self.changed.set()
        self.changed = asyncio.Event()

    async def heard(self, after: int) -> AsyncGenerator[bytes, None]:
        """The events after the one with that number, as they come, until there are no more.

        Raises InvalidRequest where they are no longer there.
        """
        at = after + 1
        while not self.too_long:
            more, at = self.said[at:], max(at, len(self.said))
            changed = self.changed
            if more:
                yield b"".join(more)
            elif self.ended:
                return
            else:
                await changed.wait()
        raise InvalidRequest(
            "The response is too long to be streamed from here: ask for it without `stream`."
        )


class Background:
    """All responses that are made in the background, and the latest that were."""

    def __init__(self, gateway: Gateway, chat: Chat, turns: Turns) -> None:
        self._gateway = gateway
        self._chat = chat
        self._turns = turns
        self._runs: dict[str, Run] = {}

    @property
    def _limit(self) -> int:
        """Bytes of a response."""
        return self._gateway.serving.max_body

    def begin(self, turn: Turn, exchange: Exchange) -> Run:
        """Go on with an exchange after it is answered.  Raises TooBusy."""
        if sum(not run.ended for run in self._runs.values()) >= MOST:
            raise TooBusy(f"{MOST} responses are being made in the background already.")
        asked = replace(turn.asked, echo={**turn.asked.echo, "background": True})
        turn = replace(turn, asked=asked)
        now = int(time.time())
        run = Run(turn, response(asked, now, asked.request.model, "queued", ()))
        self._runs[run.response["id"]] = run
        run.task = asyncio.create_task(self._make(run, now, exchange))
        exchange.goes_on()
        run.task.add_done_callback(lambda _: exchange.close())  # it may be cancelled unbegun
        return run

    def find(self, id: str) -> Run | None:
        return self._runs.get(id)

    async def cancel(self, run: Run) -> JsonObject:
        """The response as it has ended now, or had before."""
        await self._stop(run)
        return run.response

    async def forget(self, run: Run) -> None:
        await self._stop(run)
        self._runs.pop(run.response["id"], None)

    async def aclose(self) -> None:
        """Stop what has not been drained."""
        for run in list(self._runs.values()):
            await self._stop(run)

    async def stream(self, run: Run, after: int, exchange: Exchange) -> web.StreamResponse:
        """Tell a client the events after a number; the response goes on without it, too."""
        spoken = openai_responses.DIALECT
        answer = EventStreamResponse(
            headers={
                "Content-Type": spoken.media_type,
                "Cache-Control": "no-cache",
                "X-Accel-Buffering": "no",
                **exchange.headers,
            }
        )
        live = LiveStream(
            exchange.http,
            answer,
            lambda: openai_responses.HEARTBEAT,
            self._gateway.serving.heartbeat,
            exchange.notes,
        )
        try:
            async with aclosing(run.heard(after)) as events:
                async for data in events:
                    await live.write(data)
            await live.end(b"")
        except ProxyError:
            if not live.started:
                raise
            await live.end(b"")  # it breaks off, and can be asked for whole
        except ConnectionError:
            exchange.leave()
            log.debug("%s: the client went away", exchange.id, extra={"request_id": exchange.id})
        finally:
            live.close()
        return answer

    async def _make(self, run: Run, now: int, exchange: Exchange) -> None:
        encoder = self._turns.encoder(run.turn, now)
        name = openai_responses.DIALECT.name
        # Its events can be heard at any time, whatever the client wanted to begin with.
        request = exchange.asked(name, run.turn.asked, heard_whole=False).request
        try:
            with self._chat.answering():
                async with aclosing(self._gateway.backend.reply(request)) as batches:
                    async for batch in batches:
                        if run.response["status"] == "queued":
                            run.response = {**run.response, "status": "in_progress"}
                        exchange.hear(batch)
                        run.say(encoder.encode(batch), self._limit)
                run.say(encoder.end(), self._limit)
        except asyncio.CancelledError:
            exchange.notes.error = asyncio.CancelledError("the client cancelled it")
            raise
        except ProxyError as error:
            exchange.notes.error = error  # not that somebody left who listened
            run.say(encoder.fail(error), self._limit)
        except Exception:
            log.exception(
                "%s: a fault of Lingma Proxy", request.id, extra={"request_id": request.id}
            )
            exchange.notes.error = InternalError()
            run.say(encoder.fail(InternalError()), self._limit)
        finally:
            self._end(run, encoder.response)

    def _end(self, run: Run, final: JsonObject | None) -> None:
        if final is None:  # it was cancelled
            final = {**run.response, "status": "cancelled"}
            self._turns.keep(run.turn, final)
        run.response = final
        run.ended = True
        run.change()
        ended = [id for id, each in self._runs.items() if each.ended]
        while len(ended) > ENDED or sum(self._runs[id].size for id in ended) > 2 * self._limit:
            del self._runs[ended.pop(0)]

    async def _stop(self, run: Run) -> None:
        if run.task is not None and not run.task.done():
            run.task.cancel()
            await asyncio.gather(run.task, return_exceptions=True)
        if not run.ended:  # its task had not begun
            self._end(run, None)


def starting_after(value: str | None) -> int:
    """The number after which to begin; -1: from the beginning.  Raises InvalidRequest."""
    if value is None:
        return -1
    if value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    raise InvalidRequest("starting_after is the number of an event.", param="starting_after")
