"""How much is kept: by age, by number, by size; the oldest goes first."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Retention:
    days: int = 7
    count: int = 20_000
    bytes: int = 500 * 2**20
    """Of what is kept; the file also has what SQLite needs."""

    def oldest(self, now: float) -> int:
        """The time, in Unix seconds, before which nothing is known any more."""
        return int(now) - self.days * DAY


def prune(connection: sqlite3.Connection, retention: Retention, now: float) -> None:
    """Delete responses until they are within bounds."""
    connection.execute("DELETE FROM responses WHERE used < ?", (retention.oldest(now),))
    count, size = connection.execute(
        "SELECT count(*), coalesce(sum(bytes), 0) FROM responses"
    ).fetchone()
    if count > retention.count or size > retention.bytes:
        gone = list(superfluous(connection, count, size, retention))
        connection.executemany("DELETE FROM responses WHERE rowid = ?", gone)


def superfluous(
    connection: sqlite3.Connection, count: int, size: int, retention: Retention
) -> Iterator[tuple[int]]:
    """The row numbers of the oldest, until the rest is within bounds."""
    oldest_first = "SELECT rowid, bytes FROM responses ORDER BY used, rowid"
    for row, bytes_ in connection.execute(oldest_first):
        if count <= retention.count and size <= retention.bytes:
            return
        count -= 1
        size -= bytes_
        yield (row,)
