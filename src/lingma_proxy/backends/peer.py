"""JSON-RPC with somebody who also asks, and who tells what is being said.

    request, notify     ours, through the official library's connection
    what they tell      (`session/update`) is handed on in order, at once, as it is read
    what they ask       is handed on likewise, and answered by `vendor.asked_of_us`

The library makes a task of each message, which would cost more than reading it and leaves
the order to luck; so what is merely told is taken out of the stream before the library sees
it.  Its import takes a second: it waits until somebody is there to talk to, in a thread.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from lingma_proxy.errors import BackendTimeout, BackendUnavailable, ProxyError
from lingma_proxy.jsonio import Json, JsonObject, an_object
from lingma_proxy.transports.base import FramedTransport
from lingma_proxy.vendor.asked_of_us import Unwelcome, answer
from lingma_proxy.vendor.refusals import LOG_IN
from lingma_proxy.vendor.updates import refused

if TYPE_CHECKING:
    from acp.connection import Connection

Hear: TypeAlias = Callable[[str, JsonObject], None]
"""Takes the method and the params of what is told.  It must not wait, nor raise."""

FAREWELL = 2.0
"""Seconds that a connection may take to close."""


class Lost(BackendUnavailable):
    """The connection ended: whatever was being asked over it may be asked again elsewhere."""


class Unfit(BackendUnavailable):
    """Who answers there does not do what we need; somebody else may."""


class Peer:
    """One connection.  Made by `Peer.over`.

    `name` is what people call the other side, for messages; `log_in` says how to log in there;
    `last_words` is asked for a sentence more when the connection ends.
    """

    def __init__(
        self,
        transport: FramedTransport,
        name: str,
        hear: Hear,
        log_in: str,
        last_words: Callable[[], str],
    ) -> None:
        self.name = name
        self._log_in = log_in
        self._last_words = last_words
        self.lost: Lost | None = None
        """Why it ended, once it has."""
        self._transport = transport
        self._hear = hear
        self._connection: Connection | None = None
        self._watchers: set[Callable[[Lost], None]] = set()

    @classmethod
    async def over(
        cls,
        transport: FramedTransport,
        name: str,
        hear: Hear,
        log_in: str = LOG_IN,
        last_words: Callable[[], str] = str,
    ) -> "Peer":
        """Start listening.  The transport is closed with the peer, and if this is cancelled."""
        peer = cls(transport, name, hear, log_in, last_words)
        try:
            await asyncio.to_thread(_library)
        except BaseException:
            await transport.close()
            raise
        from acp.connection import Connection  # noqa: PLC0415 — see the module's docstring

        peer._connection = Connection(peer._asked, peer)
        # A zero may count as no id at all on the other side (Go's `omitempty`), which then
        # would take a request for a notification.
        peer._connection._next_request_id = 1  # noqa: SLF001 — there is no public way
        return peer

    async def request(self, method: str, params: JsonObject, *, limit: float | None = None) -> Json:
        """The result.  Raises Lost, BackendTimeout after `limit` seconds, or the refusal."""
        from acp.exceptions import RequestError  # noqa: PLC0415 — see the module's docstring

        assert self._connection is not None, "a peer is made by Peer.over"
        try:
            async with asyncio.timeout(limit):
                return await self._connection.send_request(method, params)
        except TimeoutError:
            raise BackendTimeout(
                f"{self.name} did not answer {method} within {limit:g} seconds."
            ) from None
        except RequestError as error:
            raise refused(
                error.code,
                str(error),
                error.data,
                doing=method,
                who=self.name,
                log_in=self._log_in,
            ) from error
        except ConnectionError:
            raise self._why() from None

    async def notify(self, method: str, params: JsonObject) -> None:
        """Raises Lost."""
        assert self._connection is not None, "a peer is made by Peer.over"
        try:
            await self._connection.send_notification(method, params)
        except ConnectionError:
            raise self._why() from None

    @property
    def heard(self) -> bytes:
        """The message that is being handed on, as it came."""
        return self._transport.heard

    def watch(self, watcher: Callable[[Lost], None]) -> None:
        """Call when the connection ends, after all that came before was heard."""
        self._watchers.add(watcher)

    def unwatch(self, watcher: Callable[[Lost], None]) -> None:
        self._watchers.discard(watcher)

    async def aclose(self) -> None:
        if self._connection is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await self._connection.close()
        await self._transport.close()

    # What the library's connection asks of a transport.

    async def send(self, message: JsonObject) -> None:
        try:
            await self._transport.send(message)
        except ConnectionError:
            if "method" in message:
                raise
            # An answer of ours that nobody waits for any more: no news for the library's log.

    async def receive(self) -> JsonObject | None:
        while (message := await self._transport.receive()) is not None:
            match message:
                case {"method": str(method), "id": _}:
                    # Older runtimes say with requests what newer ones say with notifications;
                    # here they are still in order.
                    self._hear(method, an_object(message.get("params")))
                    return message
                case {"method": str(method)}:
                    self._hear(method, an_object(message.get("params")))
                case _:
                    return message
        self._end()
        return None

    async def close(self) -> None:
        await self._transport.close()

    async def _asked(self, method: str, params: Json, told: bool) -> Json:  # noqa: FBT001 — the library's
        del params, told
        from acp.exceptions import RequestError  # noqa: PLC0415 — see the module's docstring

        try:
            return answer(method)
        except Unwelcome as unwelcome:
            raise RequestError(unwelcome.code, str(unwelcome)) from None

    def _end(self) -> None:
        self.lost = self._why()
        for watcher in tuple(self._watchers):
            watcher(self.lost)

    def _why(self) -> Lost:
        if self.lost is not None:
            return self.lost
        failure = self._transport.failure
        said = f": {failure.message}" if isinstance(failure, ProxyError) else "."
        words = self._last_words()
        return Lost(f"{self.name} ended the connection{said}{words and ' '}{words}")


def code_of(error: ProxyError) -> int | None:
    """The code of the refusal that an error stands for, if it stands for one."""
    code = getattr(error.__cause__, "code", None)
    return code if isinstance(code, int) else None


def data_of(error: ProxyError) -> JsonObject:
    """What came with the refusal that an error stands for; empty if that was nothing."""
    return an_object(getattr(error.__cause__, "data", None))


def _library() -> None:
    import acp.connection  # noqa: PLC0415 — see the module's docstring
    import acp.exceptions  # noqa: PLC0415, F401 — see the module's docstring
