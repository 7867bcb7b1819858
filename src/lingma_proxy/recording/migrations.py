"""The shape of the recording, as the steps that led to it.

A step is a function that is appended to the list and never changed again; its name is
remembered in the file, so that each file takes the steps that it has not taken.  A file that
knows a step which we do not was written by a newer version, and is left alone.
"""

import sqlite3
from collections.abc import Callable, Sequence

Migration = Callable[[sqlite3.Connection], None]


class NewerRecording(Exception):
    """The file was written by a newer version of this program."""


def m001_responses(connection: sqlite3.Connection) -> None:
    """What was said over the Responses API, and which items are in it.

    `used` is when it was last said or gone on from, in Unix seconds: what is in use stays.
    `input` holds only what the request brought itself; the rest is behind `previous`.
    """
    connection.execute(
        """
        CREATE TABLE responses (
            id TEXT PRIMARY KEY,
            created INTEGER NOT NULL,
            used INTEGER NOT NULL,
            previous TEXT,
            response BLOB NOT NULL,
            input BLOB NOT NULL,
            bytes INTEGER NOT NULL
        )
        """
    )
    connection.execute("CREATE INDEX responses_by_use ON responses (used, bytes)")
    connection.execute(
        """
        CREATE TABLE items (
            id TEXT NOT NULL,
            response TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE,
            PRIMARY KEY (id, response)
        ) WITHOUT ROWID
        """
    )
    connection.execute("CREATE INDEX items_by_response ON items (response)")


def m002_exchanges(connection: sqlite3.Connection) -> None:
    """What was asked and what came of it: `recording.kept` says what the columns mean.

    Bodies stand apart, so that a list reads none of them and they can go by themselves.  That
    of the client's request and of our response belong to attempt 0.  A row's number is never
    given twice: who follows asks for those after the last.  `bytes` is what it all takes.
    """
    connection.execute(
        """
        CREATE TABLE exchanges (
            row INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL,
            began REAL NOT NULL,
            method TEXT NOT NULL,
            path TEXT NOT NULL,
            client TEXT NOT NULL,
            user_agent TEXT NOT NULL,
            dialect TEXT NOT NULL,
            streamed INTEGER NOT NULL,
            asked_model TEXT NOT NULL,
            model TEXT NOT NULL,
            status INTEGER NOT NULL,
            accepted REAL,
            first REAL,
            ended REAL,
            queued REAL NOT NULL,
            reason TEXT NOT NULL,
            usage TEXT,
            tools TEXT NOT NULL,
            warnings TEXT NOT NULL,
            error TEXT NOT NULL,
            error_kind TEXT NOT NULL,
            attempts INTEGER NOT NULL,
            media_type TEXT NOT NULL,
            bytes INTEGER NOT NULL
        )
        """
    )
    connection.execute("CREATE INDEX exchanges_by_id ON exchanges (id)")
    connection.execute("CREATE INDEX exchanges_by_age ON exchanges (began, bytes)")
    connection.execute(
        """
        CREATE TABLE attempts (
            exchange INTEGER NOT NULL REFERENCES exchanges (row) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            backend TEXT NOT NULL,
            model TEXT NOT NULL,
            url TEXT NOT NULL,
            began REAL NOT NULL,
            accepted REAL,
            first REAL,
            ended REAL,
            reason TEXT NOT NULL,
            usage TEXT,
            warnings TEXT NOT NULL,
            error TEXT NOT NULL,
            error_kind TEXT NOT NULL,
            PRIMARY KEY (exchange, number)
        ) WITHOUT ROWID
        """
    )
    connection.execute(
        """
        CREATE TABLE bodies (
            exchange INTEGER NOT NULL REFERENCES exchanges (row) ON DELETE CASCADE,
            attempt INTEGER NOT NULL,
            kind TEXT NOT NULL,
            size INTEGER NOT NULL,
            gone TEXT NOT NULL,
            text BLOB NOT NULL
        )
        """
    )
    connection.execute("CREATE INDEX bodies_by_exchange ON bodies (exchange)")


def m003_totals(connection: sqlite3.Connection) -> None:
    """What replies add up to, by day (as 2026-11-22), model, client and dialect.

    `numbers` is the JSON of a `tally.Tally`, so that what is counted may grow.
    """
    connection.execute(
        """
        CREATE TABLE totals (
            day TEXT NOT NULL,
            model TEXT NOT NULL,
            client TEXT NOT NULL,
            dialect TEXT NOT NULL,
            numbers TEXT NOT NULL,
            PRIMARY KEY (day, model, client, dialect)
        ) WITHOUT ROWID
        """
    )


MIGRATIONS: tuple[Migration, ...] = (m001_responses, m002_exchanges, m003_totals)


def migrate(connection: sqlite3.Connection, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Take the steps that are missing, all or none.  Raises NewerRecording, sqlite3.Error.

    Two processes may do so at once: the second waits, and finds them taken.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY)")
        taken = {name for (name,) in connection.execute("SELECT name FROM migrations")}
        known = {migration.__name__ for migration in migrations}
        if taken - known:
            raise NewerRecording
        for migration in migrations:
            if migration.__name__ not in taken:
                migration(connection)
                connection.execute("INSERT INTO migrations VALUES (?)", (migration.__name__,))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
