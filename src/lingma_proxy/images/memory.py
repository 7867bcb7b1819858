"""Remember what was worked out, up to so many bytes; what was not wanted for longest goes first."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Memory(Generic[K, V]):
    """`weigh` says how many bytes a value is worth."""

    def __init__(self, most: int, weigh: Callable[[V], int]) -> None:
        self._most = most
        self._weigh = weigh
        self._held: OrderedDict[K, V] = OrderedDict()
        self.weight = 0
        """Bytes, of all that is held."""

    def get(self, key: K) -> V | None:
        if key in self._held:
            self._held.move_to_end(key)
        return self._held.get(key)

    def put(self, key: K, value: V) -> None:
        self._drop(key)
        self._held[key] = value
        self.weight += self._weigh(value)
        while self.weight > self._most:
            self._drop(next(iter(self._held)))

    def __len__(self) -> int:
        return len(self._held)

    def _drop(self, key: K) -> None:
        if key in self._held:
            self.weight -= self._weigh(self._held.pop(key))
