"""The Responses API over a WebSocket: many responses on one connection, one after the other.

    client   response.create*  response.cancel
    we       the events of each response, one JSON text each, or one `error`

Reference: https://developers.openai.com/api/docs/guides/websocket-mode

The events are those of a stream over HTTP.  A request goes on from an earlier one of the same
connection by `previous_response_id` even if nothing is stored: the connection remembers what
was said on it.  One with `generate: false` is not answered but remembered (a warm-up).  A
request that fails is one `error`, and the connection goes on.

Who gets here has passed the guard: Host, Origin and key are checked as for all else.
"""

import asyncio
import logging
import time
from collections import deque
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from aiohttp import WSCloseCode, WSMsgType, web

from lingma_proxy.conversation.events import FinishReason, ReplyEnded, ReplyStarted, Usage
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.dialects import openai_responses
from lingma_proxy.dialects.openai_shared import error_body, refused
from lingma_proxy.errors import InvalidRequest, ProxyError, TooBusy, UpgradeRequired
from lingma_proxy.gateway import Gateway
from lingma_proxy.jsonio import JsonObject, an_object, dumpb, loads
from lingma_proxy.server.chat import Chat, shutting_down
from lingma_proxy.server.exchange import Exchange, turn_of
from lingma_proxy.server.replies import InternalError
from lingma_proxy.server.turns import Memory, Turn, Turns, read
from lingma_proxy.wire.sse import SseDecoder

log = logging.getLogger("lingma_proxy.server")

MOST = 100
"""Connections at a time; who gets none falls back to HTTP.  Each may hold a conversation."""
WAITING = 16
"""Requests of one connection that wait for those before them; clients send one at a time."""
GOODBYE = 1.0
"""Seconds that a client has to answer our closing."""
Socket: TypeAlias = web.WebSocketResponse[Literal[False]]
WAITING_BYTES = 2
"""So many times the largest body may wait on one connection."""


class Sockets:
    """All WebSockets of the server."""

    def __init__(self, gateway: Gateway, chat: Chat, turns: Turns) -> None:
        self._gateway = gateway
        self._chat = chat
        self._turns = turns
        self._open: set[Socket] = set()

    async def serve(self, exchange: Exchange) -> web.StreamResponse:
        """Speak until either side closes.  Raises UpgradeRequired for a plain GET."""
        serving = self._gateway.serving
        socket: Socket = web.WebSocketResponse(
            max_msg_size=serving.max_body, timeout=GOODBYE, decode_text=False
        )
        socket.headers.update(exchange.headers)
        if len(self._open) >= MOST:
            raise UpgradeRequired("There are too many WebSockets already: use POST.")
        if not is_upgrade(exchange.http) or not socket.can_prepare(exchange.http):
            raise UpgradeRequired(
                "This path takes a POST, or a WebSocket (GET with `Upgrade: websocket`, version"
                " 13). A response is at the path with its id."
            )
        self._open.add(socket)
        try:
            await socket.prepare(exchange.http)
            exchange.notes.status = socket.status
            exchange.notes.recorded = False  # its turns are
            await Line(socket, exchange, self._gateway, self._chat, self._turns).serve()
        finally:
            self._open.discard(socket)
        return socket

    async def aclose(self) -> None:
        """Say goodbye to all clients."""
        await asyncio.gather(
            *(
                socket.close(code=WSCloseCode.GOING_AWAY, message=b"Lingma Proxy is shutting down")
                for socket in self._open
            ),
            return_exceptions=True,
        )


