"""How long things took, by the thousand: how many took up to so many seconds.

The limits are the same everywhere, from an answer out of a cache to an agent that works for
minutes, so that histograms can be added up, kept on disk and shown to Prometheus.  A quantile
out of one is exact to the bucket that it falls into; the mean and the longest are exact.
"""

from bisect import bisect_left
from itertools import accumulate

import msgspec

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0)
"""Seconds up to which a bucket goes, each with its bound; the last bucket has none."""


def empty() -> list[int]:
    return [0] * (len(BOUNDS) + 1)


class Histogram(msgspec.Struct):
    """A Struct, for these are read from disk by the thousand."""

    counts: list[int] = msgspec.field(default_factory=empty)
    """How many fell into each bucket."""
    sum: float = 0.0
    longest: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def mean(self) -> float | None:
        return self.sum / count if (count := self.count) else None

    def add(self, seconds: float) -> None:
        """A time; a clock that was set back makes it nought."""
        seconds = max(0.0, seconds)
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds
        self.longest = max(self.longest, seconds)

    def merge(self, other: "Histogram") -> None:
        self.counts = [one + two for one, two in zip(self.counts, other.counts, strict=True)]
        self.sum += other.sum
        self.longest = max(self.longest, other.longest)

    def quantile(self, part: float) -> float | None:
        """About the time within which this part of all (0.95) were done; None: there were none.

        Within a bucket they are taken to be spread evenly.
        """
        wanted = part * self.count
        if not wanted:
            return None
        before = 0
        low = 0.0
        for count, bound in zip(self.counts, (*BOUNDS, self.longest), strict=True):
            high = min(bound, self.longest)
            if count and before + count >= wanted:
                return low + (high - low) * (wanted - before) / count
            before += count
            low = min(bound, self.longest)
        return self.longest

    def cumulative(self) -> list[int]:
        """How many took at most each of the bounds, and how many there are."""
        return list(accumulate(self.counts))
