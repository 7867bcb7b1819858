"""The one connection to a counterpart: made when somebody wants it, shared by all turns.

    met           the connection; it is made once, however many want it
    leave         give it up, with the sessions in it
    patiently     a limit on getting ready; past it, a connection that may be dead is left
    stop, settle, aclose      the end, in this order

Some sessions outlive their connection.  Those that it left behind are handed on with the next
one, to whoever ends them there.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from lingma_proxy.backends.counterpart import Counterpart
from lingma_proxy.backends.peer import Hear, Peer
from lingma_proxy.backends.sessions import Session, Sessions
from lingma_proxy.errors import BackendTimeout, BackendUnavailable, ProxyError

MOST_LEFT = 100
"""Sessions that are remembered when their connection ended before them."""
STOPPING = "The gateway is stopping."


class Meeting:
    """`hear` takes what is told over the connection; `sessions` are those that wait in it.

    `setup` is a limit in seconds, 0 for none; `busy` tells whether a turn goes on.  `inherit`
    takes a session that was left behind, and the connection over which it can be ended; it is
    None where sessions end with their connection.
    """

    def __init__(
        self,
        counterpart: Counterpart,
        hear: Hear,
        sessions: Sessions,
        *,
        setup: float,
        busy: Callable[[], bool],
        inherit: Callable[[Session, Peer], None] | None = None,
    ) -> None:
        self._counterpart = counterpart
        self._hear = hear
        self._sessions = sessions
        self._setup = setup
        self._busy = busy
        self._inherit = inherit
        self.peer: Peer | None = None
        """Who was met last, until left; the connection may have ended."""
        self.trouble = ""
        """Why nobody could be met the last time; "" when that went well."""
        self.stopped = False
        self._under_way: asyncio.Task[Peer] | None = None
        self._left: deque[Session] = deque(maxlen=MOST_LEFT)
        """Sessions whose connection ended before them."""

    @property
    def peer_name(self) -> str:
        """Who is there; "" while nobody is."""
        return self.peer.name if self.peer is not None and self.peer.lost is None else ""

    async def met(self) -> Peer:
        """The connection.  However many want one, it is made once."""
        if self.stopped:
            raise BackendUnavailable(STOPPING)
        if self.peer is not None and self.peer.lost is None:
            return self.peer
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._meet(), name="meet")
            self._under_way.add_done_callback(_noticed)
        under_way = self._under_way
        await asyncio.wait([under_way])  # who stops waiting does not stop it: others wait, too
        if under_way.cancelled():
            raise BackendUnavailable(STOPPING)
        return under_way.result()

    async def leave(self) -> None:
        """Give the connection up, with all sessions in it."""
        peer, self.peer = self.peer, None
        kept = self._sessions.all()
        if self._inherit is not None:
            self._left += kept
        if peer is not None:
            await peer.aclose()

    @asynccontextmanager
    async def patiently(self) -> AsyncIterator[None]:
        """Raises BackendTimeout when what is done meanwhile takes longer than `setup`."""
        try:
            async with asyncio.timeout(self._setup or None):
                yield
        except TimeoutError:
            late = self._late()
            if not self._busy() and self._under_way is None:
                await self.leave()  # nothing else goes on in it: it may be a dead one
            raise late from None

    async def bequeath(self, session: Session) -> None:
        """Its connection has ended before it: hand it on with another one, where it lives on."""
        if self._inherit is None:
            return
        self._left.append(session)
        if not self.stopped:  # or this is done when all is settled
            await self.met()
            self._hand_on()

    async def stop(self) -> None:
        """Meet nobody any more who asks for it."""
        self.stopped = True
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.wait([self._under_way])

    async def settle(self) -> None:
        """Meet once more for the sessions that were left behind, if there are any."""
        if self._left:
            with suppress(ProxyError):
                await self._meet()

    async def aclose(self) -> None:
        peer, self.peer = self.peer, None
        if peer is not None:
            await peer.aclose()

    async def _meet(self) -> Peer:
        try:
            await self.leave()
            async with asyncio.timeout(self._setup or None):
                self.peer = await self._counterpart.meet(self._hear)
        except TimeoutError:
            late = self._late()
            self.trouble = late.message
            raise late from None
        except ProxyError as error:
            self.trouble = error.message
            raise
        else:
            self.trouble = ""
            self._hand_on()
            return self.peer
        finally:
            self._under_way = None

    def _late(self) -> BackendTimeout:
        return BackendTimeout(
            f"{self._counterpart.name} did not get ready within {self._setup:g} seconds"
            f" (setup_timeout). {self._counterpart.again()}"
        )

    def _hand_on(self) -> None:
        while self._left and self._inherit is not None and self.peer is not None:
            self._inherit(self._left.popleft(), self.peer)


def _noticed(under_way: "asyncio.Task[Peer]") -> None:
    """Its failure is told to who waits for it, if anybody still does."""
    if not under_way.cancelled():
        under_way.exception()
