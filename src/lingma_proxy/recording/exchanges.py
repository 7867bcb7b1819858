"""The exchanges that are kept: what was asked, what came of it, and how long it took.

    keep(notes)    on the loop, when it is over: costs next to nothing
    list, find     on a connection of their own: who reads for long holds up no writing
    clear          what it deletes leaves no trace in the file

What comes faster than it can be written loses its bodies first, and only then itself.
"""

import logging
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from lingma_proxy.conversation.notes import MOST, Body, ExchangeNotes
from lingma_proxy.recording.database import Database
from lingma_proxy.recording.kept import KeptExchange, Summary, Wanted
from lingma_proxy.recording.reading import delete, found, listed
from lingma_proxy.recording.redact import A_MOMENT, Redactor
from lingma_proxy.recording.retention import Retention
from lingma_proxy.recording.writing import SWITCHED_OFF, insert, written

log = logging.getLogger("lingma_proxy.recording")

OVERTAKEN = "it could not be written as fast as it came"
AT_ONCE = 200
"""Deleted in one transaction, so that others get their turn."""


LIGHT = 4096
"""About the bytes of an exchange without its bodies."""


class Exchanges:
    """Without a database nothing is kept, and nothing known: `off` says why."""

    def __init__(
        self,
        database: Database | None,
        retention: Retention,
        *,
        off: str = "",
        bodies: bool = True,
        most: int = MOST,
        secrets: Callable[[], Iterable[str]] = tuple,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`bodies`: whether they are kept; `most`: bytes of each.

        `secrets` are those in use at the moment: they are taken out wherever they stand.
        """
        self._database = database
        self._retention = retention
        self._off = off
        self._without = "" if bodies else SWITCHED_OFF
        self._most = most
        self.secrets = secrets
        """Those in use, asked for on the loop with each that is kept."""
        self._redact: tuple[tuple[str, ...], Redactor] = ((), Redactor())
        self._clock = clock
        self._overtaken = False
        self.bodies_lost = 0
        """Exchanges whose bodies came too fast."""
        self.lost = 0
        """Exchanges that came too fast, altogether."""

    @property
    def why_not(self) -> str:
        """Why nothing can be kept, in a sentence; "": it can, as far as is known."""
        return self._off if self._database is None else self._database.trouble

    def keep(self, notes: ExchangeNotes) -> None:
        """Write it, soon; who asks from now on finds it."""
        if self._database is None:
            return
        secrets = tuple(self.secrets())
        if secrets != self._redact[0]:
            self._redact = (secrets, Redactor(secrets))
        write = partial(self._write, redact=self._redact[1])
        full = partial(write, notes, self._without)
        if self._database.tell(full, held(notes), quietly=True):
            self._overtaken = False
            return
        if not self._overtaken:
            self._overtaken = True
            log.warning("Requests come faster than they can be recorded: without texts, for now.")
        self.bodies_lost += 1
        light = partial(write, bodiless(notes), OVERTAKEN)
        if not self._database.tell(light, LIGHT, in_need=True):
            self.lost += 1

    async def list(self, wanted: Wanted) -> Sequence[Summary]:
        """Newest first; oldest first where somebody follows.  Raises StoreUnavailable."""
        if self._database is None:
            return ()
        oldest = self._retention.oldest(self._clock())
        return await self._database.look(lambda connection: listed(connection, wanted, oldest))

    async def find(self, id: str) -> KeptExchange | None:
        """By its id, by the beginning of it, or "last".  Raises StoreUnavailable."""
        if self._database is None or not id:
            return None
        oldest = self._retention.oldest(self._clock())
        return await self._database.look(lambda connection: found(connection, id, oldest))

    async def clear(self, wanted: Wanted) -> int:
        """Delete all that are wanted, whatever their `limit`; how many.  Raises StoreUnavailable."""
        if self._database is None:
            return 0
        total = 0
        while gone := await self._database.ask(
            lambda connection: delete(connection, wanted, AT_ONCE)
        ):
            total += gone
        if total:
            await self._database.wipe()
        return total

    def _write(
        self,
        notes: ExchangeNotes,
        without: str,
        connection: sqlite3.Connection,
        *,
        redact: Redactor,
    ) -> None:
        ready = written(notes, redact, most=self._most, without=without)
        time.sleep(A_MOMENT)  # many at once would keep the loop waiting for the interpreter
        insert(connection, ready)


def held(notes: ExchangeNotes) -> int:
    """About how many bytes it holds while it waits."""
    bodies = notes.request.size + notes.response.size
    return bodies + sum(it.request.size + 2 * it.reply.size for it in notes.attempts)


def bodiless(notes: ExchangeNotes) -> ExchangeNotes:
    """All but the bodies, of which only the sizes are left."""

    def emptied(body: Body) -> Body:
        empty = Body(0)
        empty.size = body.size
        return empty

    attempts = [
        replace(it, request=emptied(it.request), reply=emptied(it.reply), events=it.events[:1])
        for it in notes.attempts
    ]
    return replace(
        notes,
        request=emptied(notes.request),
        response=emptied(notes.response),
        attempts=attempts,
    )
