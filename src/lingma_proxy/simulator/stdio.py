"""This process's own standard input and output, as a wire.

Threads do the waiting: a pipe of Windows cannot be waited for otherwise, and a file can be
none at all.  They do not keep the process from ending; whoever ends it does so with `end`.
"""

import asyncio
import os
import select
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from threading import Thread
from typing import NoReturn

from lingma_proxy.simulator.line import Wire

PIECE = 64 * 1024
ATOMIC = 4096
"""Bytes for which a pipe has room, on every Unix, when it says that it can be written to."""


class Stdio(Wire):
    text = False

    def __init__(self) -> None:
        self._heard: asyncio.Queue[bytes] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        Thread(target=self._listen, daemon=True).start()

    async def chunks(self) -> AsyncIterator[bytes]:
        """What comes, until there is no more."""
        while chunk := await self._heard.get():
            yield chunk

    async def write(self, data: bytes, *, binary: bool) -> None:  # noqa: ARG002 — a stream has no messages
        if len(data) > ATOMIC or not _has_room():
            await asyncio.to_thread(_write, data)
        else:
            _write(data)

    def drop(self) -> NoReturn:
        print("simulated-agent: a fault has ended me", file=sys.stderr)  # noqa: T201 — last words
        end(9)

    def _listen(self) -> None:
        chunk = b"any"
        while chunk:
            try:
                chunk = os.read(0, PIECE)
            except OSError:
                chunk = b""
            with suppress(RuntimeError):  # the loop is closed: nobody wants to hear it
                self._loop.call_soon_threadsafe(self._heard.put_nowait, chunk)


def end(code: int) -> NoReturn:
    """End this process, whatever its threads do."""
    sys.stderr.flush()
    os._exit(code)


def _has_room() -> bool:
    if sys.platform == "win32":
        return False
    _, ready, _ = select.select([], [1], [], 0)
    return bool(ready)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]
