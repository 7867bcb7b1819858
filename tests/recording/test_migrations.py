"""A file takes each step once, and one from the future is left alone."""

import sqlite3

import pytest

from lingma_proxy.recording.migrations import MIGRATIONS, NewerRecording, migrate

KNOWN = sorted(step.__name__ for step in MIGRATIONS)


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def names(connection):
    return [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]


def test_a_new_file_takes_all_steps_and_remembers_them(connection):
    migrate(connection)

    assert names(connection) == KNOWN


def test_a_step_is_taken_once(connection):
    migrate(connection)
    migrate(connection)  # CREATE TABLE would fail

    assert names(connection) == KNOWN


def test_an_older_file_takes_the_steps_that_it_lacks(connection):
    def m999_more(connection):
        connection.execute("CREATE TABLE more (id)")

    migrate(connection)
    connection.execute("INSERT INTO items VALUES ('i', 'nobody')")
    migrate(connection, (*MIGRATIONS, m999_more))

    assert names(connection) == [*KNOWN, "m999_more"]
    assert connection.execute("SELECT count(*) FROM items").fetchone() == (1,)


def test_a_file_of_a_newer_version_is_left_alone(connection):
    def m999_more(connection):
        connection.execute("CREATE TABLE more (id)")

    migrate(connection, (*MIGRATIONS, m999_more))
    with pytest.raises(NewerRecording):
        migrate(connection)

    assert names(connection) == [*KNOWN, "m999_more"]


def test_a_step_that_fails_leaves_the_file_as_it_was(connection):
    def m999_breaks(connection):
        connection.execute("CREATE TABLE more (id)")
        connection.execute("CREATE TABLE more (id)")

    migrate(connection)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (*MIGRATIONS, m999_breaks))

    assert names(connection) == KNOWN
    assert not connection.execute("SELECT * FROM sqlite_master WHERE name = 'more'").fetchall()
