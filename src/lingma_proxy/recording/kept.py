"""An exchange as it is kept, and as those see it who look it up: secrets and pictures are gone.

All times are Unix time in seconds; None: it did not happen, or nobody knows.
"""

from dataclasses import dataclass

from lingma_proxy.conversation.events import Usage


@dataclass(frozen=True, slots=True)
class KeptBody:
    text: str = ""
    """What is kept of it: bytes that are no UTF-8 have become U+FFFD."""
    size: int = 0
    """Bytes that it had."""
    gone: str = ""
    """Why there is less here than there was, as a clause; "": it is whole."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A line of a list."""

    row: int
    """Grows with each that is kept: who follows asks for those after the last."""
    id: str
    """Of the request, as its client was told: `req_…`."""
    began: float
    method: str
    path: str
    client: str
    user_agent: str
    dialect: str
    """"" for what was no request for a reply."""
    streamed: bool
    asked_model: str
    model: str
    """The one that answered; "" where none did."""
    status: int
    """0: the client went away before there was one."""
    accepted: float | None
    first: float | None
    ended: float | None
    queued: float
    """Seconds."""
    reason: str
    """Why the model stopped: stop, length, tool_calls, content_filter, or ""."""
    usage: Usage | None
    tools: tuple[str, ...]
    warnings: tuple[str, ...]
    error: str
    """What went wrong, in a sentence; "": nothing did."""
    error_kind: str
    """The class of the error, such as RateLimited; "left": the client went away."""
    attempts: int


@dataclass(frozen=True, slots=True)
class KeptAttempt:
    number: int
    """From 1."""
    backend: str
    model: str
    url: str
    began: float
    accepted: float | None
    first: float | None
    ended: float | None
    reason: str
    usage: Usage | None
    warnings: tuple[str, ...]
    error: str
    error_kind: str
    request: KeptBody
    reply: KeptBody
    events: KeptBody
    """Lines of JSON, one for each event, with the milliseconds since the attempt began."""


@dataclass(frozen=True, slots=True)
class KeptExchange:
    summary: Summary
    request: KeptBody
    response: KeptBody
    media_type: str
    """Of the response."""
    attempts: tuple[KeptAttempt, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exchanges: those for which all of this holds; what is empty holds for all."""

    limit: int = 50
    """The newest so many."""
    after: int = 0
    """Rows beyond this one: for who follows, and then the oldest come first."""
    before: int = 0
    """Rows before this one, for the next page; 0: from the newest."""
    since: float = 0.0
    until: float = 0.0
    model: str = ""
    """Asked for, or answering."""
    client: str = ""
    dialect: str = ""
    path: str = ""
    status: str = ""
    """A status such as 429, or a class such as 4xx."""
    failed: bool = False
    """Only what went wrong: an error, a status from 400 on, a client that left."""
    text: str = ""
    """Words that stand somewhere in its bodies."""
    replies: bool = False
    """Only requests for a reply."""
