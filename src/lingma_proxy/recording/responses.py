"""The responses that are kept (OpenAI's `store`), and the conversations that they make.

A response is kept with the items that its own request brought, and the id of the one before
it.  A conversation is read by walking back: nothing is kept twice, however long it gets.
"""

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lingma_proxy.errors import RequestTooLarge
from lingma_proxy.jsonio import JsonObject, dumpb, loads, objects
from lingma_proxy.recording.database import Database
from lingma_proxy.recording.retention import Retention

IN_USE_FOR = 3600
"""Seconds: so fresh a time of use is not written again."""
AT_ONCE = 500
"""Ids in one statement; SQLite takes some more."""

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Kept:
    """One response, as it was said last."""

    id: str
    created: int
    """Unix time, in seconds."""
    response: JsonObject
    input: Sequence[JsonObject]
    """The items that its request brought itself."""
    previous: str | None = None

    @property
    def output(self) -> list[JsonObject]:
        return objects(self.response.get("output"))


@dataclass(frozen=True, slots=True)
class History:
    """The conversation that ends with a response, oldest first."""

    turns: Sequence[Kept]
    missing: str | None = None
    """The id of the turn that it goes back to and that is not kept; None: it is whole."""


class Responses:
    """Without a database nothing is kept, and nothing known: `off` says why."""

    def __init__(
        self,
        database: Database | None,
        retention: Retention,
        *,
        off: str = "",
        clock: Clock = time.time,
    ) -> None:
        self._database = database
        self._retention = retention
        self._off = off
        self._clock = clock

    @property
    def why_not(self) -> str:
        """Why nothing can be kept, in a sentence; "": it can, as far as is known."""
        return self._off if self._database is None else self._database.trouble

    def keep(self, kept: Kept, size: int) -> None:
        """Write it, soon; who asks from now on finds it.  `size`: about how many bytes it is."""
        if self._database is not None:
            now = int(self._clock())
            self._database.tell(lambda connection: insert(connection, kept, now), size)

    async def find(self, id: str) -> Kept | None:
        """Raises StoreUnavailable."""
        if self._database is None:
            return None
        oldest = self._retention.oldest(self._clock())
        return await self._database.ask(lambda connection: one(connection, id, oldest))

    async def history(self, id: str, limit: int) -> History:
        """The conversation that ends with it.  Raises StoreUnavailable, RequestTooLarge.

        `limit`: bytes that it may have, in all.  To go on from a conversation is to use it,
        so none of it grows old meanwhile.
        """
        if self._database is None:
            return History((), id)
        now = self._clock()
        oldest = self._retention.oldest(now)
        return await self._database.ask(
            lambda connection: walk(connection, id, limit, oldest, int(now))
        )

    async def items(self, ids: Sequence[str]) -> dict[str, JsonObject]:
        """Those of the items that are kept, by id.  Raises StoreUnavailable."""
        if self._database is None or not ids:
            return {}
        oldest = self._retention.oldest(self._clock())
        return await self._database.ask(lambda connection: pick(connection, ids, oldest))

    async def delete(self, id: str) -> bool:
        """Whether it was there.  What went on from it goes back to nothing then."""
        if self._database is None:
            return False
        return await self._database.ask(
            lambda connection: (
                connection.execute("DELETE FROM responses WHERE id = ?", (id,)).rowcount > 0
            )
        )


def insert(connection: sqlite3.Connection, kept: Kept, now: int) -> None:
    """Write it, in the place of an earlier state of it."""
    response, given = dumpb(kept.response), dumpb(list(kept.input))
    size = len(response) + len(given)
    connection.execute("DELETE FROM responses WHERE id = ?", (kept.id,))
    connection.execute(
        "INSERT INTO responses (id, created, used, previous, response, input, bytes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (kept.id, kept.created, now, kept.previous, response, given, size),
    )
    ids = {
        id for item in (*kept.input, *kept.output) if isinstance(id := item.get("id"), str) and id
    }
    connection.executemany("INSERT INTO items VALUES (?, ?)", [(id, kept.id) for id in ids])


def one(connection: sqlite3.Connection, id: str, oldest: int) -> Kept | None:
    row = connection.execute(
        "SELECT created, response, input, previous FROM responses WHERE id = ? AND used >= ?",
        (id, oldest),
    ).fetchone()
    if row is None:
        return None
    created, response, given, previous = row
    return Kept(id, created, loads(response), objects(loads(given)), previous)


def walk(connection: sqlite3.Connection, id: str, limit: int, oldest: int, now: int) -> History:
    turns: list[Kept] = []
    seen: set[str] = set()
    left = limit
    following: str | None = id
    while following is not None:
        row = connection.execute(
            "SELECT bytes FROM responses WHERE id = ? AND used >= ?", (following, oldest)
        ).fetchone()
        if row is None or following in seen:
            return History(turns[::-1], following)
        left -= row[0]
        if left < 0:
            raise too_long(limit)
        turn = one(connection, following, oldest)
        assert turn is not None, "it was there in the same transaction"
        turns.append(turn)
        seen.add(following)
        following = turn.previous
    connection.executemany(
        "UPDATE responses SET used = ? WHERE id = ? AND used < ?",
        [(now, turn.id, now - IN_USE_FOR) for turn in turns],
    )
    return History(turns[::-1])


def pick(connection: sqlite3.Connection, ids: Sequence[str], oldest: int) -> dict[str, JsonObject]:
    found: dict[str, JsonObject] = {}
    for begin in range(0, len(ids), AT_ONCE):
        some = ids[begin : begin + AT_ONCE]
        marks = ", ".join("?" * len(some))
        wanted = set(some)
        owners = connection.execute(
            f"SELECT DISTINCT response FROM items WHERE id IN ({marks})",  # noqa: S608 - only marks
            some,
        ).fetchall()
        for (owner,) in owners:
            if wanted <= found.keys():
                break
            turn = one(connection, owner, oldest)
            if turn is not None:
                found |= by_id((*turn.input, *turn.output), wanted)
    return found


def by_id(items: Sequence[JsonObject], wanted: set[str]) -> dict[str, JsonObject]:
    """Those of the items that are wanted.  A mere reference to one is not it."""
    return {
        id: item
        for item in items
        if (id := named(item)) in wanted and item.get("type", "item_reference") != "item_reference"
    }


def named(item: JsonObject) -> str:
    id = item.get("id")
    return id if isinstance(id, str) else ""


def too_long(limit: int) -> RequestTooLarge:
    return RequestTooLarge(
        f"The conversation that previous_response_id leads to is longer than {limit / 2**20:g}"
        " MiB, the setting `max_body_mb`. Begin a new one, with what is still needed of it.",
        param="previous_response_id",
    )
