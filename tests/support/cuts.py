"""Every way to cut bytes, text or events: whole, one by one, at each point, at random."""

from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

S = TypeVar("S", bytes, str)


def one_by_one(whole: S) -> list[S]:
    return [whole[at : at + 1] for at in range(len(whole))]


def in_two(whole: S) -> Iterator[list[S]]:
    for at in range(len(whole) + 1):
        yield [whole[:at], whole[at:]]


def at_points(whole: S, points: list[int]) -> list[S]:
    """Cut at the given places; those beyond the end cut nothing off."""
    edges = [0, *sorted({min(point, len(whole)) for point in points}), len(whole)]
    return [whole[start:stop] for start, stop in pairwise(edges)]
