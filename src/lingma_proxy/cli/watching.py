"""The settings files while the program runs: what changes in them applies, or is refused in words.

A file that cannot be used may be half written, so it is looked at twice before that is said.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from lingma_proxy.backends.disk import stamps
from lingma_proxy.errors import SettingsError
from lingma_proxy.settings import Resolved, Settings
from lingma_proxy.settings.changes import changes

log = logging.getLogger("lingma_proxy.settings")

POLL = 0.4
"""Seconds between two looks: twice that is less than the second that is promised."""


class Watching:
    """Keeps a running program as its settings files say.

    `load` reads them, `files` are those on which it depends, and `apply` makes it so: both
    may raise SettingsError, and then everything stays as it is.
    """

    def __init__(
        self,
        settings: Settings,
        load: Callable[[], Resolved],
        files: Callable[[Settings], Sequence[Path]],
        apply: Callable[[Settings], None],
    ) -> None:
        self.settings = settings
        """The ones that are in force."""
        self._load = load
        self._files = files
        self._apply = apply
        self._seen = self._doubted = stamps(())
        self._said: list[str] = []

    async def run(self) -> None:
        """Looks until it is cancelled."""
        while True:
            await asyncio.sleep(POLL)
            try:
                await self.look()
            except Exception:  # to stop looking would make the next change go unseen
                log.exception("A fault of Lingma Proxy: the settings could not be looked at")

    async def look(self) -> None:
        seen = await asyncio.to_thread(lambda: stamps(self._files(self.settings)))
        if seen == self._seen:
            return
        try:
            resolved = await asyncio.to_thread(self._load)
            self._change(resolved)
        except SettingsError as error:
            if seen != self._doubted:
                self._doubted = seen
                return
            log.warning("The settings stay as they were. %s", error.message)
        self._doubted, self._seen = stamps(()), seen

    def _change(self, resolved: Resolved) -> None:
        found = changes(self.settings, resolved)
        if found.settings != self.settings:
            self._apply(found.settings)
            self.settings = found.settings
        for sentence in found.applied:
            log.info("%s", sentence)
        for sentence in (*resolved.notices, *found.waiting):
            if sentence not in self._said:
                log.warning("%s", sentence)
        self._said = [*resolved.notices, *found.waiting]
