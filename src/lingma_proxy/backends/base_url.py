"""The base URL of the API: what the settings say, or what the vendor's own files say."""

import asyncio
from pathlib import PurePath

from lingma_proxy.backends.disk import glance
from lingma_proxy.backends.login import Login
from lingma_proxy.backends.logins import newest_logs
from lingma_proxy.errors import SettingsError
from lingma_proxy.vendor.places import (
    INTERNATIONAL,
    Machine,
    base_url_from_file,
    base_url_from_text,
    chosen_url,
    hint_files,
    log_roots,
    region_url,
    runtimes,
    shown,
)

DEFAULT = "the default"
"""Where an address comes from that nobody has named."""


def detect_base_url(
    explicit: str, machine: Machine, runtime: PurePath | None = None, stated: str = ""
) -> tuple[str, str]:
    """The base URL of the API, and where it came from in words.  Reads files: use a thread.

    What the user has set stands; then what the login itself has `stated`, as one that comes from
    another machine may.  Else the vendor's own files are asked, those of `runtime`
    first; what they say counts only if it is one of the vendor's hosts.  Raises SettingsError.
    """
    if explicit.strip():
        try:
            return chosen_url(explicit), "the settings"
        except ValueError as error:
            raise SettingsError(f"remote_base_url: {error}.") from None
    if stated:
        return stated, "the login"
    for file in hint_files(machine, runtime):
        if base := base_url_from_file(glance(file)):
            return base, shown(machine, file)
    for root in log_roots(machine):
        for file in newest_logs(root):
            if base := base_url_from_text(glance(file)):
                return base, shown(machine, file)
    for folder in [runtime] if runtime is not None else runtimes(machine):
        file = folder / "cache/cache.json"
        if base := region_url(glance(file)):
            return base, f"the region in {shown(machine, file)}"
    return INTERNATIONAL, DEFAULT


class BaseUrl:
    """The base URL, looked for in a thread, and remembered while the login is the same."""

    def __init__(self, explicit: str, login: Login) -> None:
        self._explicit = explicit
        self._login = login
        self.known = ""
        """The base URL; "" until somebody has asked for it."""
        self.origin = ""
        """Where it came from, in words."""
        self._of: tuple[PurePath | None, str] = (None, "")
        """The login's folder and the address that it states, for which it was looked for."""
        self._detecting: asyncio.Task[tuple[str, str]] | None = None

    async def __call__(self) -> str:
        if self._of != (of := (self._login.runtime, self._login.base_url)):
            self._of, self._detecting = of, None
            self.known = ""
        if not self.known:
            if self._detecting is None or self._detecting.done():
                self._detecting = asyncio.create_task(self._detect(), name="find the base URL")
            self.known, self.origin = await asyncio.shield(self._detecting)
        return self.known

    def forget(self) -> None:
        """It was wrong, or may be now: look again when it is needed."""
        self.known = ""

    async def _detect(self) -> tuple[str, str]:
        return await asyncio.to_thread(
            detect_base_url, self._explicit, self._login.machine, *self._of
        )
