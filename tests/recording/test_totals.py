import asyncio
import logging
import sqlite3
from collections import Counter

import pytest

from lingma_proxy.errors import RateLimited, StoreUnavailable
from lingma_proxy.recording.database import Database
from lingma_proxy.recording.migrations import migrate
from lingma_proxy.recording.recording import FILE, OFF, Recording
from lingma_proxy.recording.retention import Retention
from lingma_proxy.recording.tally import OTHER, Tally, encoded
from lingma_proxy.recording.totals import (
    DAYS,
    IN_MEMORY,
    NAMES,
    Key,
    Totals,
    day_of,
    prune_totals,
    write,
)
from support.exchanges import BEGAN, exchange

DAY = 86_400
TODAY = day_of(BEGAN)


@pytest.fixture
def path(tmp_path):
    return tmp_path / FILE


@pytest.fixture
async def database(path):
    database = Database(path, locked_for=0.05)
    yield database
    await database.aclose()


def totals(database, now=BEGAN):
    return Totals(database, clock=lambda: now)


def requests(summed):
    return {key: tally.requests for key, tally in summed.sums.items()}


async def test_what_was_kept_is_found_at_once(database):
    kept = totals(database)
    kept.keep(exchange())
    kept.keep(exchange(client="codex"))
    kept.keep(exchange())

    summed = await kept.read(1)

    assert requests(summed) == {
        Key(TODAY, "kmodel", "claude-code", "openai_chat"): 2,
        Key(TODAY, "kmodel", "codex", "openai_chat"): 1,
    }
    assert (summed.since, summed.why_not) == (TODAY, "")


async def test_what_is_no_reply_does_not_count(database):
    kept = totals(database)
    kept.keep(exchange(dialect="", path="/v1/models"))

    assert requests(await kept.read(1)) == {}


async def test_two_processes_and_two_lives_add_to_one_sum(database, path):
    other = Database(path)
    for each in (totals(database), totals(other), totals(database)):
        each.keep(exchange(error=RateLimited("Wait."), status=429))
        await each.read(1)
    await other.aclose()

    [tally] = (await totals(database).read(1)).sums.values()

    assert (tally.requests, tally.errors) == (3, {"RateLimited": 3})


async def test_what_gathers_is_written_when_the_recording_closes(tmp_path):
    first = Recording(tmp_path, Retention(), clock=lambda: BEGAN)
    first.totals.keep(exchange())
    await first.aclose()

    second = Recording(tmp_path, Retention(), clock=lambda: BEGAN)
    summed = await second.totals.read(1)
    await second.aclose()

    assert sum(requests(summed).values()) == 1


async def test_it_is_written_together_and_soon(database, monkeypatch):
    monkeypatch.setattr("lingma_proxy.recording.totals.SOON", 0)
    told = []

    def tell(work, size):
        told.append(size)
        return True

    monkeypatch.setattr(database, "tell", tell)
    kept = totals(database)
    for _ in range(100):
        kept.keep(exchange())
    assert told == []

    while not told:
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)

    assert len(told) == 1


async def test_days_and_names_are_chosen(database):
    kept = totals(database)
    for days, model, client, dialect in [
        (0, "kmodel", "codex", "openai_chat"),
        (1, "mmodel", "codex", "openai_chat"),
        (6, "kmodel", "zed", "openai_chat"),
        (7, "kmodel", "codex", "anthropic"),
    ]:
        kept.keep(exchange(began=BEGAN - days * DAY, model=model, client=client, dialect=dialect))

    async def found(days, **which):
        return len((await kept.read(days, **which)).sums)

    assert [await found(days) for days in (1, 2, 7, 8)] == [1, 2, 3, 4]
    assert await found(8, model="mmodel") == 1
    assert await found(8, client="codex") == 3
    assert await found(8, dialect="anthropic", client="codex") == 1
    assert await found(8, model="nobody' OR 1=1") == 0
    assert (await kept.read(1)).since == day_of(BEGAN, 7)


