"""What was worked out lately: for a while, and up to so much of it.

Clients send a whole conversation each turn, and with it what took a while the last time.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Lately(Generic[K, V]):
    """`lifetime` is in seconds; `weigh` says how much a value is of `most`."""

    def __init__(
        self,
        lifetime: float,
        most: int,
        weigh: Callable[[V], int] = lambda _: 1,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lifetime = lifetime
        self._most = most
        self._weigh = weigh
        self._clock = clock
        self._held: OrderedDict[K, tuple[V, int, float]] = OrderedDict()
        self.weight = 0
        """Of all that is held."""

    def get(self, key: K) -> V | None:
        if (held := self._held.get(key)) is None:
            return None
        value, _, ends = held
        if self._clock() >= ends:
            self.drop(key)
            return None
        self._held.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> None:
        """What was not wanted for longest makes room; what is too much alone is not kept."""
        self.drop(key)
        weight = self._weigh(value)
        self._held[key] = value, weight, self._clock() + self._lifetime
        self.weight += weight
        while self.weight > self._most:
            self.drop(next(iter(self._held)))

    def drop(self, key: K) -> None:
        if (held := self._held.pop(key, None)) is not None:
            self.weight -= held[1]

    def clear(self) -> None:
        self._held.clear()
        self.weight = 0

    def __len__(self) -> int:
        return len(self._held)
