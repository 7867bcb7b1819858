"""The file of the recording, and the one thread that touches it.

    tell(work)    is done when its turn comes; nobody waits for it
    ask(work)     is done after all that was told before it, and answered

So what was told is there for whoever asks next.  Neither the thread nor the file exists until
there is something to do.  What goes wrong with the file is a sentence in `trouble` and in the
log, and never more: a recording that cannot be kept is no reason not to answer.

*   A file that is damaged is moved aside, under a name that says so, and a new one begun.
*   One that somebody has removed or replaced is let go of, for nobody would find what is in it.
*   A full disk, a folder that cannot be written, another process that holds the file for long:
    what was told is lost, and the next is tried again.
*   What cannot be written as fast as it comes is not let pile up: `tell` says no.
"""

import asyncio
import errno
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, TypeVar

from lingma_proxy.aside import aside
from lingma_proxy.errors import StoreUnavailable
from lingma_proxy.recording.migrations import MIGRATIONS, Migration, NewerRecording, migrate

log = logging.getLogger("lingma_proxy.recording")

T = TypeVar("T")
Work: TypeAlias = Callable[[sqlite3.Connection], T]
"""Runs in the thread, inside a transaction.  It is the only one in this process."""

WAITING_BYTES = 64 * 2**20
WAITING_JOBS = 1000
"""Until so much waits to be written, `tell` takes more."""
IN_NEED = 10
"""Times as many jobs, and a quarter more bytes, of those that hold next to nothing."""
TOGETHER = 64
"""Jobs in one transaction."""
LINGER = 0.05
"""Seconds that what was told waits for more, unless somebody asks: to wake for each costs more."""
LOCKED_FOR = 5.0
"""Seconds for which another process may hold the file; its writes take milliseconds."""
TIDY_AFTER_WRITES = 32
TIDY_AFTER_BYTES = 16 * 2**20
TIDY_EVERY = 3600.0
"""Seconds: what has grown old goes even if nothing new comes."""
WRITE_AHEAD = 16 * 2**20
"""Bytes that the log beside the file may keep of the disk once it is written."""
LAST_WORDS = 5.0
"""Seconds that a stop waits for what was told and is not written yet."""

DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
UNWRITABLE = frozenset({sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM})
HELD = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
PRIMARY = 0xFF
"""SQLite's codes say more in their higher bits."""


@dataclass(frozen=True, slots=True)
class Job:
    work: Work[Any]
    size: int = 0
    """Bytes that it holds while it waits."""
    answer: Future[Any] | None = None
    """For whoever asked; None: it was told."""
    bare: bool = False
    """Outside a transaction."""


STOP = Job(lambda _: None)


