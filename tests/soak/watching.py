"""What a process holds while it is under load, and whether that has grown.

Memory breathes: the allocator keeps what it was given, SQLite keeps pages.  So the first
part of a run is warm-up; of the rest the median of the beginning is compared with the
median of the end, and what is said to be a leak is more than breathing ever was.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter

from aiohttp import ClientError, ClientSession

from support.remains import entries

PAGE = os.sysconf("SC_PAGE_SIZE")
GROWTH = 24.0
"""MB.  Ten thousand requests that each left 3 KB behind would pass it."""
SPARE = 10
"""Descriptors, and threads: connections to the other side are kept for a while."""
EDGE = 0.2
"""Of the time after warm-up: as much at its beginning is compared with as much at its end."""


@dataclass(frozen=True)
class Sample:
    at: float
    """Seconds since the beginning."""
    memory: float
    """MB that are resident."""
    descriptors: int
    threads: int
    recorded: float
    """MB on disk."""


@dataclass
class Watch:
    """What was seen of one server."""

    pid: int
    url: str
    data: Path
    began: float = field(default_factory=perf_counter)
    samples: list[Sample] = field(default_factory=list)
    lag: list[float] = field(default_factory=list)
    """Seconds that /livez took; what goes beyond its own cost is others' turns of the loop."""

    def look(self) -> Sample:
        sample = Sample(
            perf_counter() - self.began,
            int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE / 2**20,
            entries(f"/proc/{self.pid}/fd"),
            entries(f"/proc/{self.pid}/task"),
            sum(file.stat().st_size for file in self.data.rglob("*") if file.is_file()) / 2**20,
        )
        self.samples.append(sample)
        return sample

    async def keep_looking(self, every: float) -> None:
        """Never ends by itself.  /livez is asked ten times a second."""
        async with ClientSession() as session:
            while True:
                self.look()
                for _ in range(max(1, round(every * 10))):
                    began = perf_counter()
                    try:
                        async with session.get(f"{self.url}/livez") as answer:
                            await answer.read()
                    except (ClientError, OSError):
                        return  # it has ended, which others notice
                    self.lag.append(perf_counter() - began)
                    await asyncio.sleep(0.1)


def edges(samples: Sequence[Sample], warm: float) -> tuple[float, float]:
    """MB: the median just after warm-up, and the one at the end."""
    after = [sample for sample in samples if sample.at >= warm] or [*samples[-1:]]
    span = after[-1].at - after[0].at
    first = [each.memory for each in after if each.at <= after[0].at + EDGE * span]
    last = [each.memory for each in after if each.at >= after[-1].at - EDGE * span]
    return median(first), median(last)


def grown(samples: Sequence[Sample], warm: float, calm: tuple[Sample, Sample]) -> list[str]:
    """What is more than it may be, in sentences.

    `calm` is when nobody asked anything: after the warm-up, and at the end.
    """
    complaints = []
    first, last = edges(samples, warm)
    if last - first > GROWTH:
        complaints.append(f"memory grew from {first:.1f} to {last:.1f} MB")
    before, after = calm
    for what in ("descriptors", "threads"):
        had, has = getattr(before, what), getattr(after, what)
        if has > had + SPARE:
            complaints.append(f"{what} grew from {had} to {has}")
    return complaints


def quantile(values: Sequence[float], share: float) -> float:
    """0.0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
