"""One request of a client, what every answer to it carries, and what is noted of it.

    begin ─▶ (guard, route, handler: whoever is on the way notes what it knows) ─▶ close ─▶ told

An exchange is told once, whatever becomes of it, when nobody goes on with it any more: that is
when it is answered, or later, where work goes on behind the answer (`goes_on`).

Over HTTP an exchange is a request; on a WebSocket, and that is then another one, a turn.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from aiohttp import web

from lingma_proxy.conversation.events import (
    Event,
    PartDelta,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    added,
)
from lingma_proxy.conversation.notes import Body, ExchangeNotes, Noting
from lingma_proxy.conversation.request import ToolCall
from lingma_proxy.dialect import Asked
from lingma_proxy.server.clients import client_of, user_agent_of

LONGEST_PATH = 500
"""Characters of a path that are noted."""

UNRECORDED = frozenset(
    {"", "/health", "/livez", "/readyz", "/metrics", "/stats", "/debug"}
    | {"/api/requests", "/api/logs", "/api/access-logs"}
)
"""Pages that tell how things are here: they are asked all the time, and would be all there is."""


def new_request_id() -> str:
    """Unguessable, so that it identifies and nothing more."""
    return f"req_{secrets.token_hex(12)}"


@dataclass(slots=True)
class Exchange:
    http: web.BaseRequest
    notes: ExchangeNotes
    tell: Callable[[ExchangeNotes], None]
    """Told of the notes, once."""
    headers: dict[str, str] = field(default_factory=dict)
    """For the answer, whatever it is: request ids, CORS."""
    _busy: int = 1
    """How many go on with it."""

    @property
    def id(self) -> str:
        return self.notes.id

    def goes_on(self) -> None:
        """Somebody else goes on with it, and will `close` it, too."""
        self._busy += 1

    def close(self) -> None:
        """Whoever says this does not go on with it."""
        self._busy -= 1
        if self._busy:
            return
        self.notes.ended = time.time()
        let_go(self.notes.error)
        for attempt in self.notes.attempts:
            let_go(attempt.error)
        self.tell(self.notes)

    def fail(self, error: BaseException) -> None:
        """It went wrong; what went wrong first is why."""
        if self.notes.error is None:
            self.notes.error = error

    def leave(self) -> None:
        """The client went away."""
        self.fail(asyncio.CancelledError("the client went away"))

    def asked(self, dialect: str, asked: Asked, *, heard_whole: bool) -> Asked:
        """What was asked, by whom; from here on its notes go with it."""
        notes, request = self.notes, asked.request
        notes.dialect = dialect
        notes.streamed = asked.stream
        notes.asked_model = request.model
        notes.warnings = asked.warnings
        request = replace(request, client=notes.client, heard_whole=heard_whole, notes=notes)
        return replace(asked, request=request)

    def hear(self, batch: Sequence[Event]) -> None:
        """Some of an answer to it, or of one of several."""
        notes = self.notes
        for event in batch:
            if isinstance(event, PartDelta):  # by far the most frequent
                continue
            if isinstance(event, PartStarted):
                if isinstance(event.head, ToolCall):
                    notes.tools.append(event.head.name)
            elif isinstance(event, ReplyStarted):
                notes.accepted = notes.accepted or time.time()
                notes.model = notes.model or event.model
                notes.warnings += event.warnings
            elif isinstance(event, ReplyEnded):
                notes.reason = event.reason
                notes.usage = added(notes.usage, event.usage)


def begin(
    http: web.BaseRequest, noting: Noting | None, tell: Callable[[ExchangeNotes], None]
) -> Exchange:
    """A request whose head has come."""
    path = http.rel_url.raw_path or "/"
    recorded = is_recorded(path)
    notes = notes_of(
        ExchangeNotes(
            new_request_id(),
            http.method,
            path[:LONGEST_PATH],
            time.time(),
            client_of(http.headers),
            user_agent_of(http.headers),
            recorded=recorded,
        ),
        noting if recorded else None,
    )
    return Exchange(http, notes, tell)


def turn_of(exchange: Exchange, data: bytes, noting: Noting | None) -> Exchange:
    """A turn on the WebSocket that an exchange has become; `data`: the frame that asks for it."""
    whole = exchange.notes
    notes = notes_of(
        ExchangeNotes(
            new_request_id(),
            "WEBSOCKET",
            whole.path,
            time.time(),
            whole.client,
            whole.user_agent,
            media_type="application/x-ndjson",
        ),
        noting,
    )
    notes.request.add(data)
    return Exchange(exchange.http, notes, exchange.tell)


def notes_of(notes: ExchangeNotes, noting: Noting | None) -> ExchangeNotes:
    """With as much room for bodies as is wanted."""
    notes.most = noting.most if noting is not None and noting.bodies else 0
    notes.request, notes.response = Body(notes.most), Body(notes.most)
    return notes


def is_recorded(path: str) -> bool:
    """Whether it is worth to be looked up later that a path was asked for."""
    path = path.rstrip("/")
    return path not in UNRECORDED and not path.startswith("/debug/")


def let_go(error: BaseException | None) -> None:
    """What is noted is why, not where: the frames hold all that was worked on."""
    while error is not None and error.__traceback__ is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__
