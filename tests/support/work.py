"""How much a piece of work takes, in measures that no clock disturbs: memory, and calls."""

import sys
import tracemalloc
from collections.abc import Callable, Iterable
from types import FrameType
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


def calls(work: Callable[[], object]) -> int:
    """How many functions it calls, those of the interpreter too."""
    count = 0

    def one(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(one)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count
