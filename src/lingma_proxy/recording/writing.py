"""From what was noted of an exchange to the rows that are written.

exchanges   one row, all of `Summary`
attempts    one for each try at a model
bodies      one for each body that is not empty; attempt 0 is the exchange itself
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lingma_proxy.conversation.events import Event, PartDelta, Usage
from lingma_proxy.conversation.notes import AttemptNotes, Body, ExchangeNotes
from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import dumps
from lingma_proxy.recording.alike import packed
from lingma_proxy.recording.event_lines import lines
from lingma_proxy.recording.redact import Redactor, without_tail

LEFT = "left"
"""The kind of error of a client that went away."""
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


def written(notes: ExchangeNotes, redact: Redactor, *, most: int, without: str = "") -> Written:
    """`most`: bytes of a body; `without`: why no body is kept, as a clause; "": they are."""
    return Written(
        exchange_row(notes, redact),
        [attempt_row(number, it, redact) for number, it in enumerate(notes.attempts, 1)],
        list(bodies(notes, redact, most, without)),
    )


def exchange_row(notes: ExchangeNotes, redact: Redactor) -> tuple[object, ...]:
    error, kind = failure(notes.error)

    def clean(text: str) -> str:
        return redact(text.encode(errors="replace")).decode(errors="replace")

    return (
        notes.id,
        notes.began,
        notes.method,
        clean(notes.path),
        notes.client,
        clean(notes.user_agent),
        notes.dialect,
        notes.streamed,
        clean(notes.asked_model),
        notes.model,
        notes.status,
        notes.accepted,
        notes.first,
        notes.ended,
        notes.queued,
        notes.reason or "",
        counted(notes.usage),
        clean(dumps(notes.tools)),
        clean(dumps(notes.warnings)),
        clean(error),
        kind,
        len(notes.attempts),
        notes.media_type,
    )


def attempt_row(number: int, notes: AttemptNotes, redact: Redactor) -> tuple[object, ...]:
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
        redact(dumps(notes.warnings).encode()).decode(),
        redact(error.encode(errors="replace")).decode(errors="replace"),
        kind,
    )


def bodies(
    notes: ExchangeNotes, redact: Redactor, most: int, without: str
) -> Iterator[WrittenBody]:
    """Those that are not empty."""
    torn = [not without and in_pieces(it.events, redact) for it in notes.attempts]

    def one(attempt: int, kind: str, body: Body, why: str = "") -> Iterator[WrittenBody]:
        if body.size:
            yield shortened(attempt, kind, body, redact, most, why or without)

    yield from one(0, "request", notes.request)
    streamed = notes.streamed and any(torn)
    yield from one(0, "response", notes.response, IN_PIECES if streamed else "")
    for number, attempt in enumerate(notes.attempts, 1):
        why = IN_PIECES if torn[number - 1] else ""
        yield from one(number, "request", attempt.request)
        yield from one(number, "reply", attempt.reply, why)
        if attempt.events and without:
            yield WrittenBody(number, "events", 0, without, b"")
        elif attempt.events:
            batches = joined(attempt.events) if why else attempt.events
            events = Body(most)
            for line in lines(attempt.began, batches):
                events.add(line)
            yield from one(number, "events", events)


def shortened(
    attempt: int, kind: str, body: Body, redact: Redactor, most: int, without: str
) -> WrittenBody:
    most = min(most, body.most)
    if not most and not without:
        without = SWITCHED_OFF  # since this was noted with none
    data = b"" if without else body.kept()[:most]
    if without or b"\0" in data:
        return WrittenBody(attempt, kind, body.size, without or NO_TEXT, b"")
    gone = ""
    if len(data) < body.size:
        data = without_tail(data)
        gone = f"only the first {most // 1024} KB of {body.size // 1024} KB are kept"
    text = packed(data)
    if text is data:
        text = redact(data)
    elif not redact.clean(text):
        text = packed(redact(data))
    return WrittenBody(attempt, kind, body.size, gone, text)


def in_pieces(batches: Batches, redact: Redactor) -> bool:
    """Whether a reply has a secret that none of its events has whole."""
    pieces = [event.text for _, batch in batches for event in batch if type(event) is PartDelta]
    # A part's end is no end of a word: what stands there is found once too often, at most.
    text = "".join(pieces).encode(errors="replace")
    if redact.clean(text):
        return False
    return b"".join(redact(piece.encode(errors="replace")) for piece in pieces) != redact(text)


def joined(batches: Batches) -> Iterator[tuple[float, Sequence[Event]]]:
    """The same events, with all that a part says as one of them, when it ends."""
    said: list[str] = []
    index = 0
    last = 0.0
    for last, batch in batches:
        events: list[Event] = []
        for event in batch:
            if type(event) is PartDelta:
                said.append(event.text)
                index = event.index
                continue
            if said:
                events.append(PartDelta(index, "".join(said)))
                said.clear()
            events.append(event)
        yield last, events
    if said:
        yield last, [PartDelta(index, "".join(said))]


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
