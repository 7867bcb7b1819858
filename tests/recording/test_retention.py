"""What is kept stays within its bounds, and the oldest goes first."""

import sqlite3

import pytest

from lingma_proxy.recording.migrations import migrate
from lingma_proxy.recording.retention import DAY, Retention, prune

NOW = 100 * DAY


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    migrate(connection)
    yield connection
    connection.close()


def add(connection, id, used, size=10):
    row = (id, used, used, None, b"{}", b"[]", size)
    connection.execute("INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.execute("INSERT INTO items VALUES (?, ?)", (f"item of {id}", id))


def left(connection):
    return [id for (id,) in connection.execute("SELECT id FROM responses ORDER BY id")]


def test_what_was_not_used_for_days_goes(connection):
    add(connection, "old", NOW - 7 * DAY - 1)
    add(connection, "young", NOW - 7 * DAY)
    prune(connection, Retention(days=7), NOW)

    assert left(connection) == ["young"]


def test_the_oldest_go_when_there_are_too_many(connection):
    for number in range(10):
        add(connection, f"r{number}", NOW + (number * 7) % 10)
    prune(connection, Retention(count=4), NOW)

    assert left(connection) == ["r1", "r4", "r7", "r8"]  # used at 7, 8, 9 and 6


def test_the_oldest_go_when_they_are_too_large(connection):
    for number in range(10):
        add(connection, f"r{number}", NOW + number, size=100)
    prune(connection, Retention(bytes=350), NOW)

    assert left(connection) == ["r7", "r8", "r9"]


def test_one_that_is_larger_than_all_that_may_be_kept_goes_too(connection):
    add(connection, "small", NOW, size=1)
    add(connection, "huge", NOW + 1, size=1000)
    prune(connection, Retention(bytes=350), NOW)

    assert left(connection) == []


def test_what_is_within_bounds_stays(connection):
    for number in range(10):
        add(connection, f"r{number}", NOW)
    prune(connection, Retention(count=10, bytes=100), NOW)

    assert len(left(connection)) == 10


def test_the_items_go_with_their_response(connection):
    add(connection, "old", 0)
    add(connection, "young", NOW)
    prune(connection, Retention(), NOW)

    assert connection.execute("SELECT id FROM items").fetchall() == [("item of young",)]
