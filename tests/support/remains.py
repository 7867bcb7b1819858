"""What a storm may leave behind, and must not: tasks, descriptors, places, temporary files."""

import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from support.served import Served

PATIENCE = 10.0
"""Seconds until what is being let go of must be gone."""


@dataclass(frozen=True)
class Remains:
    tasks: int
    descriptors: int
    places: int
    """Replies that are being said, or wait for their turn."""
    files: int
    """In the folder for temporary files, which a test should have for itself."""

    def within(self, before: "Remains") -> bool:
        return (
            self.tasks <= before.tasks
            and self.descriptors <= before.descriptors
            and self.places <= before.places
            and self.files <= before.files
        )


def remains(served: Served) -> Remains:
    limit = served.gateway.limit
    return Remains(
        tasks=len(asyncio.all_tasks()),
        descriptors=entries("/proc/self/fd") if sys.platform == "linux" else 0,
        places=limit.running + limit.queued,
        files=entries(tempfile.gettempdir()),
    )


def entries(folder: str) -> int:
    return sum(1 for _ in Path(folder).iterdir())


async def nothing_more_than(before: Remains, served: Served) -> None:
    """Waits, for a while, until there is no more than before."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not remains(served).within(before):
                await asyncio.sleep(0.01)
    except TimeoutError:
        tasks = "\n".join(map(str, asyncio.all_tasks()))
        raise AssertionError(f"{remains(served)} is more than {before}:\n{tasks}") from None