@dataclass(slots=True)
class Line:
    """One connection: it is read while an answer is said, and the answers are said in order."""

    socket: Socket
    exchange: Exchange
    """Of the connection; each turn on it is one of its own."""
    gateway: Gateway
    chat: Chat
    turns: Turns
    memory: Memory = field(init=False)
    waiting: deque[bytes] = field(default_factory=deque)
    waiting_bytes: int = 0
    something: asyncio.Event = field(default_factory=asyncio.Event)
    saying: asyncio.Task[None] | None = None
    closing: bool = False
    """Nobody is there to be told anything."""
    decoder: SseDecoder = field(default_factory=SseDecoder)

    def __post_init__(self) -> None:
        self.memory = Memory(self.gateway.serving.max_body)

    async def serve(self) -> None:
        """Read until the connection ends; whatever goes on for it ends with it."""
        answering = asyncio.create_task(self._answer_all())
        pulse = asyncio.create_task(self._pulse())
        try:
            async for message in self.socket:
                if message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                    await self._hear(message.data)
        except ConnectionError:
            log.debug("a client went away without a word")
        finally:
            self.closing = True
            tasks = [task for task in (self.saying, answering, pulse) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self, data: bytes) -> None:
        if is_cancel(data):
            if self.saying is not None:
                self.saying.cancel()  # `closing` is not set, so it can say that it was
            return
        limit = self.gateway.serving.max_body * WAITING_BYTES
        if len(self.waiting) >= WAITING or self.waiting_bytes + len(data) > limit:
            await self._complain(TooBusy("Too many requests wait on this connection."))
            return
        self.waiting.append(data)
        self.waiting_bytes += len(data)
        self.something.set()

    async def _answer_all(self) -> None:
        while True:
            await self.something.wait()
            while self.waiting:
                data = self.waiting.popleft()
                self.waiting_bytes -= len(data)
                self.saying = asyncio.create_task(self._answer(data))
                # It is cancelled on its own; what it could not say itself, nobody hears.
                await asyncio.wait({self.saying})
                self.saying = None
            self.something.clear()

    async def _answer(self, data: bytes) -> None:
        """Answer one frame.  Whatever happens is said, and the next may come."""
        exchange = turn_of(self.exchange, data, self.gateway.noting)
        lane = ""
        try:
            with self.chat.answering():
                body = await read(data)
                lane = lane_of(body)
                turn = await self.turns.turn(create_of(body), exchange.id, len(data), self.memory)
                if body.get("generate") is False:
                    await self._warm_up(turn, lane, exchange)
                else:
                    await self._say(turn, lane, exchange)
        except ProxyError as error:
            await self._complain(error, exchange, lane)
        except asyncio.CancelledError:
            if self.closing:
                exchange.leave()
                raise
            await self._complain(cancelled(), exchange, lane)
        except ConnectionError:
            exchange.leave()
            log.debug("%s: the client went away", exchange.id, extra={"request_id": exchange.id})
        except Exception:
            log.exception(
                "%s: a fault of Lingma Proxy", exchange.id, extra={"request_id": exchange.id}
            )
            await self._complain(InternalError(), exchange, lane)
        finally:
            exchange.close()

    async def _warm_up(self, turn: Turn, lane: str, exchange: Exchange) -> None:
        """Nobody is asked: the client has shown what it will go on from."""
        request = self._asked(turn, exchange)
        encoder = self.turns.encoder(turn, int(time.time()), self.memory)
        said = encoder.encode(
            [ReplyStarted(request.id, request.model), ReplyEnded(FinishReason.STOP, Usage(0, 0))]
        )
        await self._send(said + encoder.end(), lane, exchange)

    async def _say(self, turn: Turn, lane: str, exchange: Exchange) -> None:
        """Raises a ProxyError as long as nothing has been said of the response."""
        request = self._asked(turn, exchange)
        encoder = self.turns.encoder(turn, int(time.time()), self.memory)
        begun = False
        unsent = b""
        try:
            async with aclosing(self.gateway.backend.reply(request)) as batches:
                async for batch in batches:
                    exchange.hear(batch)
                    unsent += encoder.encode(batch)
                    # What ends a response leaves when it is kept, as over HTTP.
                    if unsent and not (batch and isinstance(batch[-1], ReplyEnded)):
                        said, unsent, begun = unsent, b"", True
                        await self._send(said, lane, exchange)
            await self._send(unsent + encoder.end(), lane, exchange)
        except ProxyError as error:
            if not begun:
                raise
            exchange.fail(error)
            await self._send(unsent + encoder.fail(error), lane, exchange)
        except asyncio.CancelledError:
            if self.closing or not begun:
                raise
            stopped = shutting_down() if self.chat.stopping else cancelled()
            exchange.fail(stopped)
            with suppress(ConnectionError):
                await self._send(unsent + encoder.fail(stopped), lane, exchange)
        except ConnectionError:
            raise
        except Exception:
            if not begun:
                raise
            log.exception(
                "%s: a fault of Lingma Proxy", request.id, extra={"request_id": request.id}
            )
            exchange.fail(InternalError())
            await self._send(unsent + encoder.fail(InternalError()), lane, exchange)

    def _asked(self, turn: Turn, exchange: Exchange) -> ChatRequest:
        asked = replace(turn.asked, stream=True)  # as all is, here
        return exchange.asked(openai_responses.DIALECT.name, asked, heard_whole=False).request

    async def _complain(
        self, error: ProxyError, exchange: Exchange | None = None, lane: str = ""
    ) -> None:
        id = exchange.id if exchange is not None else ""
        said = {"type": "error", "status": error.status, **error_body(error, id)}
        if lane:
            said["stream_id"] = lane
        data = dumpb(said)
        if exchange is not None:
            exchange.fail(error)
            exchange.notes.status = error.status
            exchange.notes.sends(data)
        with suppress(ConnectionError):
            await self.socket.send_frame(data, WSMsgType.TEXT)

    async def _send(self, events: bytes, lane: str, exchange: Exchange) -> None:
        """The events of a stream, one message each."""
        exchange.notes.status = 200
        mark = b"" if not lane else b',"stream_id":' + dumpb(lane) + b"}"
        for event in self.decoder.feed(events):
            data = event.data.removesuffix(b"}") + mark if mark else event.data
            exchange.notes.sends(data)
            exchange.notes.sends(b"\n")
            await self.socket.send_frame(data, WSMsgType.TEXT)

    async def _pulse(self) -> None:
        """A sign of life at each interval.

        Nobody has to answer it: there are clients that read only while they wait for us.
        """
        with suppress(ConnectionError):
            while True:
                await asyncio.sleep(self.gateway.serving.heartbeat)
                await self.socket.ping()


