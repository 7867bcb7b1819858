"""The folder that the other side is told to work in.

Agents have tools of their own and use them where they are told to be.  Unless the user has
named a folder, that is an empty one, which goes with the backend.
"""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from lingma_proxy.errors import BackendUnavailable, SettingsError


class Workplace:
    """`chosen` is the user's own folder; "" for an empty one.  Raises SettingsError."""

    def __init__(self, chosen: str = "") -> None:
        self._temporary: TemporaryDirectory[str] | None = None
        self._folder = ""
        self._making = threading.Lock()
        if chosen:
            path = Path(chosen).expanduser().absolute()
            if not path.is_dir():
                raise SettingsError("cwd: there is no such folder.")
            self._folder = str(path)

    async def folder(self) -> str:
        """Its absolute path.  Raises BackendUnavailable when there is no room for it."""
        if not self._folder:
            try:
                self._folder = await asyncio.to_thread(self._made)
            except OSError as error:
                raise BackendUnavailable(
                    "An empty folder for the chat could not be made. Is there room left on the"
                    " disk? Another folder can be named with the setting cwd."
                ) from error
        return self._folder

    async def aclose(self) -> None:
        temporary, self._temporary = self._temporary, None
        if temporary is not None:
            self._folder = ""
            with suppress(OSError):
                await asyncio.to_thread(temporary.cleanup)

    def _made(self) -> str:
        with self._making:  # the first requests may come together, and each has a thread
            if self._temporary is None:
                # For nobody but the user: tempfile sees to it.
                self._temporary = TemporaryDirectory(
                    prefix="lingma-proxy-", ignore_cleanup_errors=True
                )
            return self._temporary.name
