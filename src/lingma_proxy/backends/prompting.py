"""Somebody who opens sessions and takes prompts: the plugin, or an agent.

    reply ─▶ begin      meet (once for all), find or open a session, choose the model, prompt;
               │        wait for the first events or the refusal
               ╰─ once more, when the connection ended before anything was said
          ◀─ events, as they are heard
          part          keep the session for its conversation, or cancel what runs and end it

How the other side spells all this is its `Counterpart`'s business; the one connection that
carries all turns is the `Meeting`'s, and who reads it waits for nobody.  What a client leaves
behind is tidied in the background, within a limit, and at the latest when the backend is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from lingma_proxy.aside import LONG, aside
from lingma_proxy.backend import EventStream, Model
from lingma_proxy.backends.counterpart import Counterpart, Prompt
from lingma_proxy.backends.meeting import STOPPING, Meeting
from lingma_proxy.backends.peer import Lost, Peer, Unfit, code_of, data_of
from lingma_proxy.backends.sessions import Mode, Session, Sessions, Trail, extended, trail
from lingma_proxy.backends.turn import MOST_HELD, Turn
from lingma_proxy.conversation.events import Event
from lingma_proxy.conversation.notes import AttemptNotes
from lingma_proxy.conversation.request import ChatRequest, Message, Text
from lingma_proxy.conversation.size import is_long
from lingma_proxy.conversation.transcript import continuation, pictures, transcript
from lingma_proxy.errors import BackendRefused, BackendUnavailable, ProtocolError, ProxyError
from lingma_proxy.jsonio import JsonObject, dumpb
from lingma_proxy.tools.thinking import spoken
from lingma_proxy.vendor import acp_messages, ids, thinking
from lingma_proxy.vendor.asked_of_us import PERMISSION
from lingma_proxy.vendor.profiles import profile_of
from lingma_proxy.vendor.unsaid import unsaid
from lingma_proxy.vendor.updates import read_update, request_id, session_id

T = TypeVar("T")

PROMPT = "session/prompt"

TIDYING = 10.0
"""Seconds for ending a session (`protocol/ipc.md` C.7)."""
WINDING_UP = 2.0
"""Seconds for a cancelled turn to end, before its session is ended all the same."""
GOODBYE = 5.0
"""Seconds for everything that is left when the backend is closed."""


class Forgotten(Exception):
    """The other side does not go on in a session that it held."""


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
    thinks_in_text: bool
    first: Sequence[Event] = ()


class Prompting:
    """A backend, which the notes of an attempt call by its `word`.

    `setup` is the limit, in seconds, on all that comes before the prompt; `most_held` that on
    characters which wait for a client.  `outlive` is set where sessions outlive the connection.
    """

    word = ""

    def __init__(
        self,
        counterpart: Counterpart,
        *,
        setup: float = 15.0,
        session_mode: Mode = "auto",
        most_held: int = MOST_HELD,
        outlive: bool = False,
        new_id: Callable[[], str] = ids.new_id,
    ) -> None:
        self._most_held = most_held
        self._counterpart = counterpart
        self._new_id = new_id
        self._sessions = Sessions(session_mode)
        self._meeting = Meeting(
            counterpart,
            self._heard,
            self._sessions,
            setup=setup,
            busy=lambda: bool(self._turns),
            inherit=self._inherit if outlive else None,
        )
        self._turns: dict[str, Turn] = {}
        """By the id of the prompt, and by the session's."""
        self._running: set[Running] = set()
        self._tidying: set[asyncio.Task[None]] = set()
        self._look: asyncio.TimerHandle | None = None

    # What can be told about it without asking.

    @property
    def peer_name(self) -> str:
        """Who answers; "" while nobody does."""
        return self._meeting.peer_name

    @property
    def endpoint(self) -> str:
        """Where that is; "" while it is not known."""
        return ""

    @property
    def trouble(self) -> str:
        """Why nobody could be met the last time; "" when that went well."""
        return self._meeting.trouble

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
            async with self._meeting.patiently():
                return await self._counterpart.models(await self._meeting.met())

        return await self._twice(ask)

    async def aclose(self) -> None:
        if self._look is not None:
            self._look.cancel()
        await self._meeting.stop()
        for running in tuple(self._running):
            running.turn.fail(BackendUnavailable(STOPPING))
            self._part(running)
        for session in self._sessions.all():
            self._end_soon(session)
        with suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE):
                await self._tidied()
                await self._meeting.settle()
                await self._tidied()
        late = tuple(self._tidying)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await self._meeting.aclose()
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
                await self._meeting.leave()
            except Lost:
                if lost:
                    raise
                lost = True

    async def _begin(self, request: ChatRequest, warnings: tuple[str, ...]) -> Running:
        long = is_long(request, LONG)
        known = await aside(lambda: trail(request)) if long else trail(request)
        async with self._meeting.patiently():
            peer = await self._meeting.met()
            session, held = await self._session(peer, known)
            try:
                if request.model and session.model != request.model:
                    warning = await self._counterpart.choose(peer, session, request.model)
                    warnings += (warning,) if warning else ()
                messages = request.messages[held:]

                def text() -> str:
                    said = continuation(messages) if held else transcript(messages)
                    word = thinking.word(request)
                    return f"{said}\n{word}" if said and word else said

                prompt = await self._counterpart.prompt(
                    session,
                    id := self._counterpart.new_id(),
                    await aside(text) if long else text(),
                    pictures(messages),
                )
                if request.attempt is not None:
                    await self._note(request.attempt, prompt, long=long)
            except BaseException as error:
                self._end_soon(session, peer)
                if held and _is_refusal(error):
                    raise Forgotten from error
                raise
        alive = request.alive or no_matter
        alive()  # it is ready: from here on it is the answer that is waited for
        turn = Turn(
            f"chatcmpl-{self._new_id()}",
            session.model or request.model or "auto",
            peer.name,
            warnings,
            lambda: f"call_{self._new_id()}",
            alive=alive,
            goes_on=bool(held),
            overflow=lambda: self._tidy(self._cancel(peer, session)),
            most_held=self._most_held,
            attempt=request.attempt,
        )
        self._turns[id] = self._turns[session.id] = turn
        peer.watch(turn.fail)
        asking = asyncio.create_task(self._ask(peer, turn, prompt), name="prompt")
        running = Running(
            peer,
            session,
            id,
            turn,
            prompt,
            known,
            asking,
            profile_of(request.model).thinks_in_text,
        )
        self._running.add(running)
        try:
            running.first = await turn.first()
        except BaseException as error:
            self._part(running)
            if held and _is_refusal(error):
                raise Forgotten from error
            raise
        return running

    async def _note(self, attempt: AttemptNotes, prompt: Prompt, *, long: bool) -> None:
        sent: JsonObject = {"method": PROMPT, "params": prompt.params}
        data = b""
        if attempt.request.most:
            try:
                data = await aside(lambda: dumpb(sent)) if long else dumpb(sent)
            except BaseException:
                prompt.tidy()
                raise
        attempt.asks(self.word, self.endpoint, data)

    async def _ask(self, peer: Peer, turn: Turn, prompt: Prompt) -> None:
        try:
            result = await peer.request(PROMPT, prompt.params)
            turn.note(dumpb({"result": result}))
            said = self._counterpart.answered(result)
        except ProxyError as error:
            if (code := code_of(error)) is not None:
                why: JsonObject = {"code": code, "message": str(error.__cause__)}
                turn.note(dumpb({"error": {**why, "data": data_of(error)}}))
            turn.fail(error)
        else:
            turn.hear(said)

    def _heard(self, method: str, params: JsonObject) -> None:
        """What the other side tells, as it comes."""
        id = request_id(params) or params.get("requestId")
        turn = self._turns.get(id if isinstance(id, str) and id else session_id(params) or "")
        if turn is not None:
            if (peer := self._meeting.peer) is not None:
                turn.note(peer.heard)
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
        turn.attempt = None
        running.prompt.tidy()
        if turn.over and turn.finished is not None and running.peer is self._meeting.peer:
            running.asking.cancel()  # its response ends nothing, and may never come
            said = "".join(turn.said)
            # As the client will know it: thinking that is written into the text is taken out above.
            said = spoken(said) if running.thinks_in_text else said
            answer = Message("assistant", (Text(said),))
            session.trail = extended(running.trail, [answer])
            now = asyncio.get_running_loop().time()
            for gone in self._sessions.keep(session, now):
                self._end_soon(gone)
            self._look_later()
        else:
            self._tidy(self._stop(running))
        if self._counterpart.worn and not self._running:
            self._tidy(self._meeting.leave())

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
            await peer.notify("session/cancel", acp_messages.cancel(session.id))

    def _look_later(self) -> None:
        """See to it that no session is kept for longer than it may be."""
        next_look = self._sessions.next_look()
        if self._look is None and next_look is not None and not self._meeting.stopped:
            self._look = asyncio.get_running_loop().call_at(next_look, self._look_now)

    def _look_now(self) -> None:
        self._look = None
        for session in self._sessions.abandoned(asyncio.get_running_loop().time()):
            self._end_soon(session)
        self._look_later()

    def _end_soon(self, session: Session, peer: Peer | None = None) -> None:
        if (peer := peer or self._meeting.peer) is not None:
            self._tidy(self._end(session, peer))

    def _inherit(self, session: Session, peer: Peer) -> None:
        self._tidy(self._end(session, peer, again=False))

    async def _end(self, session: Session, peer: Peer, *, again: bool = True) -> None:
        """End a session; if its connection has ended, over another one, but not over a third."""
        with suppress(ProxyError, TimeoutError):
            async with asyncio.timeout(TIDYING):
                try:
                    await self._counterpart.end(peer, session)
                except Lost:
                    if again:
                        await self._meeting.bequeath(session)

    def _tidy(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="tidy up after a turn")
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)

    async def _tidied(self) -> None:
        while self._tidying:
            await asyncio.wait(self._tidying)


def no_matter() -> None:
    """Nobody asks whether the other side is at work."""


def _is_refusal(error: BaseException) -> bool:
    """Whether it is the other side's answer, and might be another one in another session."""
    return isinstance(error, ProtocolError | BackendRefused) and code_of(error) is not None
