"""What the simulated servers have in common: a port, a home, and a beginning and an end."""

import asyncio
from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from aiohttp import web


class LocalServer(ABC):
    """Listens inside `async with`, or from `start` to `close`.

    host, port      where; port 0 takes a free one
    home            its folder; without one, a temporary directory, while it listens
    """

    def __init__(self, host: str, port: int, home: Path | None) -> None:
        self._host, self._port = host, port
        self._home = home
        self._temporary: TemporaryDirectory[str] | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> Self:
        """Listen.  Raises OSError when that cannot be; nothing is left of it then."""
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    @abstractmethod
    async def _start(self) -> None:
        """Calls `_settle` and `_listen`, and does what else is to be done."""

    async def close(self) -> None:
        """Stop at once: whatever is being said is cut off.  Safe to call twice."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            await runner.cleanup()
        if self._temporary is not None:
            temporary, self._temporary = self._temporary, None
            await asyncio.to_thread(temporary.cleanup)

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def port(self) -> int:
        return self._port

    @property
    def authority(self) -> str:
        """Host and port, as a URL has them."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{host}:{self._port}"

    @property
    def home(self) -> Path:
        assert self._home is not None, "the simulator has not been started"
        return self._home

    async def _settle(self, prefix: str) -> None:
        """Have a home; `prefix` begins the name of a temporary one."""
        if self._home is None:
            self._temporary = await asyncio.to_thread(TemporaryDirectory, prefix=prefix)
            self._home = Path(self._temporary.name)

    async def _listen(self, application: web.Application) -> None:
        self._runner = web.AppRunner(
            application, access_log=None, handler_cancellation=True, shutdown_timeout=1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        self._port = self._runner.addresses[0][1]
