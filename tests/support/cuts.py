"""Every way to cut bytes, text or events: whole, one by one, at each point, at random."""

import os
from collections.abc import Iterator
from itertools import pairwise
from typing import TypeVar

S = TypeVar("S", bytes, str)

EVERY_BYTE = bool(os.environ.get("EVERY_BYTE"))
"""By night (`EVERY_BYTE=1`) each walk visits every byte."""


def walk(length: int, part: int, parts: int, stride: int = 1) -> range:
    """The bytes that one of several walks over the same answer is cut after.

    By day they share: together they visit every byte, or every one of that stride.
    """
    return range(length + 1) if EVERY_BYTE else range(part * stride, length + 1, parts * stride)


def one_by_one(whole: S) -> list[S]:
    return [whole[at : at + 1] for at in range(len(whole))]


def in_two(whole: S) -> Iterator[list[S]]:
    for at in range(len(whole) + 1):
        yield [whole[:at], whole[at:]]


def at_points(whole: S, points: list[int]) -> list[S]:
    """Cut at the given places; those beyond the end cut nothing off."""
    edges = [0, *sorted({min(point, len(whole)) for point in points}), len(whole)]
    return [whole[start:stop] for start, stop in pairwise(edges)]


def at_code_units(whole: str, points: list[int]) -> list[str]:
    """Cut where JavaScript counts: between code units of UTF-16, also inside of a character."""
    units = whole.encode("utf-16-le")
    pieces = at_points(units, [2 * point for point in points])
    return [piece.decode("utf-16-le", "surrogatepass") for piece in pieces]
