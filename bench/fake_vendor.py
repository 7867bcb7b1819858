"""A vendor that costs next to nothing: what is measured is what stands in front of it.

It lists the models it is asked for by name, `bench-<chunks>` and `bench-<chunks>-<n>ms`,
and replies with as many chunks, in the vendor's enveloped form: as fast as the socket
takes them, each event flushed by itself, or one every n milliseconds.  A paced chunk's text
is the time at which it was written, so whoever reads it knows how long it has travelled.
It checks no signature.

    python bench/fake_vendor.py        prints its port, and serves until it is killed
"""

import asyncio
import json
import re
import time
from functools import cache
from typing import cast

import uvloop

CHUNKS = (1, 50, 100, 200)
PACES = (10, 20)
ASKED = re.compile(rb'"key": ?"bench-(\d+)(?:-(\d+)ms)?"')
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

DIGITS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
TEXT_LENGTH = 5
"""Characters of text in a chunk, about one token: the time in microseconds, base 64."""

STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def stamp(moment: float) -> bytes:
    """The time as five characters; it begins again every 18 minutes."""
    rest = int(moment * 1_000_000)
    text = bytearray(TEXT_LENGTH)
    for place in range(TEXT_LENGTH - 1, -1, -1):
        rest, digit = divmod(rest, 64)
        text[place] = DIGITS[digit]
    return bytes(text)


def event(body: str) -> bytes:
    """One event in its envelope, framed as one chunk of HTTP."""
    headers = {"Content-Type": ["application/json"]}
    envelope = {"headers": headers, "body": body, "statusCodeValue": 200, "statusCode": "OK"}
    data = b"data:%b\n\n" % json.dumps(envelope, separators=(",", ":")).encode()
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunk(delta: dict[str, str], reason: str | None = None, **more: object) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    inner = {
        "choices": [choice],
        "created": 1777045062,
        "id": "chatcmpl-0123456789abcdef",
        "model": "bench",
        "object": "chat.completion.chunk",
        **more,
    }
    return event(json.dumps(inner, separators=(",", ":")))


BEFORE, AFTER = chunk({"content": "?" * TEXT_LENGTH}).split(b"?" * TEXT_LENGTH)
FIRST = chunk({"role": "assistant", "content": ""})
USAGE = {"prompt_tokens": 12, "completion_tokens": 34, "total_tokens": 46}
END = chunk({}, "stop", usage=USAGE) + event("[DONE]") + LAST_CHUNK


def models() -> bytes:
    """The answer to a request for the list, head and all."""
    keys = [f"bench-{count}" for count in CHUNKS]
    keys += [f"bench-{count}-{pace}ms" for count in CHUNKS for pace in PACES]
    listed = [
        {"key": key, "display_name": key, "enable": True, "max_input_tokens": 1_000_000}
        for key in keys
    ]
    body = json.dumps({"chat": listed, "inline": [], "developer": [], "assistant": []}).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


@cache
def burst(count: int) -> tuple[bytes, ...]:
    """A whole reply, as the writes that bring it."""
    chunks = [BEFORE + b"burst" + AFTER] * count
    return (STREAM_HEAD + FIRST, *chunks, END)


class Vendor(asyncio.Protocol):
    """One connection, one request at a time."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.pieces: list[bytes] = []
        self.missing = 0
        """Bytes of the body that have not come yet."""
        self.burst: list[bytes] = []
        """The writes to come, last first."""
        self.paused = False
        self.timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are not its heirs

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        if self.missing > len(data):
            self.missing -= len(data)
            return
        whole = b"".join(self.pieces)
        head, blank, body = whole.partition(b"\r\n\r\n")
        if not blank:
            return
        length = LENGTH.search(head)
        self.missing = (int(length[1]) if length else 0) - len(body)
        if self.missing <= 0:
            self.pieces.clear()
            self.answer(head, body)

    def answer(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET "):
            self.transport.write(models())
            return
        asked = ASKED.search(body)
        assert asked, "the request names none of the models of the bench"
        count, pace = int(asked[1]), int(asked[2] or 0)
        if pace:
            self.pace(STREAM_HEAD + FIRST, self.loop.time(), pace / 1000, count)
        else:
            self.burst = list(reversed(burst(count)))
            self.next_write()

    def next_write(self) -> None:
        if self.burst and not self.paused:
            self.transport.write(self.burst.pop())
            if self.burst:
                self.loop.call_soon(self.next_write)

    def pace(self, before: bytes, due: float, interval: float, left: int) -> None:
        now = stamp(time.monotonic())
        self.transport.write(before + BEFORE + now + AFTER + (b"" if left > 1 else END))
        if left > 1:
            due += interval
            self.timer = self.loop.call_at(due, self.pace, b"", due, interval, left - 1)

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        self.next_write()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (asyncio's signature)
        self.burst.clear()
        if self.timer is not None:
            self.timer.cancel()


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Vendor, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