SHORT = 1000
"""Bytes; it has at most the id of a response beside its type."""


def is_upgrade(http: web.BaseRequest) -> bool:
    return http.headers.get("Upgrade", "").strip().lower() == "websocket"


def is_cancel(data: bytes) -> bool:
    """Whether a frame is `response.cancel`, which is not queued behind what it cancels."""
    if len(data) > SHORT:
        return False
    try:
        return an_object(loads(data)).get("type") == "response.cancel"
    except ValueError:
        return False  # whoever answers it says so


def cancelled() -> InvalidRequest:
    return InvalidRequest("The response was cancelled.", code="response_cancelled")


def lane_of(body: JsonObject) -> str:
    """The `stream_id`, which all events of the response repeat."""
    lane = body.get("stream_id")
    return lane if isinstance(lane, str) else ""


def create_of(body: JsonObject) -> JsonObject:
    """The request in a frame.  Raises InvalidRequest."""
    match body:
        case {"type": "response.create", "background": True}:
            raise refused("background", "is not possible over a WebSocket.")
        case {"type": "response.create"}:
            return {name: value for name, value in body.items() if name not in ENVELOPE}
        case {"type": str(kind)}:
            raise refused("type", f"{kind[:60]!r} is not supported; send response.create.")
        case _:
            raise refused("type", "is missing; send response.create.")


ENVELOPE = frozenset({"type", "stream_id", "stream", "background"})
"""What a frame has besides the body of a POST; there, all is streamed."""
