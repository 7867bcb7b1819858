"""From the rows back to exchanges: lists, and one with all that is kept of it."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from lingma_proxy.conversation.events import Usage
from lingma_proxy.jsonio import dumps, loads
from lingma_proxy.recording import event_lines
from lingma_proxy.recording.alike import unpacked
from lingma_proxy.recording.kept import KeptAttempt, KeptBody, KeptExchange, Summary, Wanted

COLUMNS = Summary.__slots__
"""A row of `exchanges` has a column for each field."""
OF_ATTEMPT = tuple(it for it in KeptAttempt.__slots__ if it not in {"request", "reply", "events"})
LIST = f"SELECT {', '.join(COLUMNS)} FROM exchanges"  # noqa: S608 - our own names
ATTEMPTS = f"SELECT {', '.join(OF_ATTEMPT)} FROM attempts"  # noqa: S608 - our own names
LAST = "last"
"""In the place of an id: the newest that was a request for a reply."""


def listed(connection: sqlite3.Connection, wanted: Wanted, oldest: float) -> list[Summary]:
    """The newest first; the oldest first where somebody follows (`after`)."""
    where, values = condition(wanted, oldest)
    order = "ASC" if wanted.after else "DESC"
    rows = connection.execute(
        f"{LIST} WHERE {where} ORDER BY row {order} LIMIT ?",
        (*values, max(0, wanted.limit)),
    )
    return [summary(row) for row in rows]


def found(connection: sqlite3.Connection, id: str, oldest: float) -> KeptExchange | None:
    """The one with this id, else the newest whose id begins so."""
    values: list[object]
    if id == LAST:
        where, values = "dialect != ''", []
    else:
        # No id has a character beyond this one, so these are all that begin so.
        where, values = "id BETWEEN ? AND ?", [id, id + "\U0010ffff"]
    row = connection.execute(
        f"{LIST} WHERE {where} AND began >= ? ORDER BY id = ? DESC, row DESC LIMIT 1",
        (*values, oldest, id),
    ).fetchone()
    return None if row is None else whole(connection, summary(row))


def whole(connection: sqlite3.Connection, summary: Summary) -> KeptExchange:
    bodies = {
        (attempt, kind): KeptBody(whole_text(kind, text).decode(errors="replace"), size, gone)
        for attempt, kind, size, gone, text in connection.execute(
            "SELECT attempt, kind, size, gone, text FROM bodies WHERE exchange = ?", (summary.row,)
        )
    }
    attempts = tuple(
        attempt(row, lambda number, kind: bodies.get((number, kind), KeptBody()))
        for row in connection.execute(
            f"{ATTEMPTS} WHERE exchange = ? ORDER BY number",
            (summary.row,),
        )
    )
    [media_type] = connection.execute(
        "SELECT media_type FROM exchanges WHERE row = ?", (summary.row,)
    ).fetchone()
    return KeptExchange(
        summary,
        bodies.get((0, "request"), KeptBody()),
        bodies.get((0, "response"), KeptBody()),
        media_type,
        attempts,
    )


def whole_text(kind: str, text: bytes) -> bytes:
    return event_lines.lines(unpacked(text)) if kind == "events" else unpacked(text)


def delete(connection: sqlite3.Connection, wanted: Wanted, most: int) -> int:
    """Delete so many of those that are wanted, whatever their `limit`, and say how many."""
    where, values = condition(wanted, 0)
    return connection.execute(
        f"DELETE FROM exchanges WHERE row IN (SELECT row FROM exchanges WHERE {where} LIMIT ?)",  # noqa: S608 - no value is in it
        (*values, most),
    ).rowcount


def condition(wanted: Wanted, oldest: float) -> tuple[str, Sequence[object]]:
    """What follows WHERE, and the values of its marks."""
    terms = ["began >= ?"]
    values: list[object] = [max(oldest, wanted.since)]

    def also(term: str, *more: object) -> None:
        terms.append(term)
        values.extend(more)

    if wanted.after:
        also("row > ?", wanted.after)
    if wanted.before:
        also("row < ?", wanted.before)
    if wanted.until:
        also("began <= ?", wanted.until)
    if wanted.model:
        also("? IN (model, asked_model)", wanted.model)
    for column, value in (
        ("client", wanted.client),
        ("dialect", wanted.dialect),
        ("path", wanted.path),
    ):
        if value:
            also(f"{column} = ?", value)
    if wanted.status:
        low, high = statuses(wanted.status)
        also("status BETWEEN ? AND ?", low, high)
    if wanted.failed:
        also("(error_kind != '' OR status >= 400 OR status = 0)")
    if wanted.replies:
        also("dialect != ''")
    if wanted.text:
        patterns = spellings(wanted.text)
        either = " OR ".join(["CAST(text AS TEXT) LIKE ? ESCAPE '~'"] * len(patterns))
        # The rows are looked at newest first, so this stops when there are enough.
        also(f"EXISTS (SELECT 1 FROM bodies WHERE exchange = row AND ({either}))", *patterns)  # noqa: S608 - only marks
    return " AND ".join(terms), values


def statuses(wanted: str) -> tuple[int, int]:
    """The lowest and the highest: of 4xx, 400 and 499.  What is no status has none."""
    low = wanted.lower().replace("x", "0")
    high = wanted.lower().replace("x", "9")
    return (int(low), int(high)) if low.isascii() and low.isdecimal() else (1, 0)


def spellings(text: str) -> list[str]:
    """Patterns for LIKE: the text as it is, and as JSON writers spell it."""
    plain = text.encode(errors="replace").decode()
    ascii_only = plain.encode("utf-16", "surrogatepass").decode("utf-16")
    forms = [plain, dumps(plain)[1:-1], escaped(ascii_only)]
    return [f"%{pattern(form)}%" for form in dict.fromkeys(forms)]


def escaped(text: str) -> str:
    """As a writer spells it in JSON that keeps to ASCII."""
    units = text.encode("utf-16-be")
    return "".join(
        dumps(chr(unit))[1:-1] if unit < 0x80 else f"\\u{unit:04x}"
        for unit in (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    )


def pattern(text: str) -> str:
    return text.replace("~", "~~").replace("%", "~%").replace("_", "~_")


def summary(row: Sequence[Any]) -> Summary:
    values = dict(zip(COLUMNS, row, strict=True))
    return Summary(
        **values
        | {
            "streamed": bool(values["streamed"]),
            "usage": usage_of(values["usage"]),
            "tools": tuple(loads(values["tools"])),
            "warnings": tuple(loads(values["warnings"])),
        }
    )


def attempt(row: Sequence[Any], body: Callable[[int, str], KeptBody]) -> KeptAttempt:
    values = dict(zip(OF_ATTEMPT, row, strict=True))
    number = values["number"]
    values["usage"] = usage_of(values["usage"])
    values["warnings"] = tuple(loads(values["warnings"]))
    return KeptAttempt(
        **values,
        request=body(number, "request"),
        reply=body(number, "reply"),
        events=body(number, "events"),
    )


def usage_of(text: str | None) -> Usage | None:
    return None if text is None else Usage(**loads(text))
