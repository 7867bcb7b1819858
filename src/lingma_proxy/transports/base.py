"""Messages over bytes: what every way to a plugin or an agent has in common.

    FramedTransport   JSON objects      what the protocol's library takes for a connection
      Codec           frames ↔ bytes    Lsp, Lines
      ByteStream      bytes             websocket.py, pipe.py, stdio.py

The library runs on whatever a transport gives it, and logs whatever a transport raises.  So
what is no message of JSON-RPC stops here, and is kept as the `failure`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from lingma_proxy.errors import BackendUnavailable, ProtocolError, ProxyError
from lingma_proxy.jsonio import Json, JsonObject, dumpb, is_object, loads, loads_torn, whole
from lingma_proxy.transports.complaint import Tail
from lingma_proxy.wire import lsp, ndjson

LONGEST_NOTE = 1024
"""Bytes of a line that is no message that are kept."""

FAREWELL = 0.5
"""Seconds that a frame which has begun may still take once we close."""


class ByteStream(Protocol):
    """Bytes both ways.  One reads at a time, and one writes."""

    async def read(self) -> bytes:
        """What has come, at least one byte; b"" when nothing more will, or after `close`.

        Raises OSError when it breaks, or a ProxyError that says more.  May be cancelled, and
        called again: nothing is lost.
        """
        ...

    async def write(self, data: bytes) -> None:
        """All of it, or OSError.  Waits while the other side does not keep up."""
        ...

    async def close(self) -> None:
        """Takes a few seconds at the most.  Safe to call at any time, and again."""
        ...


class Codec(Protocol):
    """Messages to and from bytes; the state of one connection."""

    lenient: bool
    """Whether a frame that is no JSON object is skipped; else it is the end."""

    def encode(self, body: bytes) -> bytes: ...

    def feed(self, chunk: bytes) -> list[bytes]: ...

    def end(self) -> list[bytes]: ...


class Lsp:
    """A header before each message: the plugin's way."""

    lenient = False

    def __init__(self) -> None:
        self._decoder = lsp.LspDecoder()

    def encode(self, body: bytes) -> bytes:
        return lsp.encode(body)

    def feed(self, chunk: bytes) -> list[bytes]:
        return self._decoder.feed(chunk)

    def end(self) -> list[bytes]:
        self._decoder.end()
        return []


class Lines:
    """A line for each message: the agents' way.

    Agents, and the programs that start them, print other things by mistake.
    """

    def __init__(self, *, lenient: bool = True) -> None:
        self.lenient = lenient
        self._decoder = ndjson.NdjsonDecoder()

    def encode(self, body: bytes) -> bytes:
        return ndjson.encode(body)

    def feed(self, chunk: bytes) -> list[bytes]:
        return self._decoder.feed(chunk)

    def end(self) -> list[bytes]:
        return self._decoder.end()


class FramedTransport:
    """The messages of one connection.  `acp.connection.Connection` takes it as its transport."""

    def __init__(self, stream: ByteStream, codec: Codec) -> None:
        self.failure: ProxyError | None = None
        """Why `receive` came to its end; None if the other side just went away, or we did."""
        self.heard = b""
        """The message that `receive` has returned last, as it came."""
        self._stream = stream
        self._codec = codec
        self._bodies: deque[bytes] = deque()
        """That have come and were not handed out yet."""
        self._ended = False
        self._skipped = Tail()
        self._turn = asyncio.Lock()
        self._writing: asyncio.Task[None] | None = None
        """The frame that is on its way, if one is."""
        self._closed = False

    @property
    def skipped(self) -> str:
        """What the other side said that was no message, the last of it, fit for an error."""
        return self._skipped.text()

    async def send(self, message: JsonObject) -> None:
        """Raises ConnectionError when nobody is there any more, or after `close`.

        A frame that has begun goes on to its end, also when the caller is cancelled; one
        that waits for its turn is then not sent at all.
        """
        frame = self._codec.encode(dumpb(message))
        await self._turn.acquire()
        if self._closed:
            self._turn.release()
            raise ConnectionError("the connection is closed")
        writing = self._writing = asyncio.create_task(self._stream.write(frame), name="send")
        writing.add_done_callback(self._written)
        await asyncio.wait({writing})  # unlike `await`, it leaves the task alone when cancelled
        if writing.cancelled() or (error := writing.exception()) is not None:
            raise ConnectionError("the connection broke off") from (
                None if writing.cancelled() else error
            )

    async def receive(self) -> JsonObject | None:
        """The next message; None when there will be none, and then `failure` may say why."""
        try:
            while not self._closed:
                if self._bodies:
                    body = self._bodies.popleft()
                    message = self._read(body)
                    if message is not None:
                        self.heard = body
                        return message
                elif self._ended:
                    break
                else:
                    await self._more()
        except ProxyError as error:
            self.failure = self.failure or error
        except OSError as error:
            if not self._closed:
                self.failure = BackendUnavailable(
                    f"The connection broke off ({type(error).__name__})."
                )
        self._ended = True
        self._bodies.clear()
        return None

    async def close(self) -> None:
        self._closed = True
        try:
            if self._writing is not None:  # a last word, perhaps
                await asyncio.wait({self._writing}, timeout=FAREWELL)
        finally:
            if self._writing is not None:
                self._writing.cancel()
            await self._stream.close()

    async def _more(self) -> None:
        # A failure that came right behind a message is told by the next call.
        self._codec.feed(b"")
        if chunk := await self._stream.read():
            self._bodies += self._codec.feed(chunk)
        else:
            self._ended = True
            if not self._closed:
                self._bodies += self._codec.end()

    def _read(self, body: bytes) -> JsonObject | None:
        """The message; None for what is to be skipped.  Raises ProtocolError."""
        try:
            message = loads(body)
        except ValueError:
            message = _patiently(body)
        if is_object(message):
            check(message)
            return message
        if not self._codec.lenient:
            raise ProtocolError("The other side said something that is no JSON object.")
        self._skipped.feed(body[:LONGEST_NOTE] + b"\n")
        return None

    def _written(self, writing: asyncio.Task[None]) -> None:
        self._writing = None
        self._turn.release()
        if not writing.cancelled():
            writing.exception()  # whoever waited for it may have gone


def _patiently(body: bytes) -> Json:
    """The object in a body that is no proper JSON, if it can be made out.

    Half a character is left only in `params`, which may tell a text in pieces.
    """
    try:
        found = loads_torn(body)
        if not is_object(found):
            return None
        told = {"params": found.pop("params")} if "params" in found else {}
        return whole(found) | told
    except ValueError:
        return None


def check(message: JsonObject) -> None:
    """Raises ProtocolError for an object that is no message of JSON-RPC.

    Looked at is only what the library relies upon without looking.
    """
    match message:
        case {"id": bool()} | {"id": float() | list() | dict()}:
            raise ProtocolError(
                "The other side sent a message whose id is neither text nor number."
            )
        case {"method": int() | float() | list() | dict()}:
            raise ProtocolError("The other side sent a message whose method is no text.")
        case {"error": str() | int() | float() | list()} if "result" not in message:
            raise ProtocolError("The other side sent an error that is no object.")
        case _:
            pass


class Once:
    """Work that is done once, however many ask for it; and to its end, if they are cancelled."""

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work
        self._doing: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        if self._doing is None:
            self._doing = asyncio.create_task(self._work())
        await asyncio.shield(self._doing)