async def test_clearing_and_pruning_exchanges_leaves_the_sums(tmp_path):
    recording = Recording(tmp_path, Retention(days=1), clock=lambda: BEGAN)
    recording.totals.keep(exchange(began=BEGAN - 30 * DAY))

    summed = await recording.totals.read(60)
    await recording.aclose()

    assert sum(requests(summed).values()) == 1


async def test_without_a_file_it_is_what_has_been_since_the_start():
    kept = Totals(None, off=OFF, clock=lambda: BEGAN)
    kept.keep(exchange())
    kept.keep(exchange(began=BEGAN - 5 * DAY))

    summed = await kept.read(1)

    assert sum(requests(summed).values()) == 1
    assert (summed.since, summed.why_not) == (day_of(BEGAN, 5), OFF)


async def test_a_file_that_fails_does_not_hide_what_is_known(database, monkeypatch):
    kept = totals(database)
    kept.keep(exchange())

    async def look(_):
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(database, "look", look)
    summed = await kept.read(1)

    assert sum(requests(summed).values()) == 1
    assert summed.why_not == "The disk is full."


async def test_what_cannot_be_told_now_is_told_with_the_next(database, monkeypatch):
    kept = totals(database)
    kept.keep(exchange())
    monkeypatch.setattr(database, "tell", lambda *_: False)
    kept.flush()
    monkeypatch.undo()
    kept.keep(exchange())

    assert sum(requests(await kept.read(1)).values()) == 2


async def test_memory_has_a_bound_whatever_clients_call_themselves(database):
    kept = Totals(None, off=OFF, clock=lambda: BEGAN)
    for number in range(NAMES * 2):
        kept.keep(exchange(client=f"client {number}"))
    clients = Counter(key.client for key in (await kept.read(1)).sums)
    assert len(clients) == NAMES + 1
    assert OTHER in clients

    for number in range(IN_MEMORY + 10):
        kept.keep(exchange(began=BEGAN - number * DAY))
    assert len(kept._here) == IN_MEMORY


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    yield connection
    connection.close()


def days(connection):
    return [day for (day,) in connection.execute("SELECT day FROM totals ORDER BY day")]


def test_days_long_past_are_deleted(connection):
    for before in (0, DAYS - 1, DAYS):
        write({Key(day_of(BEGAN, before), "m", "c", "d"): Tally()}, connection)

    prune_totals(connection, BEGAN)

    assert days(connection) == [day_of(BEGAN, DAYS - 1), TODAY]


def test_of_too_many_sums_the_oldest_days_go(connection, monkeypatch):
    monkeypatch.setattr("lingma_proxy.recording.totals.ROWS", 5)
    for before in range(4):
        sums = {Key(day_of(BEGAN, before), model, "c", "d"): Tally() for model in "ab"}
        write(sums, connection)

    prune_totals(connection, BEGAN)

    assert days(connection) == [day for n in (1, 0) for day in [day_of(BEGAN, n)] * 2]


def test_a_row_that_makes_no_sense_is_begun_anew(connection):
    key = Key(TODAY, "m", "c", "d")
    connection.execute("INSERT INTO totals VALUES (?, ?, ?, ?, ?)", (*key, "nonsense"))

    write({key: Tally(requests=2)}, connection)

    [numbers] = connection.execute("SELECT numbers FROM totals").fetchone()
    assert numbers == encoded(Tally(requests=2))


async def test_a_broken_row_hides_only_itself(database, caplog):
    caplog.set_level(logging.ERROR)
    kept = totals(database)
    kept.keep(exchange())
    row = (TODAY, "broken", "c", "d", b"\x00")
    database.tell(
        lambda connection: connection.execute("INSERT INTO totals VALUES (?, ?, ?, ?, ?)", row)
    )

    assert sum(requests(await kept.read(1)).values()) == 1
    assert not caplog.records
