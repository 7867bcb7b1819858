"""How much is kept: by age, by number, by size; the oldest goes first."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

DAY = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Retention:
    days: int = 7
    count: int = 20_000
    """Of each kind."""
    bytes: int = 500 * 2**20
    """Of all that is kept; the file also has what SQLite needs."""

    def oldest(self, now: float) -> int:
        """The time, in Unix seconds, before which nothing is known any more."""
        return int(now) - self.days * DAY


@dataclass(frozen=True, slots=True)
class Kind:
    """A table whose rows go when they are old; what hangs on them goes with them."""

    table: str
    key: str
    age: str
    """The column with the time that counts, in Unix seconds; an index has it, and the bytes."""


KINDS = (Kind("responses", "rowid", "used"), Kind("exchanges", "row", "began"))


def prune(connection: sqlite3.Connection, retention: Retention, now: float) -> None:
    """Delete what is too old or too much, until all is within bounds."""
    size = 0
    for kind in KINDS:
        size += within_age_and_number(connection, kind, retention, now)
    if size > retention.bytes:
        gone = list(superfluous(connection, size - retention.bytes))
        for kind in KINDS:
            rows = [(row,) for table, row in gone if table == kind.table]
            connection.executemany(f"DELETE FROM {kind.table} WHERE {kind.key} = ?", rows)  # noqa: S608 - our own names


def within_age_and_number(
    connection: sqlite3.Connection, kind: Kind, retention: Retention, now: float
) -> int:
    """The bytes of those that are left."""
    table, key, age = kind.table, kind.key, kind.age
    connection.execute(f"DELETE FROM {table} WHERE {age} < ?", (retention.oldest(now),))  # noqa: S608
    [count] = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
    if count > retention.count:
        connection.execute(
            f"DELETE FROM {table} WHERE {key} IN"  # noqa: S608
            f" (SELECT {key} FROM {table} ORDER BY {age}, {key} LIMIT ?)",
            (count - retention.count,),
        )
    [size] = connection.execute(f"SELECT coalesce(sum(bytes), 0) FROM {table}").fetchone()  # noqa: S608
    return int(size)


def superfluous(connection: sqlite3.Connection, surplus: int) -> Iterator[tuple[str, int]]:
    """The tables and keys of the oldest of any kind, until they have so many bytes."""
    each = [
        f"SELECT '{kind.table}', {kind.key}, {kind.age}, bytes FROM {kind.table}"  # noqa: S608
        for kind in KINDS
    ]
    for table, row, _, bytes_ in connection.execute(f"{' UNION ALL '.join(each)} ORDER BY 3, 2"):
        if surplus <= 0:
            return
        surplus -= bytes_
        yield table, row