class Database:
    """One SQLite file.  `tidy` runs in the thread now and then, to keep it within bounds."""

    def __init__(
        self,
        path: Path,
        tidy: Work[None] = lambda _: None,
        *,
        migrations: Sequence[Migration] = MIGRATIONS,
        locked_for: float = LOCKED_FOR,
    ) -> None:
        self._path = path
        self._tidy = tidy
        self._migrations = migrations
        self._locked_for = locked_for
        self.trouble = ""
        """Why the file could not be used the last time, in a sentence; "": it could."""
        self._hurry = threading.Event()
        self._jobs: SimpleQueue[Job] = SimpleQueue()
        self._counting = threading.Lock()
        self._waiting_jobs = 0
        self._waiting_bytes = 0
        self._thread: threading.Thread | None = None
        self._connection: sqlite3.Connection | None = None
        self._opened: object = None
        """What the file was when it was opened; see `identity`."""
        self._untidy_writes = 0
        self._untidy_bytes = 0
        self._closed = False

    # From the loop.

    def tell(
        self, work: Work[object], size: int = 0, *, in_need: bool = False, quietly: bool = False
    ) -> bool:
        """Whether it will be done; `size` is about how many bytes it holds.

        `in_need`: it is little, and the last that can be done, so there is more room for it;
        `quietly`: a no is not yet trouble, for whoever tells has something else to tell then.
        """
        if self._closed:
            return False
        jobs, most = WAITING_JOBS, WAITING_BYTES
        if in_need:
            jobs, most = jobs * IN_NEED, most + most // 4
        with self._counting:
            full = self._waiting_jobs >= jobs
            full |= bool(self._waiting_bytes) and self._waiting_bytes + size > most
            if not full:
                self._waiting_jobs += 1
                self._waiting_bytes += size
        if full and quietly:
            return False
        if full:
            self._in_trouble("it cannot be written as fast as it grows")
            return False
        self._give(Job(work, size))
        return True

    async def ask(self, work: Work[T]) -> T:
        """What the work returns, or raises.  Raises StoreUnavailable where the file fails."""
        return await self._ask(work)

    async def look(self, work: Work[T]) -> T:
        """What the work returns, on a connection that only reads, after all that was told.

        It may take its time: nothing waits for it but who asked.  Raises StoreUnavailable.
        """
        await self.ask(lambda _: None)
        return await aside(partial(self._looked, work), patient=True)

    async def wipe(self) -> None:
        """Leave no trace of what was deleted, and its space to others.  Raises StoreUnavailable."""
        await self._ask(wiped, bare=True)

    async def aclose(self) -> None:
        """Write what was told, and let go of the file.  Safe to call twice."""
        self._closed = True
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._jobs.put(STOP)
        self._hurry.set()
        await asyncio.get_running_loop().run_in_executor(None, thread.join, LAST_WORDS)
        if thread.is_alive():
            log.warning("The recording is not written to its end: the disk takes too long.")

    async def _ask(self, work: Work[T], *, bare: bool = False) -> T:
        if self._closed:
            raise unavailable("it is closed")
        answer: Future[T] = Future()
        self._give(Job(work, answer=answer, bare=bare))
        self._hurry.set()
        return await asyncio.wrap_future(answer)

    def _give(self, job: Job) -> None:
        self._jobs.put(job)
        if self._thread is None:
            # A daemon: a disk that hangs must not keep the process from ending.
            self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
            self._thread.start()

    # In the thread.

    def _run(self) -> None:
        while True:
            job: Job | None
            try:
                job = self._jobs.get(timeout=TIDY_EVERY)
            except Empty:
                self._tidy_up()
                continue
            if job is not STOP and job.answer is None:
                self._hurry.wait(LINGER)
                self._hurry.clear()
                told = [job, *self._others()]
                job = told.pop() if told[-1] is STOP or told[-1].answer is not None else None
                self._told(told)
            if job is STOP:
                break
            if job is not None and job.answer is not None:
                self._asked(job, job.answer)
        self._let_go()

    def _others(self) -> Iterator[Job]:
        """What else was told and waits; the last may be of another kind."""
        for _ in range(TOGETHER - 1):
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            yield job
            if job is STOP or job.answer is not None:
                return

    def _told(self, jobs: Sequence[Job]) -> None:
        try:
            self._done(lambda connection: [job.work(connection) for job in jobs])
        except StoreUnavailable:
            pass  # `_done` has said so
        except Exception:
            if len(jobs) > 1:
                for job in jobs:
                    self._told([job])  # what one of them spoils the others need not miss
                return
            log.exception("A fault of Lingma Proxy: something could not be recorded")
        self._over(jobs)

    def _over(self, jobs: Sequence[Job]) -> None:
        size = sum(job.size for job in jobs)
        with self._counting:
            self._waiting_jobs -= len(jobs)
            self._waiting_bytes -= size
        self._untidy_writes += len(jobs)
        self._untidy_bytes += size
        if self._untidy_writes >= TIDY_AFTER_WRITES or self._untidy_bytes >= TIDY_AFTER_BYTES:
            self._tidy_up()

    def _asked(self, job: Job, answer: Future[Any]) -> None:
        if not answer.set_running_or_notify_cancel():
            return
        try:
            answer.set_result(self._done(job.work, bare=job.bare))
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked
            answer.set_exception(error)

    def _tidy_up(self) -> None:
        self._untidy_writes = self._untidy_bytes = 0
        with suppress(StoreUnavailable):
            self._done(self._tidy)
            give_back(self._connected())

    def _done(self, work: Work[T], *, bare: bool = False) -> T:
        """The work in a transaction, on a new file if the one there turns out damaged."""
        try:
            try:
                result = work(self._connected()) if bare else self._transaction(work)
            except sqlite3.DatabaseError as error:
                if primary(error) not in DAMAGED:
                    raise
                self._move_aside()
                result = self._transaction(work)
        except NewerRecording:
            self._let_go()
            raise self._failed("a newer version of Lingma Proxy has written it") from None
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            raise self._failed(complaint(error)) from error
        self.trouble = ""
        return result

    def _transaction(self, work: Work[T]) -> T:
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        try:
            result = work(connection)
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # SQLite may have done so already
                connection.execute("ROLLBACK")
            raise
        return result

    def _looked(self, work: Work[T]) -> T:
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(address, self._locked_for, uri=True)) as connection:
                connection.execute("BEGIN")  # one moment, however long it takes
                return work(connection)
        except (sqlite3.Error, OSError) as error:
            raise unavailable(complaint(error)) from error

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self._opened != identity(self._path):
            log.warning("The recording's file is not there any more, or another one is.")
            self._let_go()  # SQLite leaves what stands there now alone
        return self._connection or self._open()

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its other files the mode of this one.  One that is there is not opened: to
        # close it would drop the locks that other connections of this process hold on it.
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(self._path, timeout=self._locked_for, isolation_level=None)
        try:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # safe with WAL; fewer waits
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = FAST")  # what is deleted is overwritten
            connection.execute(f"PRAGMA journal_size_limit = {WRITE_AHEAD}")
            migrate(connection, self._migrations)
            with suppress(sqlite3.OperationalError):  # a full disk can still be read
                connection.execute("BEGIN IMMEDIATE")
                self._tidy(connection)
                connection.execute("COMMIT")
            connection.rollback()
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, identity(self._path)
        return connection

    def _move_aside(self) -> None:
        self._let_go()
        aside = f"{self._path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
        log.warning(
            "The recording is damaged. It is kept as %s, beside a new one that begins empty.", aside
        )
        self._path.replace(self._path.with_name(aside))
        for other in ("-wal", "-shm"):
            # They belong to the old file; beside a new one they would damage it, too.
            self._path.with_name(self._path.name + other).unlink(missing_ok=True)

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _failed(self, why: str) -> StoreUnavailable:
        self._in_trouble(why)
        return unavailable(why)

    def _in_trouble(self, why: str) -> None:
        sentence = f"The recording cannot be used: {why}."
        if sentence != self.trouble:
            log.warning("%s What would be kept there is lost meanwhile.", sentence)
        self.trouble = sentence


