"""From what was noted of an exchange to the rows that are written.

exchanges   one row, all of `Summary`
attempts    one for each try at a model
bodies      one for each body that is not empty; attempt 0 is the exchange itself

Nearly always there is no secret.  So all that is short is looked at together, once, streams as
what differs in them; only if that shows something, each by itself.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from lingma_proxy.conversation.events import Event, PartDelta, Usage
from lingma_proxy.conversation.notes import AttemptNotes, Body, ExchangeNotes
from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import dumps
from lingma_proxy.recording import event_lines
from lingma_proxy.recording.alike import packed, telling, unpacked
from lingma_proxy.recording.redact import LARGE, Redactor, without_tail

LEFT = "left"
"""The kind of error of a client that went away."""
APART = b"\n\"'\n"
"""Between texts that are looked at together: whatever was left open ends there."""
ROW = 300
"""About the bytes of a row beside its texts."""

SWITCHED_OFF = "the setting `recording_bodies` is off"
NO_TEXT = "it is not text"
IN_PIECES = "a secret came in pieces that could not be told apart from the rest"
Batches = Sequence[tuple[float, Sequence[Event]]]


@dataclass(frozen=True, slots=True)
class WrittenBody:
    attempt: int
    """From 1; 0: of the exchange itself."""
    kind: str
    """request, response, reply or events."""
    size: int
    gone: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """An exchange, ready to be written: secrets and pictures are gone."""

    exchange: tuple[object, ...]
    """In the order of the columns, without `row` and `bytes`."""
    attempts: Sequence[tuple[object, ...]]
    """The same, without `exchange`."""
    bodies: Sequence[WrittenBody]

    @property
    def size(self) -> int:
        rows = sum(len(value) for value in self.exchange if isinstance(value, str)) + ROW
        return rows * (1 + len(self.attempts)) + sum(len(body.text) for body in self.bodies)


@dataclass(frozen=True, slots=True)
class Draft:
    """A body before it is looked at."""

    attempt: int
    kind: str
    size: int
    gone: str
    text: bytes
    """As it will be written, if there is nothing to take out."""
    streamed: bool = False
    """Whether it is what was heard, or said, in pieces."""

    @property
    def telling(self) -> bytes:
        return telling(self.text)


def written(notes: ExchangeNotes, redact: Redactor, *, most: int, without: str = "") -> Written:
    """`most`: bytes of a body; `without`: why no body is kept, as a clause; "": they are."""
    drafts = list(drafted(notes, most, without))
    exchange = exchange_row(notes)
    attempts = [attempt_row(number, it) for number, it in enumerate(notes.attempts, 1)]
    rows = [exchange, *attempts]
    short = [text for draft in drafts if len(text := draft.telling) < LARGE]
    short += [value.encode(errors="replace") for row in rows for value in row if is_text(value)]
    if redact.clean(APART.join(short)):
        bodies = [looked_at(it, redact, LARGE) for it in drafts]
    else:
        exchange, *attempts = (cleaned(row, redact) for row in rows)
        torn = {
            number
            for number, it in enumerate(notes.attempts, 1)
            if not without and in_pieces(it.events, redact)
        }
        torn |= {0} if torn else set()
        drafts = list(drafted(notes, most, without, pieces=False))
        bodies = [
            emptied(it, IN_PIECES) if it.streamed and it.attempt in torn else looked_at(it, redact)
            for it in drafts
        ]
    return Written(exchange, attempts, bodies)


def is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def cleaned(row: tuple[object, ...], redact: Redactor) -> tuple[object, ...]:
    return tuple(
        redact(it.encode(errors="replace")).decode(errors="replace") if is_text(it) else it
        for it in row
    )


def looked_at(draft: Draft, redact: Redactor, least: int = 0) -> WrittenBody:
    """What of it is written; shorter ones than `least` bytes are known to be clean."""
    text = draft.text
    told = draft.telling
    if len(told) >= least and not redact.clean(told):
        text = packed(redact(unpacked(text)))
    return WrittenBody(draft.attempt, draft.kind, draft.size, draft.gone, text)


def emptied(draft: Draft, why: str) -> WrittenBody:
    return WrittenBody(draft.attempt, draft.kind, draft.size, why, b"")


def exchange_row(notes: ExchangeNotes) -> tuple[object, ...]:
    error, kind = failure(notes.error)
    return (
        notes.id,
        notes.began,
        notes.method,
        notes.path,
        notes.client,
        notes.user_agent,
        notes.dialect,
        notes.streamed,
        notes.asked_model,
        notes.model,
        notes.status,
        notes.accepted,
        notes.first,
        notes.ended,
        notes.queued,
        notes.reason or "",
        counted(notes.usage),
        dumps(notes.tools),
        dumps(notes.warnings),
        error,
        kind,
        len(notes.attempts),
        notes.media_type,
    )


def attempt_row(number: int, notes: AttemptNotes) -> tuple[object, ...]:
    error, kind = failure(notes.error)
    return (
        number,
        notes.backend,
        notes.model,
        notes.url,
        notes.began,
        notes.accepted,
        notes.first,
        notes.ended,
        notes.reason or "",
        counted(notes.usage),
        dumps(notes.warnings),
        error,
        kind,
    )


def drafted(
    notes: ExchangeNotes, most: int, without: str, *, pieces: bool = True
) -> Iterator[Draft]:
    """The bodies that are not empty; without `pieces` events do not tell what came when."""

    def one(attempt: int, kind: str, body: Body, *, streamed: bool = False) -> Iterator[Draft]:
        if body.size:
            yield shortened(attempt, kind, body, most, without, streamed=streamed)

    yield from one(0, "request", notes.request)
    yield from one(0, "response", notes.response, streamed=notes.streamed)
    for number, attempt in enumerate(notes.attempts, 1):
        yield from one(number, "request", attempt.request)
        yield from one(number, "reply", attempt.reply, streamed=True)
        if attempt.events and without:
            yield Draft(number, "events", 0, without, b"")
        elif attempt.events:
            events = Body(most)
            for line in event_lines.written(attempt.began, attempt.events, pieces=pieces):
                events.add(line)
            yield from one(number, "events", events)


def shortened(
    attempt: int, kind: str, body: Body, most: int, without: str, *, streamed: bool
) -> Draft:
    most = min(most, body.most)
    if not most and not without:
        without = SWITCHED_OFF  # since this was noted with none
    data = b"" if without else body.kept()[:most]
    if without or b"\0" in data:
        return Draft(attempt, kind, body.size, without or NO_TEXT, b"", streamed)
    gone = ""
    if len(data) < body.size:
        data = without_tail(data)
        gone = f"only the first {most // 1024} KB of {body.size // 1024} KB are kept"
    return Draft(attempt, kind, body.size, gone, packed(data), streamed)


def in_pieces(batches: Batches, redact: Redactor) -> bool:
    """Whether a reply has a secret that none of its events has whole."""
    pieces = [event.text for _, batch in batches for event in batch if type(event) is PartDelta]
    # A part's end is no end of a word: what stands there is found once too often, at most.
    text = "".join(pieces).encode(errors="replace")
    if redact.clean(text):
        return False
    return b"".join(redact(piece.encode(errors="replace")) for piece in pieces) != redact(text)


def insert(connection: sqlite3.Connection, written: Written) -> None:
    marks = ", ".join("?" * (len(written.exchange) + 1))
    row = connection.execute(
        f"INSERT INTO exchanges VALUES (NULL, {marks})",  # noqa: S608 - only marks
        (*written.exchange, written.size),
    ).lastrowid
    if written.attempts:
        marks = ", ".join("?" * (len(written.attempts[0]) + 1))
        connection.executemany(
            f"INSERT INTO attempts VALUES ({marks})",  # noqa: S608 - only marks
            [(row, *attempt) for attempt in written.attempts],
        )
    connection.executemany(
        "INSERT INTO bodies VALUES (?, ?, ?, ?, ?, ?)",
        [(row, it.attempt, it.kind, it.size, it.gone, it.text) for it in written.bodies],
    )


def counted(usage: Usage | None) -> str | None:
    return None if usage is None else dumps(usage)


def failure(error: BaseException | None) -> tuple[str, str]:
    """A sentence and a class: what went wrong."""
    match error:
        case None:
            return "", ""
        case asyncio.CancelledError() | GeneratorExit():
            return "The client went away before the end.", LEFT
        case ProxyError():
            return str(error), type(error).__name__
        case _:
            # Its words may be anything; the log has them.
            return "A fault of Lingma Proxy; its log says more.", type(error).__name__
