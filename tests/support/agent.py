"""An agent of the simulator's behind the backend for agents, and what it has heard."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lingma_proxy.backends.acp import Acp, acp
from lingma_proxy.jsonio import JsonObject, dumpb, loads


class Record:
    """What the agent notes: a JSON object a line, through a FIFO."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[JsonObject] = []
        self._news = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None

    async def until(self, count: int = 1, **wanted: Any) -> JsonObject:
        """The note that holds these, once so many have come."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.all(**wanted)) >= count)
        return self.all(**wanted)[count - 1]

    def all(self, **wanted: Any) -> list[JsonObject]:
        return [note for note in self.notes if wanted.items() <= note.items()]

    def methods(self) -> Counter[str]:
        return Counter(note["heard"] for note in self.notes if "heard" in note)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            async with self._news:
                self.notes.append(loads(line))
                self._news.notify_all()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator["Record"]:
        os.mkfifo(self.path)
        # Open for writing, too: so it does not end between two agents.
        file = os.fdopen(os.open(self.path, os.O_RDWR | os.O_NONBLOCK), "rb", buffering=0)
        reader = asyncio.StreamReader(2**26)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), file
        )
        task = asyncio.create_task(self._read(reader))
        try:
            yield self
        finally:
            task.cancel()
            transport.close()
            await asyncio.gather(task, return_exceptions=True)


def command(home: Path, *faults: str, say: list[JsonObject] | None = None) -> list[str]:
    words = [sys.executable, "-m", "lingma_proxy.simulator.agent", "--record", str(home / "record")]
    for fault in faults:
        words += ["--fault", fault]
    if say is not None:
        (home / "say.json").write_bytes(dumpb(say))
        words += ["--say", str(home / "say.json")]
    return words


@asynccontextmanager
async def agent(
    home: Path, *faults: str, say: list[JsonObject] | None = None, **options: Any
) -> AsyncIterator[tuple[Acp, Record]]:
    async with Record(home / "record").reading() as record:
        chosen: dict[str, Any] = {"setup": 30.0, **options}
        backend = acp(command(home, *faults, say=say), **chosen)
        try:
            yield backend, record
        finally:
            await backend.aclose()
