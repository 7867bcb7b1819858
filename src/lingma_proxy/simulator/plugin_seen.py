"""What the plugin's side was asked, and what became of it: for tests to look at."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator.fault_table import Faults
from lingma_proxy.simulator.pictures import Picture
from lingma_proxy.simulator.seen import Outcome

Happening: TypeAlias = Literal[
    "connected", "gone", "initialized", "created", "prompted", "cancelled", "deleted", "answered"
]
"""What can be waited for.  `answered`: the client has answered a request of ours."""


@dataclass(slots=True, eq=False)
class Prompt:
    """A prompt, as it came, and what became of it."""

    session: str
    request_id: str
    text: str
    model: str
    """The key; "" when none was chosen."""
    pictures: tuple[Picture | None, ...] = ()
    """None for what is no picture."""
    params: JsonObject = field(default_factory=dict, repr=False)
    faults: Faults | None = None
    outcome: Outcome = Outcome.UNDER_WAY
    answering: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set when it has been judged, and its answer begins."""
    over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set when there is nothing left to do."""


class Tally:
    """Counts what happens, and lets others wait until it has happened so often."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._waiting: list[tuple[str, int, asyncio.Future[None]]] = []

    def add(self, what: Happening) -> None:
        self.counts[what] += 1
        for name, count, future in self._waiting:
            if name == what and self.counts[what] >= count and not future.done():
                future.set_result(None)

    async def reached(self, what: Happening, count: int) -> None:
        if self.counts[what] >= count:
            return
        waiting = (what, count, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting[2]
        finally:
            self._waiting.remove(waiting)
