"""Any agent that speaks the Agent Client Protocol: a child process on its standard streams.

    meet      start the process, unless one lives; introduce ourselves
    open      session/new, in the user's folder or an empty one
    choose    the option by which the agent lets choose a model
    prompt    session/prompt, told by session/update, ended by its response
    end       session/close, where the agent has it

`protocol/ipc.md` C.8.  One process is kept warm and serves all conversations.  When it dies it
is started again at the next request; one that dies young waits longer each time.
"""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from pathlib import PurePath
from types import MappingProxyType
from typing import cast

from lingma_proxy.backend import Model
from lingma_proxy.backends.counterpart import Prompt
from lingma_proxy.backends.peer import Hear, Lost, Peer, data_of
from lingma_proxy.backends.prompting import Prompting
from lingma_proxy.backends.sessions import Mode, Session
from lingma_proxy.backends.workplace import Workplace
from lingma_proxy.conversation.request import Image, ImageLink
from lingma_proxy.errors import BackendUnavailable, InvalidRequest, NotLoggedIn
from lingma_proxy.jsonio import Json
from lingma_proxy.transports.base import FramedTransport, Lines
from lingma_proxy.transports.stdio import Child, inherited
from lingma_proxy.vendor import acp_messages, ids
from lingma_proxy.vendor.updates import Said, read_stop

