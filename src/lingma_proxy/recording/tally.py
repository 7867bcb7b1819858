"""What a number of replies add up to: how many, how they ended, tokens, and times."""

from typing import Any

import msgspec
from msgspec import field

from lingma_proxy.conversation.notes import ExchangeNotes
from lingma_proxy.recording.histogram import Histogram
from lingma_proxy.recording.writing import LEFT, failure
from lingma_proxy.wire.printable import printable

OTHER = "other"
"""Whoever came after as many as are told apart."""
NONE = "none"
"""The model of a request that came to none."""
LONGEST_NAME = 100


class Tally(msgspec.Struct):
    """A Struct, for these are read from disk by the thousand; it is kept as its JSON."""

    requests: int = 0
    failed: int = 0
    left: int = 0
    """Those whose client went away, which is no failure."""
    errors: dict[str, int] = field(default_factory=dict)
    """How many failed with each class of error."""
    fallbacks: int = 0
    """Those that another model than the first has answered."""
    estimated: int = 0
    """Those whose tokens, or some of them, are an estimate."""
    input: int = 0
    output: int = 0
    cached: int = 0
    """Part of `input`."""
    reasoning: int = 0
    """Part of `output`."""
    first: Histogram = field(default_factory=Histogram)
    """Seconds to the first byte, of those that were streamed and ended well."""
    total: Histogram = field(default_factory=Histogram)
    """Seconds to the last one, of those that ended well."""

    def add(self, notes: ExchangeNotes) -> None:
        """One more, which is over."""
        self.requests += 1
        self.fallbacks += fell_back(notes)
        match outcome(notes):
            case "":
                if notes.streamed and notes.first is not None:
                    self.first.add(notes.first - notes.began)
                if notes.ended is not None:
                    self.total.add(notes.ended - notes.began)
            case "left":
                self.left += 1
            case kind:
                self.failed += 1
                self.errors[kind] = self.errors.get(kind, 0) + 1
        if (usage := notes.usage) is not None:
            self.estimated += usage.estimated
            self.input += usage.input
            self.output += usage.output
            self.cached += usage.cached
            self.reasoning += usage.reasoning

    def merge(self, other: "Tally") -> None:
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, times in other.errors.items():
            self.errors[kind] = self.errors.get(kind, 0) + times
        self.first.merge(other.first)
        self.total.merge(other.total)


COUNTED = tuple(
    each.name for each in msgspec.structs.fields(Tally) if each.type is int
)  # fmt: skip
_read: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Tally)


def decoded(data: str | bytes) -> Tally | None:
    """A tally out of its JSON; None for what is none."""
    try:
        found: Tally = _read.decode(data)
    except (msgspec.MsgspecError, UnicodeError):
        return None
    whole = len(Histogram().counts)
    fits = len(found.first.counts) == len(found.total.counts) == whole
    return found if fits else None


def encoded(tally: Tally) -> str:
    return msgspec.json.encode(tally).decode()


def outcome(notes: ExchangeNotes) -> str:
    """The class of its error, `left`, or "" where it ended well."""
    if notes.error is not None:
        return failure(notes.error)[1]
    if not notes.status:
        return LEFT
    return f"status {notes.status}" if notes.status >= 400 else ""


def fell_back(notes: ExchangeNotes) -> bool:
    """Whether another model has answered than was asked for, be it tried or passed over."""
    return bool(notes.meant_model and notes.model) and notes.meant_model != notes.model


def model_of(notes: ExchangeNotes) -> str:
    """The model that answered, or that was tried last; never what a client made up."""
    if notes.model:
        return notes.model
    return notes.attempts[-1].model if notes.attempts else NONE


class Known:
    """Tells so many names apart; who comes later is `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._names: set[str] = set()

    def name(self, name: str) -> str:
        if name not in self._names:
            name = clean(name)
            if name not in self._names and len(self._names) >= self._most:
                return OTHER
            self._names.add(name)
        return name


def clean(name: str) -> str:
    """A name as it can be shown anywhere, and stored."""
    return printable(name[:LONGEST_NAME]).encode("utf-8", "replace").decode().strip() or "unknown"
