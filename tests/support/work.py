"""How much memory a piece of work takes on its way: a measure of copying that no clock disturbs."""

import tracemalloc
from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")


def copied(step: Callable[[T], object], items: Iterable[T]) -> int:
    """The bytes that the steps take, each at its height, all in all.

    Work that copies what it already has at each step takes a sum that grows with the
    square of the number of steps.
    """
    total = 0
    tracemalloc.start()
    try:
        for item in items:
            before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
            step(item)
            _, peak = tracemalloc.get_traced_memory()
            total += peak - before
    finally:
        tracemalloc.stop()
    return total