LIVED = 30.0
"""Seconds after which a process that ends has not died young."""
PAUSES = (0.0, 0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds before a start, after so many that died young."""
WORN = 100
"""Sessions after which a process is replaced when nothing runs: OpenCode grows by 4 MB and Qwen
Code by 2 MB with each, also with those that were closed."""


class BackOff:
    """When the next process may be started."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._young = 0
        self._started = 0.0
        self._not_before = 0.0

    def wait(self) -> float:
        """Seconds until then; 0 for now."""
        return max(0.0, self._not_before - self._clock())

    def start(self) -> None:
        self._started = self._clock()

    def died(self) -> None:
        now = self._clock()
        self._young = self._young + 1 if now - self._started < LIVED else 1
        self._not_before = now + PAUSES[min(self._young, len(PAUSES) - 1)]


class Agent:
    """A `Counterpart`.

    `command` is a program and its arguments; `environment` are variables for it that we have
    not got ourselves.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        workplace: Workplace,
        clock: Callable[[], float],
    ) -> None:
        self._command = tuple(command)
        self._environment = dict(environment)
        self._program = PurePath(command[0]).name if command else ""
        """Without its folder: what can be shown."""
        self._workplace = workplace
        self._child: Child | None = None
        self._about: acp_messages.Agent | None = None
        self._sessions: dict[str, acp_messages.Session] = {}
        """How models are chosen in each."""
        self._spare: tuple[Peer, Session] | None = None
        """A session that was opened to see the models, and may serve a conversation."""
        self._back_off = BackOff(clock)
        self._opened_so_far = 0
        self._ending: asyncio.Task[None] | None = None
        """The end of a process that has died, for what it has started may live on."""
        self._ended_by_us = False

    @property
    def name(self) -> str:
        if self._about is not None and self._about.name:
            return f"{self._about.name} {self._about.version}".strip()
        return f"The agent {self._program}"

    @property
    def address(self) -> str:
        return " ".join((self._program, *self._command[1:2]))

    @property
    def login_methods(self) -> tuple[str, ...]:
        if self._about is None:
            return ()
        return tuple(
            f"{method.name}: {method.description}" if method.description else method.name
            for method in self._about.methods
        )

    def again(self) -> str:
        return f"Does `{self.address}` work in a terminal?{self._more()}"

    async def meet(self, hear: Hear) -> Peer:
        await self._end_child()
        if (wait := self._back_off.wait()) > 0:
            raise BackendUnavailable(
                f"{self.name} ended soon after its start, several times; it is started again in"
                f" {ceil(wait)} s.{self._more()}",
                retry_after=wait,
            )
        self._sessions.clear()
        self._opened_so_far = 0
        self._ended_by_us = False
        self._back_off.start()
        self._child = child = await Child.start(
            self._command,
            cwd=await self._workplace.folder(),
            environment=self._environment | inherited(os.environ),
        )
        try:
            peer = await Peer.over(
                FramedTransport(child.stream, Lines()),
                self.name,
                hear,
                f"Log in with the agent's own program ({self._program}), and try again.",
                self._last_words,
            )
            peer.watch(self._died)
            result = await peer.request("initialize", acp_messages.initialize())
            self._about = acp_messages.read_agent(result)
        except BaseException:
            await self._end_child()
            raise
        peer.name = self.name
        return peer

    async def models(self, peer: Peer) -> Sequence[Model]:
        session = await self._opened(peer)
        found = self._sessions[session.id].models
        if self._spare is None or self._spare[0] is not peer:
            self._spare = (peer, session)
        else:
            await self.end(peer, session)
        return found

    async def open(self, peer: Peer) -> Session:
        spare, self._spare = self._spare, None
        if spare is not None and spare[0] is peer:
            return spare[1]
        return await self._opened(peer)

    async def choose(self, peer: Peer, session: Session, key: str) -> str:
        about = self._sessions[session.id]
        if about.option is None:
            return f"The model is {self.name}'s own choice: it lets nobody choose one."
        found = about.find(key)
        if found != session.model:
            method, params = about.choose(found)
            await peer.request(method, params)
            session.model = found
        return ""

    async def prompt(
        self, session: Session, id: str, text: str, images: Sequence[Image | ImageLink]
    ) -> Prompt:
        del id  # the standard knows a prompt by its session
        shown = any(isinstance(image, Image) for image in images)
        if shown and not (self._about is not None and self._about.images):
            raise InvalidRequest(f"{self.name} takes no pictures.")
        return Prompt(acp_messages.prompt(session.id, text, images))

    def new_id(self) -> str:
        return ids.new_id()

    def answered(self, result: Json) -> Said | None:
        return read_stop(result, self.name)

    @property
    def worn(self) -> bool:
        return self._opened_so_far >= WORN

    async def end(self, peer: Peer, session: Session) -> None:
        self._sessions.pop(session.id, None)
        if self._about is not None and self._about.can_close:
            await peer.request("session/close", acp_messages.close(session.id))

    async def aclose(self) -> None:
        await self._end_child()
        await self._workplace.aclose()

    async def _opened(self, peer: Peer) -> Session:
        params = acp_messages.new_session(await self._workplace.folder())
        try:
            result = await peer.request("session/new", params)
        except NotLoggedIn as error:
            if not self.login_methods or "authMethods" in data_of(error):
                raise  # it has named them itself, or has none
            ways = "; ".join(self.login_methods)
            raise error.saying(f"{error.message} It offers: {ways.rstrip('.')}.") from error
        found = acp_messages.read_session(result)
        self._sessions[found.id] = found
        self._opened_so_far += 1
        return Session(found.id, found.current)

    def _more(self) -> str:
        words = self._last_words()
        return f" {words}" if words else ""

    def _last_words(self) -> str:
        """What the process said on its standard error, and how it ended, as far as is known."""
        if self._child is None:
            return ""
        code, complaint = self._child.returncode, self._child.complaint()
        ended = f"Its exit code is {code}." if code is not None and not self._ended_by_us else ""
        said = f"It said: {complaint}" if complaint else ""
        return " ".join(filter(None, (ended, said)))

    def _died(self, _: Lost) -> None:
        self._back_off.died()
        if self._child is not None and self._ending is None:
            self._ending = asyncio.create_task(self._child.end(), name="end an agent")

    async def _end_child(self) -> None:
        ending, self._ending = self._ending, None
        if self._child is not None:
            self._ended_by_us = self._ended_by_us or self._child.returncode is None
            await self._child.end()
        if ending is not None:
            await ending


class Acp(Prompting):
    """The backend; `endpoint` names the command while its process lives, else ""."""

    word = "acp"

    def __init__(self, agent: Agent, setup: float, mode: Mode) -> None:
        super().__init__(agent, setup=setup, session_mode=mode)
        self._agent = agent

    @property
    def endpoint(self) -> str:
        return self._agent.address if self.peer_name else ""

    @property
    def login_methods(self) -> tuple[str, ...]:
        """How the agent says that one logs in, once it has been asked."""
        return self._agent.login_methods


def acp(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] = MappingProxyType({}),
    setup: float = 60.0,
    session_mode: str = "auto",
    cwd: str = "",
    clock: Callable[[], float] = time.monotonic,
) -> Acp:
    """The backend of a command line, `setup` in seconds.  Raises SettingsError for a bad `cwd`."""
    agent = Agent(command, environment, Workplace(cwd), clock)
    return Acp(agent, setup, cast("Mode", session_mode))
