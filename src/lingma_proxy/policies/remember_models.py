"""Remember the list of models, so that no request ever waits for it.

`models()` answers from memory; when that is older than `lifetime` it still does, and
fetches anew behind the answer.  Only who asks before anything is known waits.  At most one
fetch runs at a time, whoever wants it; after a failure the old list stays, and the next
try waits a while, longer each time.  A chat never causes a fetch: it looks at `known()`.

What is inside may become another backend (`whose`): then the list is forgotten, and that of
the other one is fetched.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

from lingma_proxy.backend import Backend, Model
from lingma_proxy.errors import BackendUnavailable, ProxyError
from lingma_proxy.policies.base import Policy

PAUSE = 5.0
"""Seconds between two fetches behind, at the least: doubled with each failure in a row."""
LONGEST_PAUSE = 300.0


class RememberModels(Policy):
    """`whose` names whom the list is of."""

    def __init__(
        self,
        inner: Backend,
        lifetime: float,
        clock: Callable[[], float] = time.monotonic,
        whose: Callable[[], str] = str,
    ) -> None:
        super().__init__(inner)
        self.lifetime = lifetime
        """Seconds."""
        self._clock = clock
        self._whose = whose
        self._of = whose()
        self._known: Sequence[Model] | None = None
        self._stale_at = 0.0
        self._failures = 0
        self._not_before = clock()
        self._fetch: asyncio.Task[Sequence[Model]] | None = None

    async def models(self) -> Sequence[Model]:
        """The list, at once if there is one.  Raises what the fetch raises if there is none."""
        self._forget_anothers()
        if self._known is None:
            return await self._fetched()
        if self._clock() >= self._stale_at:
            self.refresh_soon()
        return self._known

    def known(self) -> Sequence[Model]:
        """What is remembered, however old; () when nothing is known yet."""
        self._forget_anothers()
        return self._known or ()

    def refresh_soon(self) -> None:
        """Fetch behind, unless that is being done, or was just done, or fails for now."""
        if self._clock() >= self._not_before:
            self._fetching()

    async def aclose(self) -> None:
        if self._fetch is not None:
            self._fetch.cancel()
            await asyncio.wait([self._fetch])
        await super().aclose()

    def _forget_anothers(self) -> None:
        if (whose := self._whose()) != self._of:
            self._of, self._known = whose, None
            self._failures, self._not_before = 0, self._clock()
            self._fetching()

    async def _fetched(self) -> Sequence[Model]:
        fetch = self._fetching()
        await asyncio.wait([fetch])  # who stops waiting does not stop the fetch: others wait too
        if fetch.cancelled():
            raise BackendUnavailable("The proxy is stopping.")
        return fetch.result()

    def _fetching(self) -> asyncio.Task[Sequence[Model]]:
        """The fetch that is under way, or a new one."""
        if self._fetch is None or self._fetch.done():
            self._fetch = asyncio.create_task(self._do_fetch(), name="fetch the list of models")
            self._fetch.add_done_callback(_unheard)
        return self._fetch

    async def _do_fetch(self) -> Sequence[Model]:
        try:
            models = tuple(await self.inner.models())
        except Exception:
            pause = min(PAUSE * 2**self._failures, LONGEST_PAUSE)
            self._failures = min(self._failures + 1, 16)  # enough to reach the longest pause
            self._not_before = self._clock() + pause
            raise
        now = self._clock()
        self._of, self._known, self._failures = self._whose(), models, 0
        self._stale_at, self._not_before = now + self.lifetime, now + PAUSE
        return models


def _unheard(fetch: asyncio.Task[Sequence[Model]]) -> None:
    """A failed fetch that nobody waits for is no news: the old list stays.  A bug is."""
    error = None if fetch.cancelled() else fetch.exception()
    if error is not None and not isinstance(error, ProxyError):
        fetch.get_loop().call_exception_handler(
            {"message": "fetching the list of models failed", "exception": error, "task": fetch}
        )