def wiped(connection: sqlite3.Connection) -> None:
    """What was deleted is in none of its files any more, unless somebody reads it just now."""
    give_back(connection)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def give_back(connection: sqlite3.Connection) -> None:
    """Free pages go back to the disk."""
    # A page at a step, and `execute` takes one step: its rows have no columns to fetch.
    connection.executescript("PRAGMA incremental_vacuum")


def identity(path: Path) -> object:
    """What tells a file from another one of the same name; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def unavailable(why: str) -> StoreUnavailable:
    return StoreUnavailable(f"The recording cannot be used: {why}.")


def primary(error: sqlite3.Error) -> int:
    """SQLite's code for what went wrong, without its details; 0 where it gave none."""
    return getattr(error, "sqlite_errorcode", 0) & PRIMARY


def complaint(error: sqlite3.Error | OSError) -> str:
    """What is wrong with the file, as it goes on after a colon; without its path."""
    if isinstance(error, OSError):
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return "the disk is full"
        return f"its folder cannot be used ({error.strerror})"
    code = primary(error)
    if code == sqlite3.SQLITE_FULL:
        return "the disk is full"
    if code in UNWRITABLE:
        return "its file or folder cannot be written"
    if code in HELD:
        return "another program holds its file"
    if code in DAMAGED:
        return "its file is damaged"
    return f"SQLite says {error}"
