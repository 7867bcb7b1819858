"""Events in batches, and batches in a stream."""

from collections.abc import AsyncGenerator, Iterable, Sequence
from itertools import pairwise

from lingma_proxy.conversation.events import Event


def batched(events: Sequence[Event], points: Iterable[int]) -> list[Sequence[Event]]:
    """The events, cut into batches at the given places."""
    edges = [0, *sorted(min(point, len(events)) for point in points), len(events)]
    return [events[start:stop] for start, stop in pairwise(edges)]


async def stream(batches: Iterable[Sequence[Event]]) -> AsyncGenerator[Sequence[Event], None]:
    for batch in batches:
        yield batch
