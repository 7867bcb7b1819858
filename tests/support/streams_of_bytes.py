"""A connection in memory: what one side writes, the other reads."""

import asyncio
from collections import deque

from lingma_proxy.jsonio import JsonObject, dumpb, loads
from lingma_proxy.wire.ndjson import NdjsonDecoder, encode


class Pipe:
    """One end; `Pipe.pair()` makes both."""

    def __init__(self) -> None:
        self.other = self
        self.closed = False
        self._waiting: deque[bytes] = deque()
        self._news = asyncio.Event()

    @classmethod
    def pair(cls) -> "tuple[Pipe, Pipe]":
        one, other = cls(), cls()
        one.other, other.other = other, one
        return one, other

    async def read(self) -> bytes:
        await self._news.wait()
        if not self._waiting:
            return b""
        data = self._waiting.popleft()
        if not self._waiting and data and not (self.closed or self.other.closed):
            self._news.clear()
        return data

    async def write(self, data: bytes) -> None:
        if self.closed or self.other.closed:
            raise BrokenPipeError
        self.other.put(data)

    async def close(self) -> None:
        self.closed = True
        self._news.set()
        self.other._news.set()

    def put(self, data: bytes) -> None:
        self._waiting.append(data)
        self._news.set()


class Messages:
    """Speaks and hears messages, a line each, over one end."""

    def __init__(self, pipe: Pipe) -> None:
        self.pipe = pipe
        self._decoder = NdjsonDecoder()
        self._heard: deque[JsonObject] = deque()

    def say(self, *messages: JsonObject) -> None:
        """All of them in one piece."""
        self.pipe.other.put(b"".join(encode(dumpb(message)) for message in messages))

    async def hear(self) -> JsonObject:
        """The next message.  Raises EOFError when there will be none."""
        while not self._heard:
            if not (data := await self.pipe.read()):
                raise EOFError
            self._heard += map(loads, self._decoder.feed(data))
        return self._heard.popleft()
