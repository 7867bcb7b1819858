"""Numbers of all exchanges since the start, as they are counted for `/metrics`.

Each is a counter or a histogram by a few labels.  Whatever a client can make up (its name, paths,
models) is told apart up to a number, and is `other` beyond it, so that nobody can fill the memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from lingma_proxy.conversation.notes import AttemptNotes, ExchangeNotes
from lingma_proxy.recording.histogram import Histogram
from lingma_proxy.recording.tally import NONE, OTHER, Known, fell_back, model_of, outcome
from lingma_proxy.recording.writing import failure

NAMES = 50
"""Models, and clients, that are told apart."""
SERIES = 2000
"""Combinations of labels of one number; beyond them all is `other`."""
OK = "ok"
PAGES = ("health", "models", "count", "state", OTHER)
"""What is asked for that is no reply, by kind."""
HEALTH = frozenset({"/", "/health", "/livez", "/readyz", "/version", "/api/version"})
COUNT = ("/count_tokens", "/input_tokens")
MODELS = frozenset({"/api/tags", "/api/ps", "/api/show"})
STATE = ("/metrics", "/stats", "/debug", "/api/requests", "/api/logs", "/api/access-logs")


@dataclass
class Counter:
    """A sum for each combination of labels.  `name` is without the program's and `_total`."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: dict[tuple[str, ...], int] = field(default_factory=dict)

    def add(self, *labels: str, by: int = 1) -> None:
        place = self._place(labels)
        self.values[place] = self.values.get(place, 0) + by

    def _place(self, labels: tuple[str, ...]) -> tuple[str, ...]:
        fits = labels in self.values or len(self.values) < SERIES
        return labels if fits else (OTHER,) * len(labels)


@dataclass
class Distribution:
    """A histogram of seconds for each combination of labels."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: dict[tuple[str, ...], Histogram] = field(default_factory=dict)

    def add(self, seconds: float, *labels: str) -> None:
        self.values.setdefault(labels, Histogram()).add(seconds)


class Counters:
    """`heard` is an observer of exchanges."""

    def __init__(self) -> None:
        self._models, self._clients = Known(NAMES), Known(NAMES)
        self.requests = Counter(
            "requests",
            "HTTP requests and turns on WebSockets that are over; status 0: the client left.",
            ("route", "status", "client", "model"),
        )
        self.errors = Counter(
            "errors", "Exchanges that went wrong, by the class of the error.", ("route", "class")
        )
        self.attempts = Counter(
            "attempts", "Tries at a model, by how they ended.", ("model", "outcome")
        )
        self.fallbacks = Counter(
            "fallbacks",
            "Replies by another model than the one that was asked for.",
            ("asked", "answered"),
        )
        self.tokens = Counter(
            "tokens",
            "Tokens of replies; cached ones are among the input, reasoning among the output.",
            ("model", "kind", "estimated"),
        )
        self.first = Distribution(
            "first_byte_seconds", "Until the first byte of a streamed reply.", ("model",)
        )
        self.total = Distribution("reply_seconds", "Until the last byte of a reply.", ("model",))
        self.queued = Distribution("queued_seconds", "That a request waited for its turn.", ())

    @property
    def counters(self) -> Sequence[Counter]:
        return self.requests, self.errors, self.attempts, self.fallbacks, self.tokens

    @property
    def distributions(self) -> Sequence[Distribution]:
        return self.first, self.total, self.queued

    def hear(self, notes: ExchangeNotes) -> None:
        """An exchange that is over."""
        route = notes.dialect or page_of(notes.path)
        model = self._models.name(model_of(notes)) if notes.dialect else NONE
        client = self._clients.name(notes.client)
        self.requests.add(route, str(notes.status), client, model)
        if kind := outcome(notes):
            self.errors.add(route, kind)
        if notes.dialect:
            self._reply(notes, model, well=not kind)

    def _reply(self, notes: ExchangeNotes, model: str, *, well: bool) -> None:
        for attempt in notes.attempts:
            self.attempts.add(self._models.name(attempt.model), ending(attempt))
        if fell_back(notes):
            self.fallbacks.add(self._models.name(notes.meant_model), model)
        if (usage := notes.usage) is not None:
            estimated = str(usage.estimated).lower()
            for kind in ("input", "output", "cached", "reasoning"):
                if tokens := max(0, getattr(usage, kind)):
                    self.tokens.add(model, kind, estimated, by=tokens)
        self.queued.add(notes.queued)
        if well and notes.streamed and notes.first is not None:
            self.first.add(notes.first - notes.began, model)
        if well and notes.ended is not None:
            self.total.add(notes.ended - notes.began, model)


def ending(attempt: AttemptNotes) -> str:
    """How a try at a model ended: ok, left, or the class of its error."""
    return failure(attempt.error)[1] or OK


def page_of(path: str) -> str:
    """The kind of what is asked for, where it is no reply."""
    path = path.rstrip("/") or "/"
    if path in HEALTH:
        return "health"
    if path.endswith(COUNT):
        return "count"
    if path.endswith("/models") or "/models/" in path or path in MODELS:
        return "models"
    return "state" if path.startswith(STATE) else OTHER
