"""Whom we prompt: the plugin, or an agent.

    meet ─▶ open ─▶ choose ─▶ prompt ─▶ end       a session, from its beginning
               models                             what can be chosen

What all of them have in common is in `prompting.py`; here is what each spells in its own way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from lingma_proxy.backend import Model
from lingma_proxy.backends.peer import Hear, Peer
from lingma_proxy.backends.sessions import Session
from lingma_proxy.conversation.request import Image, ImageLink
from lingma_proxy.jsonio import Json, JsonObject
from lingma_proxy.vendor.updates import Said


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
