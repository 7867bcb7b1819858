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


MIGRATIONS: tuple[Migration, ...] = (m001_responses,)


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
