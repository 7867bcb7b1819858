"""What the simulator was asked, and what became of it: for tests to look at."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from lingma_proxy.jsonio import JsonObject
from lingma_proxy.simulator.bearer import Caller
from lingma_proxy.simulator.faults import NONE, Faults
from lingma_proxy.simulator.refusal import Refusal

Route = Literal["chat", "models", "upload", "policy"]


class Outcome(StrEnum):
    """What became of a request."""

    UNDER_WAY = "under way"
    FINISHED = "finished"
    """Answered to the end, also when the end was a fault that was asked for."""
    REFUSED = "refused"
    """Not signed, or not formed, as it should be; `Seen.refusal` says how."""
    CANCELLED = "cancelled"
    """The other side took it back in words, as the plugin's protocol can."""
    ABANDONED = "abandoned"
    """The other side left first, and the work was cancelled."""
    CLOSED = "closed"
    """The simulator was closed first."""


@dataclass(slots=True, eq=False)
class Seen:
    """One request, as it came, and what became of it."""

    route: Route
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """Names in lower case."""
    raw: bytes = field(default=b"", repr=False)
    encoded: bool = False
    """Whether the body came with `Encode=1`."""
    body: JsonObject = field(default_factory=dict)
    """The body, decoded."""
    caller: Caller | None = None
    faults: Faults = NONE
    written: int = 0
    """Bytes of the answer's body."""
    outcome: Outcome = Outcome.UNDER_WAY
    refusal: Refusal | None = None
    answering: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set when it has been read and judged, and its answer begins."""
    over: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    """Set when there is nothing left to do."""
