"""All that is recorded, by kind, in one file of the data folder."""

import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from platformdirs import user_data_path

from lingma_proxy.conversation.notes import MOST
from lingma_proxy.recording.database import Database
from lingma_proxy.recording.exchanges import Exchanges
from lingma_proxy.recording.responses import Clock, Responses
from lingma_proxy.recording.retention import Retention, prune
from lingma_proxy.recording.totals import Totals, prune_totals

FILE = "recording.sqlite3"
OFF = "Nothing is kept here: the setting `recording` is off."


class Recording:
    """Opens nothing before there is something to keep or to look up."""

    def __init__(
        self,
        folder: Path | None,
        retention: Retention,
        *,
        on: bool = True,
        bodies: bool = True,
        most: int = MOST,
        secrets: Callable[[], Iterable[str]] = tuple,
        clock: Clock = time.time,
    ) -> None:
        """`folder`: where the file lies; None: where this system keeps a program's data.

        `bodies`, `most`, `secrets`: see `Exchanges`.
        """

        def tidy(connection: sqlite3.Connection) -> None:
            prune(connection, retention, clock())
            prune_totals(connection, clock())

        self._database = Database((folder or own_folder()) / FILE, tidy) if on else None
        off = "" if on else OFF
        self.responses = Responses(self._database, retention, off=off, clock=clock)
        self.exchanges = Exchanges(
            self._database,
            retention,
            off=off,
            bodies=bodies,
            most=most,
            secrets=secrets,
            clock=clock,
        )
        self.totals = Totals(self._database, off=off, clock=clock)

    async def aclose(self) -> None:
        """Write what is still to be written.  Safe to call twice."""
        self.totals.flush()
        if self._database is not None:
            await self._database.aclose()


def own_folder() -> Path:
    return user_data_path("lingma-proxy", appauthor=False)
