"""What is noted of an exchange while it happens, so that it can be told afterwards.

    ExchangeNotes            one request of a client, and all that came of it
      attempts: AttemptNotes   one try at a model each, in the order of time

A request carries the notes of its exchange, and inside a try at a model those of the attempt.
Whoever is on the way notes what it knows; no answer depends on it.  Noting costs next to
nothing: what passes by is remembered by reference, and looked at after the last byte.

All times are Unix time in seconds, as `time.time()` has it; None: it has not happened.
"""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lingma_proxy.conversation.events import Event, FinishReason, Usage

MOST = 2**20
"""Bytes of a body that are kept, unless the settings say otherwise."""


@dataclass(frozen=True, slots=True)
class Noting:
    """How much is noted of an exchange that is to be told afterwards."""

    most: int = MOST
    """Bytes of each body; there may be half a dozen of them."""
    bodies: bool = True
    """Whether there are bodies at all, or only what they were about."""


class Body:
    """The beginning of a body, which may be longer; nothing is copied before it is asked for."""

    __slots__ = ("_pieces", "most", "size")

    def __init__(self, most: int = MOST) -> None:
        self._pieces: list[bytes] = []
        self.most = most
        """Bytes that are kept, of the beginning."""
        self.size = 0
        """Bytes of all of it."""

    def add(self, data: bytes) -> None:
        room = self.most - self.size
        self.size += len(data)
        if room > 0:
            self._pieces.append(data if len(data) <= room else data[:room])

    def kept(self) -> bytes:
        return b"".join(self._pieces)

    def anew(self) -> "Body":
        """An empty one that keeps as much."""
        return Body(self.most)

    @property
    def whole(self) -> bool:
        """Whether all of it is kept."""
        return self.size <= self.most


@dataclass(slots=True, eq=False)
class AttemptNotes:
    """One try at a model."""

    model: str
    """Its key."""
    began: float
    backend: str = ""
    """Who was asked: remote, ipc or acp."""
    url: str = ""
    """Where, without a query."""
    accepted: float | None = None
    """When the other side took the request: the head of its answer, or its first word."""
    first: float | None = None
    """When the first of its reply came."""
    ended: float | None = None
    request: Body = field(default_factory=Body)
    """What was sent: JSON as it was before it was encoded for the way."""
    reply: Body = field(default_factory=Body)
    """What came back, byte by byte."""
    events: "list[tuple[float, Sequence[Event]]]" = field(default_factory=list)
    """What was understood of it: batches, and when they came.  Bounded, as a body is."""
    reason: "FinishReason | None" = None
    usage: "Usage | None" = None
    """As the vendor counted, or as was estimated; None: neither."""
    warnings: tuple[str, ...] = ()
    error: BaseException | None = None
    """Why it has no end of its own; a CancelledError or GeneratorExit: nobody listened any more."""

    def asks(self, backend: str, url: str, data: bytes = b"") -> None:
        """Somebody is asked now; if that is so for the second time, the first does not count."""
        self.backend, self.url = backend, url.partition("?")[0]
        self.request, self.reply = self.request.anew(), self.reply.anew()
        self.request.add(data)
        self.accepted = self.first = None

    def hears(self, data: bytes) -> None:
        """Some of what comes back."""
        if self.first is None:
            self.first = time.time()
        self.reply.add(data)


@dataclass(slots=True, eq=False)
class ExchangeNotes:
    """One request of a client.  `began` is when its head had come."""

    id: str
    method: str
    path: str
    """Without a query."""
    began: float
    client: str = ""
    """Who asks, in a word: "claude-code"; see `ChatRequest.client`."""
    user_agent: str = ""
    dialect: str = ""
    """In which API a reply was asked for; "" for all other routes."""
    streamed: bool = False
    asked_model: str = ""
    """As the client spelled it."""
    meant_model: str = ""
    """Which one that means here; "": whoever answers chooses, or nobody has said yet."""
    model: str = ""
    """The one that answered, as the reply says."""
    accepted: float | None = None
    """When the reply that it got was begun behind us."""
    first: float | None = None
    """When the first byte went to the client."""
    ended: float | None = None
    status: int = 0
    """0: the client went away before there was one."""
    request: Body = field(default_factory=Body)
    response: Body = field(default_factory=Body)
    """What the client was sent."""
    media_type: str = ""
    """Of the response."""
    reason: "FinishReason | None" = None
    usage: "Usage | None" = None
    """Of all its replies together."""
    tools: list[str] = field(default_factory=list)
    """The names of the tools that were called, in the order of the calls."""
    warnings: tuple[str, ...] = ()
    error: BaseException | None = None
    """Why it failed, also where the status was 200 already; a CancelledError: the client left."""
    queued: float = 0.0
    """Seconds that it waited for its turn."""
    attempts: list[AttemptNotes] = field(default_factory=list)
    recorded: bool = True
    """Whether it is worth to be looked up later; what only looks at the state here is not."""
    most: int = MOST
    """Bytes of each body that are kept, those of the attempts too; 0: none."""

    def sends(self, data: bytes) -> None:
        """Some of what goes to the client."""
        if self.first is None:
            self.first = time.time()
        self.response.add(data)
