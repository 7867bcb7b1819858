"""All that is recorded, by kind, in one file of the data folder."""

import sqlite3
import time
from pathlib import Path

from platformdirs import user_data_path

from lingma_proxy.recording.database import Database
from lingma_proxy.recording.responses import Clock, Responses
from lingma_proxy.recording.retention import Retention, prune

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
        clock: Clock = time.time,
    ) -> None:
        """`folder`: where the file lies; None: where this system keeps a program's data."""

        def tidy(connection: sqlite3.Connection) -> None:
            prune(connection, retention, clock())

        self._database = Database((folder or own_folder()) / FILE, tidy) if on else None
        self.responses = Responses(self._database, retention, off="" if on else OFF, clock=clock)

    async def aclose(self) -> None:
        """Write what is still to be written.  Safe to call twice."""
        if self._database is not None:
            await self._database.aclose()


def own_folder() -> Path:
    return user_data_path("lingma-proxy", appauthor=False)
