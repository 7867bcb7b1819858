"""Moves messages over one connection: whole, joined, in pieces, or not to the end."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from lingma_proxy.jsonio import JsonObject, dumpb
from lingma_proxy.simulator.delivery import awkward_places
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.rpc import Dropped


class Wire(Protocol):
    """Bytes out.  `write` raises ConnectionError when the other side is gone."""

    text: bool
    """Whether each write must be whole characters, as a text message must."""

    async def write(self, data: bytes, *, binary: bool) -> None: ...
    def drop(self) -> None: ...


class Line:
    """`encode` frames a message; `binary` is what the protocol's table calls that fault."""

    def __init__(
        self, wire: Wire, encode: Callable[[bytes], bytes], binary: str | None = None
    ) -> None:
        self._wire = wire
        self._encode = encode
        self._binary = binary
        self._whole = asyncio.Lock()
        self._left: int | None = None
        """Bytes until the connection is cut."""

    async def send(self, *messages: JsonObject, faults: Faults) -> None:
        await self.raw(b"".join(self._encode(dumpb(message)) for message in messages), faults)

    async def raw(self, data: bytes, faults: Faults) -> None:
        """Bytes as they are, with what happens to bytes."""
        binary = self._binary is not None and self._binary in faults
        places = _places(data, faults)
        if self._wire.text and not binary:
            places = [place for place in places if data[place] & 0xC0 != 0x80]
        async with self._whole:
            start = 0
            for stop in (*places, len(data)):
                await self._write(data[start:stop], binary=binary)
                start = stop
                if places:
                    await asyncio.sleep(0)

    def cut_after(self, count: int | None) -> None:
        """Close the connection after so many bytes; None: don't."""
        self._left = count

    def drop(self) -> None:
        self._wire.drop()

    async def _write(self, data: bytes, *, binary: bool) -> None:
        if self._left is None:
            await self._wire.write(data, binary=binary)
            return
        some = data[: self._left]
        self._left -= len(some)
        if self._wire.text and not binary:
            some = some.decode("utf-8", "ignore").encode()
        if some:
            await self._wire.write(some, binary=binary)
        if len(some) < len(data):
            self._wire.drop()
            raise Dropped("as asked for")


def _places(data: bytes, faults: Faults) -> list[int]:
    if "dribble" in faults:
        return list(range(1, len(data)))
    return awkward_places(data) if "split" in faults else []
