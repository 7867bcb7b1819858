"""Somebody who opens sessions and takes prompts: the plugin, or an agent.

    reply ─▶ begin      meet (once for all), find or open a session, choose the model, prompt;
               │        wait for the first events or the refusal
               ╰─ once more, when the connection ended before anything was said
          ◀─ events, as they are heard
          part          keep the session for its conversation, or cancel what runs and end it

How the other side spells all this is its `Counterpart`'s business.  One connection carries all
turns; who reads it waits for nobody.  What a client leaves behind is tidied in the background,
within a limit, and at the latest when the backend is closed.  Sessions that outlive their
connection are ended over the next one.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from lingma_proxy.aside import LONG, aside
from lingma_proxy.backend import EventStream, Model
from lingma_proxy.backends.answer import Timeouts
from lingma_proxy.backends.peer import Hear, Lost, Peer, Unfit, code_of
from lingma_proxy.backends.sessions import Mode, Session, Sessions, Trail, extended, trail
from lingma_proxy.backends.turn import MOST_HELD, Turn
from lingma_proxy.conversation.events import Event
from lingma_proxy.conversation.request import ChatRequest, Image, ImageLink, Message, Text
from lingma_proxy.conversation.size import is_long
from lingma_proxy.conversation.transcript import continuation, pictures, transcript
from lingma_proxy.errors import (
    BackendRefused,
    BackendTimeout,
    BackendUnavailable,
    ProtocolError,
    ProxyError,
)
from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.vendor import ids
from lingma_proxy.vendor.asked_of_us import PERMISSION
from lingma_proxy.vendor.unsaid import unsaid
from lingma_proxy.vendor.updates import Said, read_update, request_id, session_id

T = TypeVar("T")

TIDYING = 10.0
"""Seconds for ending a session (`protocol/ipc.md` C.7)."""
WINDING_UP = 2.0
"""Seconds for a cancelled turn to end, before its session is ended all the same."""
GOODBYE = 5.0
"""Seconds for everything that is left when the backend is closed."""
MOST_LEFT = 100
"""Sessions that are remembered when their connection ended before them."""
STOPPING = "The gateway is stopping."


class Forgotten(Exception):
    """The other side does not go on in a session that it held."""


@dataclass(frozen=True)
class Prompt:
    """What is sent, and what is to be tidied when the turn is over."""

    params: JsonObject
    tidy: Callable[[], None] = lambda: None


class Counterpart(Protocol):
    """Whom we prompt, and how it spells what we say.  Raises ProxyErrors only."""

    @property
    def name(self) -> str:
        """What people call it; begins a sentence."""
        ...

    async def meet(self, hear: Hear) -> Peer:
        """Connect and introduce ourselves."""
        ...

    def again(self) -> str:
        """What the person can do when it does not answer: a sentence."""
        ...

    async def models(self, peer: Peer) -> Sequence[Model]: ...

    async def open(self, peer: Peer) -> Session:
        """A new session.  Raises Unfit where that cannot be had, and somebody else may do."""
        ...

    async def choose(self, peer: Peer, session: Session, key: str) -> str:
        """Let a model answer in it, and say so in `session.model`; a warning if that is not to be."""
        ...

    async def prompt(
        self, session: Session, id: str, text: str, images: Sequence[Image | ImageLink]
    ) -> Prompt: ...

    def new_id(self) -> str:
        """A new id for a prompt."""
        ...

    def answered(self, result: Json) -> Said | None:
        """What the response to the prompt says; None if it says nothing."""
        ...

    @property
    def worn(self) -> bool:
        """Whether it has served for so long that it had better begin anew."""
        ...

    async def end(self, peer: Peer, session: Session) -> None:
        """End a session; it may already have ended."""
        ...

    async def aclose(self) -> None: ...


@dataclass(eq=False)
class Running:
    """A turn, and all that belongs to it."""

    peer: Peer
    session: Session
    id: str
    turn: Turn
    prompt: Prompt
    trail: Trail
    asking: asyncio.Task[None]
    first: Sequence[Event] = ()


class Prompting:
    """A backend.

    `setup` is the limit, in seconds, on all that comes before the prompt; `most_held` that on
    characters which wait for a client.  `outlive` is set where sessions outlive the connection.
    """

    def __init__(
        self,
        counterpart: Counterpart,
        timeouts: Timeouts,
        *,
        setup: float = 15.0,
        session_mode: Mode = "auto",
        most_held: int = MOST_HELD,
        outlive: bool = False,
        new_id: Callable[[], str] = ids.new_id,
    ) -> None:
        self._most_held = most_held
        self._outlive = outlive
        self._counterpart = counterpart
        self._timeouts = timeouts
        self._setup = setup
        self._new_id = new_id
        self._sessions = Sessions(session_mode)
        self._peer: Peer | None = None
        self._meeting: asyncio.Task[Peer] | None = None
        self._turns: dict[str, Turn] = {}
        """By the id of the prompt, and by the session's."""
        self._running: set[Running] = set()
        self._left: deque[Session] = deque(maxlen=MOST_LEFT)
        """Sessions whose connection ended before them."""
        self._tidying: set[asyncio.Task[None]] = set()
        self._look: asyncio.TimerHandle | None = None
        self._trouble = ""
        self._closed = False

    # What can be told about it without asking.

    @property
    def peer_name(self) -> str:
        """Who answers; "" while nobody does."""
        return self._peer.name if self._connected() and self._peer is not None else ""

    @property
    def trouble(self) -> str:
        """Why nobody could be met the last time; "" when that went well."""
        return self._trouble

    # The backend.

    async def reply(self, request: ChatRequest) -> EventStream:
        warnings = unsaid(request, self._counterpart.name)
        running = await self._twice(lambda: self._begin(request, warnings))
        try:
            yield running.first
            while not running.turn.over:
                if batch := await running.turn.more():
                    yield batch
        finally:
            self._part(running)

    async def models(self) -> Sequence[Model]:
        async def ask() -> Sequence[Model]:
            async with self._patiently():
                return await self._counterpart.models(await self._met())

        return await self._twice(ask)

    async def aclose(self) -> None:
        self._closed = True
        if self._look is not None:
            self._look.cancel()
        if self._meeting is not None:
            self._meeting.cancel()
            await asyncio.wait([self._meeting])
        for running in tuple(self._running):
            running.turn.fail(BackendUnavailable(STOPPING))
            self._part(running)
        for session in self._sessions.all():
            self._end_soon(session)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self._tidied()
                if self._left:
                    with suppress(ProxyError):
                        await self._meet()
                    await self._tidied()
        late = tuple(self._tidying)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        peer, self._peer = self._peer, None
        if peer is not None:
            await peer.aclose()
        await self._counterpart.aclose()

    # The way to a turn.

    async def _twice(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """An attempt, and another one if the connection ended meanwhile.

        Whoever cannot do what we need is left for somebody else, until there is nobody; and so
        is a session that was forgotten, for another one.
        """
        lost = False
        while True:
            try:
                return await attempt()
            except Forgotten:
                pass
            except Unfit:
                await self._leave()
            except Lost:
                if lost:
                    raise
                lost = True

    async def _begin(self, request: ChatRequest, warnings: tuple[str, ...]) -> Running:
        long = is_long(request, LONG)
        known = await aside(lambda: trail(request)) if long else trail(request)
        async with self._patiently():
            peer = await self._met()
            session, held = await self._session(peer, known)
            try:
                if request.model and session.model != request.model:
                    warning = await self._counterpart.choose(peer, session, request.model)
                    warnings += (warning,) if warning else ()
                messages = request.messages[held:]

                def text() -> str:
                    return continuation(messages) if held else transcript(messages)

                prompt = await self._counterpart.prompt(
                    session,
                    id := self._counterpart.new_id(),
                    await aside(text) if long else text(),
                    pictures(messages),
                )
            except BaseException as error:
                self._end_soon(session, peer)
                if held and _is_refusal(error):
                    raise Forgotten from error
                raise
        turn = Turn(
            f"chatcmpl-{self._new_id()}",
            session.model or request.model or "auto",
            peer.name,
            self._timeouts,
            warnings,
            lambda: f"call_{self._new_id()}",
            goes_on=bool(held),
            overflow=lambda: self._tidy(self._cancel(peer, session)),
            most_held=self._most_held,
        )
        self._turns[id] = self._turns[session.id] = turn
        peer.watch(turn.fail)
        asking = asyncio.create_task(self._ask(peer, turn, prompt), name="prompt")
        running = Running(peer, session, id, turn, prompt, known, asking)
        self._running.add(running)
        try:
            running.first = await turn.first()
        except BaseException as error:
            self._part(running)
            if held and _is_refusal(error):
                raise Forgotten from error
            raise
        return running

    async def _ask(self, peer: Peer, turn: Turn, prompt: Prompt) -> None:
        try:
            said = self._counterpart.answered(await peer.request("session/prompt", prompt.params))
        except ProxyError as error:
            turn.fail(error)
        else:
            turn.hear(said)

    def _heard(self, method: str, params: JsonObject) -> None:
        """What the other side tells, as it comes."""
        id = request_id(params) or params.get("requestId")
        turn = self._turns.get(id if isinstance(id, str) and id else session_id(params) or "")
        if turn is not None:
            turn.declined = turn.declined or method == PERMISSION
            turn.hear(read_update(params) if method == "session/update" else None)

    async def _session(self, peer: Peer, known: Trail) -> tuple[Session, int]:
        """A session, and how many of the messages it already holds."""
        if (found := self._sessions.take(known)) is not None:
            return found
        opening = asyncio.create_task(self._counterpart.open(peer), name="open a session")
        try:
            return await asyncio.shield(opening), 0
        except asyncio.CancelledError:
            # Nobody waits for it any more, but it may yet be opened.
            self._tidy(self._end_opened(opening, peer))
            raise

    async def _end_opened(self, opening: "asyncio.Task[Session]", peer: Peer) -> None:
        with suppress(ProxyError):
            await self._end(await opening, peer)

    @asynccontextmanager
    async def _patiently(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._setup or None):
                yield
        except TimeoutError:
            late = BackendTimeout(
                f"{self._counterpart.name} did not get ready within {self._setup:g} seconds"
                f" (setup_timeout). {self._counterpart.again()}"
            )
            await self._leave_if_stuck()
            raise late from None

    # Meeting, and leaving.

    def _connected(self) -> bool:
        return self._peer is not None and self._peer.lost is None

    async def _met(self) -> Peer:
        """The connection.  However many want one, it is made once."""
        if self._closed:
            raise BackendUnavailable(STOPPING)
        if self._peer is not None and self._peer.lost is None:
            return self._peer
        if self._meeting is None:
            self._meeting = asyncio.create_task(self._meet(), name="meet")
            self._meeting.add_done_callback(_noticed)
        meeting = self._meeting
        await asyncio.wait([meeting])  # who stops waiting does not stop it: others wait, too
        if meeting.cancelled():
            raise BackendUnavailable(STOPPING)
        return meeting.result()

    async def _meet(self) -> Peer:
        try:
            await self._leave()
            async with asyncio.timeout(self._setup or None):
                self._peer = await self._counterpart.meet(self._heard)
        except TimeoutError:
            self._trouble = f"It did not answer within {self._setup:g} seconds (setup_timeout)."
            raise BackendTimeout(
                f"{self._counterpart.name} did not answer within {self._setup:g} seconds"
                f" (setup_timeout). {self._counterpart.again()}"
            ) from None
        except ProxyError as error:
            self._trouble = error.message
            raise
        else:
            self._trouble = ""
            self._end_left()
            return self._peer
        finally:
            self._meeting = None

    async def _leave(self) -> None:
        """Give the connection up, with all sessions in it."""
        peer, self._peer = self._peer, None
        kept = self._sessions.all()
        if self._outlive:
            self._left += kept
        if peer is not None:
            await peer.aclose()

    async def _leave_if_stuck(self) -> None:
        """After a time-out: a connection on which nothing else goes on may be a dead one."""
        if not self._turns and self._meeting is None:
            await self._leave()

    # The way from a turn.

    def _part(self, running: Running) -> None:
        """It is over, or nobody listens any more."""
        if running not in self._running:
            return  # the backend was closed meanwhile
        self._running.remove(running)
        turn, session = running.turn, running.session
        for key in (running.id, session.id):
            self._turns.pop(key, None)
        running.peer.unwatch(turn.fail)
        running.prompt.tidy()
        if turn.over and turn.finished is not None and running.peer is self._peer:
            running.asking.cancel()  # its response ends nothing, and may never come
            answer = Message("assistant", (Text("".join(turn.said)),))
            session.trail = extended(running.trail, [answer])
            now = asyncio.get_running_loop().time()
            for gone in self._sessions.keep(session, now):
                self._end_soon(gone)
            self._look_later()
        else:
            self._tidy(self._stop(running))
        if self._counterpart.worn and not self._running:
            self._tidy(self._leave())

    async def _stop(self, running: Running) -> None:
        """Cancel what runs, and end its session."""
        try:
            if not running.turn.ended or not running.asking.done():
                with suppress(ProxyError, TimeoutError):
                    async with asyncio.timeout(WINDING_UP):
                        await self._cancel(running.peer, running.session)
                        await asyncio.wait([running.asking])
        finally:
            running.asking.cancel()
        await self._end(running.session, running.peer)

    async def _cancel(self, peer: Peer, session: Session) -> None:
        with suppress(ProxyError):
            await peer.notify("session/cancel", {"sessionId": session.id})

    def _look_later(self) -> None:
        """See to it that no session is kept for longer than it may be."""
        next_look = self._sessions.next_look()
        if self._look is None and next_look is not None and not self._closed:
            self._look = asyncio.get_running_loop().call_at(next_look, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        for session in self._sessions.abandoned(asyncio.get_running_loop().time()):
            self._end_soon(session)
        self._look_later()

    def _end_soon(self, session: Session, peer: Peer | None = None) -> None:
        if (peer := peer or self._peer) is not None:
            self._tidy(self._end(session, peer))

    async def _end(self, session: Session, peer: Peer, *, again: bool = True) -> None:
        """End a session; if its connection has ended, over another one, but not over a third."""
        with suppress(ProxyError, TimeoutError):
            async with asyncio.timeout(TIDYING):
                try:
                    await self._counterpart.end(peer, session)
                except Lost:
                    if not (self._outlive and again):
                        raise
                    self._left.append(session)
                    if not self._closed:  # or this is done at the very end
                        await self._met()
                        self._end_left()

    def _end_left(self) -> None:
        """End the sessions whose connection ended before them."""
        while self._left and self._peer is not None:
            self._tidy(self._end(self._left.popleft(), self._peer, again=False))

    def _tidy(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="tidy up after a turn")
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)

    async def _tidied(self) -> None:
        while self._tidying:
            await asyncio.wait(self._tidying)


def _is_refusal(error: BaseException) -> bool:
    """Whether it is the other side's answer, and might be another one in another session."""
    return isinstance(error, ProtocolError | BackendRefused) and code_of(error) is not None


def _noticed(meeting: "asyncio.Task[Peer]") -> None:
    """Its failure is told to who waits for it, if anybody still does."""
    if not meeting.cancelled():
        meeting.exception()
