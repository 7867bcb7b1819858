"""The file and its thread: what was told is found; what goes wrong with a file harms nobody."""

import asyncio
import errno
import logging
import sqlite3
import sys
import threading

import pytest

from lingma_proxy.errors import StoreUnavailable
from lingma_proxy.recording import database as module
from lingma_proxy.recording.database import Database, complaint
from lingma_proxy.recording.migrations import MIGRATIONS

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes of files are POSIX's")


def write(id):
    return lambda connection: connection.execute("INSERT INTO items VALUES (?, 'r')", (id,))


def read(connection):
    return [id for (id,) in connection.execute("SELECT id FROM items ORDER BY id")]


def a_response(connection):
    row = ("r", 0, 0, None, b"{}", b"[]", 4)
    connection.execute("INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def dump(path):
    connection = sqlite3.connect(path)
    lines = list(connection.iterdump())
    connection.close()
    return lines


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "recording.sqlite3"


@pytest.fixture
async def database(path):
    database = Database(path, locked_for=0.05)
    yield database
    await database.aclose()


@pytest.fixture
def warnings(caplog):
    caplog.set_level(logging.WARNING, "lingma_proxy.recording")
    return caplog


async def test_who_asks_finds_what_was_told_before(database):
    database.tell(a_response)
    for number in range(50):
        database.tell(write(f"{number:02}"))

    assert await database.ask(read) == [f"{number:02}" for number in range(50)]


async def test_what_was_told_is_there_after_a_restart(database, path):
    database.tell(a_response)
    database.tell(write("a"))
    await database.aclose()
    again = Database(path)

    assert await again.ask(read) == ["a"]
    await again.aclose()


async def test_nothing_is_opened_or_started_before_there_is_something_to_do(database, path):
    threads = threading.active_count()
    await database.aclose()

    assert not path.parent.exists()
    assert threading.active_count() == threads


async def test_a_closed_one_takes_nothing_more(database):
    await database.ask(read)
    await database.aclose()
    await database.aclose()

    assert not database.tell(a_response)
    with pytest.raises(StoreUnavailable, match="closed"):
        await database.ask(read)


@POSIX
async def test_only_its_owner_can_read_it(database, path):
    database.tell(a_response)
    await database.ask(read)

    files = list(path.parent.iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert len(files) > 1, "the log that SQLite writes ahead is one of them"
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_work_that_fails_leaves_nothing_behind_and_stops_nothing(database, caplog):
    def fails(connection):
        write("half")(connection)
        raise ZeroDivisionError

    database.tell(a_response)
    database.tell(fails)
    with pytest.raises(ZeroDivisionError):
        await database.ask(fails)
    database.tell(write("whole"))

    assert await database.ask(read) == ["whole"]
    assert database.trouble == ""
    assert "a fault of lingma proxy" in caplog.text.lower()


@pytest.mark.parametrize("content", [b"this is no database, and long enough" * 100, b"short"])
async def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(database, path, warnings, content):
    path.parent.mkdir()
    path.write_bytes(content)
    database.tell(a_response)
    database.tell(write("a"))

    assert await database.ask(read) == ["a"]
    [aside] = path.parent.glob("*.damaged-*")
    assert aside.read_bytes() == content
    assert aside.name in warnings.text
    assert str(path.parent) not in warnings.text


async def test_a_file_that_is_damaged_while_it_is_used_is_moved_aside(database, path, warnings):
    database.tell(a_response)
    for number in range(500):
        database.tell(write(f"{number:04}" * 50))
    await database.aclose()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    again = Database(path)

    assert await again.ask(read) == []
    assert "damaged" in warnings.text
    again.tell(a_response)
    again.tell(write("new"))
    assert await again.ask(read) == ["new"]
    await again.aclose()


async def test_a_folder_that_cannot_be_made_is_trouble_and_nothing_more(tmp_path, warnings):
    (tmp_path / "file").write_text("in the way")
    database = Database(tmp_path / "file" / "recording.sqlite3")
    assert database.tell(a_response)
    assert database.tell(a_response)
    with pytest.raises(StoreUnavailable, match="its folder cannot be used"):
        await database.ask(read)
    await database.aclose()

    assert "its folder cannot be used" in database.trouble
    assert len(warnings.records) == 1, "it is said once"
    assert str(tmp_path) not in warnings.text + database.trouble


async def test_trouble_passes(tmp_path):
    place = tmp_path / "place"
    place.write_text("in the way")
    database = Database(place / "recording.sqlite3")
    with pytest.raises(StoreUnavailable):
        await database.ask(read)
    place.unlink()

    assert await database.ask(read) == []
    assert database.trouble == ""
    await database.aclose()


async def test_a_full_disk_loses_what_was_told_and_takes_what_fits_later(database, path):
    database.tell(a_response)
    assert await database.ask(read) == []

    def limit(connection):
        connection.execute("PRAGMA max_page_count = 20")

    def large(connection):
        connection.execute("UPDATE responses SET response = zeroblob(1000000)")

    await database.ask(limit)
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        await database.ask(large)
    database.tell(write("small"))

    assert await database.ask(read) == ["small"]


async def test_what_is_there_can_be_read_where_nothing_can_be_written(database, path):
    await database.ask(a_response)
    await database.ask(write("a"))
    await database.aclose()

    def full(connection):
        connection.execute("DELETE FROM items")
        raise sqlite3.OperationalError("database or disk is full")

    again = Database(path, full)

    assert await again.ask(read) == ["a"]
    await again.aclose()


@POSIX
async def test_a_file_that_was_removed_is_begun_anew(database, path, warnings):
    await database.ask(a_response)
    await database.ask(write("old"))
    for each in path.parent.iterdir():
        each.unlink()
    database.tell(a_response)
    database.tell(write("new"))

    assert await database.ask(read) == ["new"]
    assert len(dump(path)) > 10
    assert "not there any more" in warnings.text


@POSIX
async def test_a_file_that_was_replaced_is_the_one_to_go_on_with(database, path):
    await database.ask(a_response)
    path.replace(path.with_name("moved"))
    for name in ("-wal", "-shm"):
        path.with_name(path.name + name).unlink()
    other = Database(path)
    await other.ask(a_response)
    await other.ask(write("theirs"))
    await database.ask(write("ours"))

    assert await other.ask(read) == await database.ask(read) == ["ours", "theirs"]
    await other.aclose()


async def test_two_processes_share_a_file(database, path):
    other = Database(path)
    await database.ask(a_response)
    for number in range(20):
        assert (database if number % 2 else other).tell(write(f"{number:02}"))
    await other.ask(read)

    assert await database.ask(read) == [f"{number:02}" for number in range(20)]
    assert len(await other.ask(read)) == 20
    await other.aclose()


async def test_a_file_that_another_program_holds_is_trouble_until_it_lets_go(database, path):
    await database.ask(read)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another program holds its file"):
        await database.ask(read)
    holder.execute("ROLLBACK")
    holder.close()

    assert await database.ask(read) == []


async def test_a_file_of_a_newer_version_is_left_alone(path):
    def m999_later(connection):
        connection.execute("CREATE TABLE later (id)")

    newer = Database(path, migrations=(*MIGRATIONS, m999_later))
    newer.tell(a_response)
    await newer.ask(read)
    await newer.aclose()
    before = dump(path)
    older = Database(path)
    with pytest.raises(StoreUnavailable, match="newer version"):
        await older.ask(read)
    await older.aclose()

    assert dump(path) == before
    assert not list(path.parent.glob("*.damaged-*"))


async def test_what_piles_up_is_refused_before_it_is_too_much(database, monkeypatch, warnings):
    monkeypatch.setattr(module, "WAITING_BYTES", 1000)
    gate = threading.Event()
    database.tell(lambda _: gate.wait(10))
    taken = [database.tell(a_response, 400), *(database.tell(write("x"), 400) for _ in range(3))]
    gate.set()

    assert taken == [True, True, False, False]
    assert "as fast as it grows" in warnings.text
    assert await database.ask(read) == ["x"]
    assert database.trouble == "", "it has passed"
    assert database.tell(write("y"), 2000), "one that is large has a chance, too"


async def test_what_one_spoils_the_others_do_not_miss(database, caplog):
    def fails(connection):
        write("half")(connection)
        raise ZeroDivisionError

    database.tell(a_response)
    for work in (write("a"), fails, write("b"), fails, write("c")):
        database.tell(work)

    assert await database.ask(read) == ["a", "b", "c"]
    assert caplog.text.count("A fault of Lingma Proxy") == 2


async def test_what_holds_next_to_nothing_is_taken_longer(database, monkeypatch, warnings):
    monkeypatch.setattr(module, "WAITING_JOBS", 2)
    gate = threading.Event()
    assert database.tell(lambda _: gate.wait(10))
    assert database.tell(a_response)
    assert not database.tell(write("large"), quietly=True)
    assert not warnings.records
    assert database.tell(write("small"), in_need=True)
    gate.set()

    assert await database.ask(read) == ["small"]


async def test_freed_space_goes_back_to_the_disk(path, monkeypatch):
    monkeypatch.setattr(module, "TIDY_AFTER_BYTES", 1)
    database = Database(path)
    database.tell(a_response)
    await database.ask(lambda it: it.execute("UPDATE responses SET response = zeroblob(2000000)"))
    await database.wipe()
    assert path.stat().st_size > 2_000_000
    await database.ask(lambda it: it.execute("DELETE FROM responses"))
    await database.wipe()

    assert path.stat().st_size < 200_000
    await database.aclose()


async def test_nobody_is_answered_who_no_longer_waits(database):
    gate = threading.Event()
    database.tell(lambda _: gate.wait(10))
    done = []
    asking = asyncio.ensure_future(database.ask(lambda _: done.append("asked")))
    await asyncio.sleep(0)
    asking.cancel()
    gate.set()

    await database.ask(read)
    assert done == []


async def test_it_tidies_up_while_it_runs(path, monkeypatch):
    monkeypatch.setattr(module, "TIDY_AFTER_WRITES", 3)
    monkeypatch.setattr(module, "TOGETHER", 1)
    tidied = []
    database = Database(path, lambda _: tidied.append(1))
    await database.ask(read)
    assert len(tidied) == 1, "when it opens"
    database.tell(a_response)
    for number in range(5):
        database.tell(write(str(number)))
    await database.ask(read)
    await database.aclose()

    assert len(tidied) == 3


async def test_it_tidies_up_after_much_was_written_and_after_long_silence(path, monkeypatch):
    monkeypatch.setattr(module, "TIDY_EVERY", 0.001)
    silence = threading.Semaphore(0)
    database = Database(path, lambda _: silence.release())
    await database.ask(read)
    for _ in range(3):  # when it opened, and twice with nothing to do
        assert await asyncio.to_thread(silence.acquire, timeout=10)
    monkeypatch.setattr(module, "TIDY_EVERY", 3600.0)
    await database.aclose()


def os_error(code):
    return OSError(code, "in words")


def sqlite_error(code):
    error = sqlite3.OperationalError("in words")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (os_error(errno.ENOSPC), "the disk is full"),
        (os_error(errno.EROFS), "its folder cannot be used (in words)"),
        (sqlite_error(sqlite3.SQLITE_FULL), "the disk is full"),
        (sqlite_error(sqlite3.SQLITE_READONLY_DBMOVED), "its file or folder cannot be written"),
        (sqlite_error(sqlite3.SQLITE_BUSY_SNAPSHOT), "another program holds its file"),
        (sqlite_error(sqlite3.SQLITE_CORRUPT), "its file is damaged"),
        (sqlite_error(sqlite3.SQLITE_IOERR), "SQLite says in words"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_file_is_said_in_words(error, sentence):
    assert complaint(error) == sentence


async def test_another_connection_of_this_process_keeps_its_locks(path):
    """Else the next process that comes and goes takes itself for the last, and clears up."""
    first, second = Database(path), Database(path)
    first.tell(a_response)
    first.tell(write("before"))
    assert await first.ask(read) == ["before"]
    assert await second.ask(read) == ["before"]  # opens the file that is there
    other = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM items')"
    )
    done = await asyncio.create_subprocess_exec(sys.executable, "-c", other + "; c.close()", path)
    assert await done.wait() == 0
    first.tell(write("behind"))

    assert await first.look(read) == await second.ask(read) == ["before", "behind"]
    for database in (first, second):
        await database.aclose()
