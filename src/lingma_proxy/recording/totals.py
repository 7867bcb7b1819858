"""What all replies add up to, by day, model, client and dialect; it outlives the exchanges.

    keep(notes)     on the loop, when a reply is over: adds it up in memory
    …               a second later, all that has gathered is added to the file, in its thread
    read(…)         the sums of so many days

A reply is what a client asked for over one of the dialects: lists of models, counts of tokens
and looks at the health are none.  A day is one of this machine's, by its clock and its zone as
they were then: that is the day of the person who reads it.

Without a file the sums are those since the start.  So many models and clients are told apart;
the rest is `other`.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from lingma_proxy.conversation.notes import ExchangeNotes
from lingma_proxy.errors import StoreUnavailable
from lingma_proxy.recording.database import Database
from lingma_proxy.recording.tally import Known, Tally, decoded, encoded, model_of

DAYS = 400
"""For so long sums are kept: a year can be compared with the one before."""
ROWS = 100_000
"""So many at the most; each is a kilobyte or less."""
IN_MEMORY = 5_000
"""So many sums since the start, where there is no file."""
NAMES = 50
"""Models, and clients, that are told apart."""
SOON = 1.0
"""Seconds after which what has gathered is written."""
A_SUM = 1000
"""Bytes of one, about."""


class Key(NamedTuple):
    day: str
    """As 2026-11-22."""
    model: str
    client: str
    dialect: str


Sums = dict[Key, Tally]


@dataclass(frozen=True, slots=True)
class Summed:
    """What was found.  `since`: the first day of which something is known; "": none."""

    sums: Mapping[Key, Tally]
    since: str
    why_not: str = ""
    """Why it is only what has been since the start, in a sentence; "": it is all."""


class Totals:
    """Without a database there is what has been since the start: `off` says why."""

    def __init__(
        self, database: Database | None, *, off: str = "", clock: Callable[[], float] = time.time
    ) -> None:
        self._database = database
        self._off = off
        self._clock = clock
        self._models, self._clients = Known(NAMES), Known(NAMES)
        self._gathered: Sums = {}
        """What is not in the file yet."""
        self._here: Sums = {}
        """All since the start."""
        self._soon: asyncio.TimerHandle | None = None

    def keep(self, notes: ExchangeNotes) -> None:
        """Add up a reply that is over.  An observer of exchanges."""
        if not notes.dialect:
            return
        key = Key(
            day_of(notes.began),
            self._models.name(model_of(notes)),
            self._clients.name(notes.client),
            notes.dialect,
        )
        self._here.setdefault(key, Tally()).add(notes)
        while len(self._here) > IN_MEMORY:
            del self._here[next(iter(self._here))]
        if self._database is None:
            return
        self._gathered.setdefault(key, Tally()).add(notes)
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(SOON, self.flush)

    def flush(self) -> None:
        """Have what has gathered written."""
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        if self._database is None or not self._gathered:
            return
        gathered = self._gathered
        told = self._database.tell(partial(write, gathered), A_SUM * len(gathered))
        if told or len(gathered) > IN_MEMORY:  # else they are written with the next
            self._gathered = {}

    async def read(
        self, days: int, *, model: str = "", client: str = "", dialect: str = ""
    ) -> Summed:
        """Sums of today and the days before it, `days` in all; what is "" holds for all."""
        first = day_of(self._clock(), days - 1)
        wanted = Key(first, model, client, dialect)
        why_not = self._off
        if self._database is not None:
            self.flush()
            try:
                return await self._database.look(lambda connection: found(connection, wanted))
            except StoreUnavailable as error:
                why_not = error.message
        sums = {key: tally for key, tally in self._here.items() if fits(key, wanted)}
        return Summed(sums, min((key.day for key in self._here), default=""), why_not)


def write(sums: Mapping[Key, Tally], connection: sqlite3.Connection) -> None:
    """Add them to those that are there."""
    for key, tally in sums.items():
        row = connection.execute(
            "SELECT numbers FROM totals WHERE day = ? AND model = ? AND client = ? AND dialect = ?",
            key,
        ).fetchone()
        before = None if row is None else decoded(row[0])
        if before is None:
            before = Tally()
        before.merge(tally)
        connection.execute(
            "INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?, ?)", (*key, encoded(before))
        )


def found(connection: sqlite3.Connection, wanted: Key) -> Summed:
    rows = connection.execute(
        "SELECT day, model, client, dialect, numbers FROM totals WHERE day >= ? ORDER BY day",
        (wanted.day,),
    )
    [since] = connection.execute("SELECT coalesce(min(day), '') FROM totals").fetchone()
    return Summed(dict(read(rows, wanted)), since)


def read(rows: sqlite3.Cursor, wanted: Key) -> Iterator[tuple[Key, Tally]]:
    for *names, numbers in rows:
        key = Key(*names)
        if fits(key, wanted) and (tally := decoded(numbers)) is not None:
            yield key, tally


def fits(key: Key, wanted: Key) -> bool:
    same = zip(key[1:], wanted[1:], strict=True)
    return key.day >= wanted.day and all(mine == asked or not asked for mine, asked in same)


def prune_totals(connection: sqlite3.Connection, now: float) -> None:
    """Delete the days that are long past, and the oldest where there are too many sums."""
    connection.execute("DELETE FROM totals WHERE day < ?", (day_of(now, DAYS - 1),))
    [count] = connection.execute("SELECT count(*) FROM totals").fetchone()
    if count > ROWS:
        [day] = connection.execute(
            "SELECT day FROM totals ORDER BY day LIMIT 1 OFFSET ?", (count - ROWS - 1,)
        ).fetchone()
        connection.execute("DELETE FROM totals WHERE day <= ?", (day,))


def day_of(moment: float, before: int = 0) -> str:
    """The day of a moment (Unix seconds) here, or the one so many days before."""
    return (datetime.fromtimestamp(moment).date() - timedelta(days=before)).isoformat()  # noqa: DTZ006 - the machine's own days
