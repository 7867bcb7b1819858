"""Which session of the other side already holds a conversation, so that it can go on there.

    fresh    never: each request opens a session, which is ended with its answer
    auto     where the request begins with exactly what was asked and answered there before
    reuse    also where the client names its conversation and all that *it* said is the same,
             whatever has become of the answers; never where it has another name

A conversation is known by fingerprints of its messages, not by the messages: nothing of what
people wrote is kept here, and a session is never found by who asks alone but by what it holds,
so that nobody is answered out of somebody else's conversation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, TypeAlias

from lingma_proxy.conversation.request import (
    ChatRequest,
    Document,
    DocumentLink,
    Image,
    ImageLink,
    Message,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

Mode: TypeAlias = Literal["auto", "fresh", "reuse"]

MOST = 16
"""Sessions that are kept; the one that was used longest ago makes room."""
LONGEST: dict[Mode, float] = {"fresh": 0.0, "auto": 600.0, "reuse": 8 * 3600.0}
"""Seconds that a session is kept for its conversation to go on."""


@dataclass(frozen=True)
class Trail:
    """Fingerprints of a conversation after each of its messages."""

    all: tuple[bytes, ...]
    """Of everything that was said."""
    theirs: tuple[bytes, ...]
    """Of what the client's side said; an answer leaves it as it was."""
    name: str = ""
    """What the client calls the conversation; "" if it does not say."""

    def answered_after(self, held: int) -> bool:
        """Whether there is an answer behind the first so many messages."""
        return any(self.theirs[at] == self.theirs[at - 1] for at in range(held, len(self.theirs)))


@dataclass
class Session:
    id: str
    model: str
    """The key that was chosen in it; "" for the other side's own choice."""
    trail: Trail | None = None
    """What it holds; None while it holds nothing."""
    used_at: float = field(default=0.0, compare=False)


class Sessions:
    """Those that wait for their conversation to go on.  No I/O: who takes one out ends it."""

    def __init__(self, mode: Mode, most: int = MOST) -> None:
        self._mode = mode
        self._most = most
        self._idle: list[Session] = []
        """The one that was used longest ago comes first."""

    def take(self, trail: Trail) -> tuple[Session, int] | None:
        """A session to go on in, and how many of the messages it holds; it is then the taker's.

        The one that holds the most goes before the others.
        """
        found = max(
            ((held, session) for session in self._idle if (held := self._held(session, trail))),
            key=lambda pair: pair[0],
            default=None,
        )
        if found is None:
            return None
        held, session = found
        self._idle.remove(session)
        return session, held

    def keep(self, session: Session, now: float) -> list[Session]:
        """Let it wait.  Those that are no longer kept are returned, to be ended."""
        if self._mode == "fresh" or session.trail is None:
            return [session]
        session.used_at = now
        self._idle.append(session)
        gone = self._idle[: max(0, len(self._idle) - self._most)]
        del self._idle[: len(gone)]
        return gone

    def abandoned(self, now: float) -> list[Session]:
        """Take out those that have waited too long."""
        longest = LONGEST[self._mode]
        gone = [session for session in self._idle if now - session.used_at >= longest]
        self._idle = [session for session in self._idle if session not in gone]
        return gone

    def next_look(self) -> float | None:
        """When the next one will have waited too long."""
        return self._idle[0].used_at + LONGEST[self._mode] if self._idle else None

    def all(self) -> list[Session]:
        """Take all of them out."""
        gone, self._idle = self._idle, []
        return gone

    def _held(self, session: Session, trail: Trail) -> int:
        """How many of the messages it holds; 0: it is another conversation."""
        known = session.trail
        if known is None or len(known.all) >= len(trail.all):
            return 0
        if self._mode == "reuse" and known.name != trail.name:
            return 0
        held = len(known.all)
        if trail.answered_after(held):
            return 0  # in the meantime it went on elsewhere
        if known.all[-1] == trail.all[held - 1]:
            return held
        same = known.theirs[-1] == trail.theirs[held - 1]
        if self._mode == "reuse" and known.name and same:
            return held
        return 0


def trail(request: ChatRequest) -> Trail:
    """The trail of a request.  Its cost is that of hashing it: 5 to 10 ms a megabyte."""
    return extended(Trail((), (), request.conversation), request.messages)


def extended(known: Trail, messages: Sequence[Message]) -> Trail:
    """The trail after more messages."""
    everything, theirs = list(known.all), list(known.theirs)
    for message in messages:
        one = _fingerprint(message)
        everything.append(_chained(everything, one))
        answer = message.role == "assistant"
        theirs.append(theirs[-1] if answer and theirs else _chained(theirs, b"" if answer else one))
    return Trail(tuple(everything), tuple(theirs), known.name)


def _chained(before: Sequence[bytes], one: bytes) -> bytes:
    return blake2b((before[-1] if before else b"") + one, digest_size=16).digest()


def _fingerprint(message: Message) -> bytes:
    digest = blake2b(digest_size=16)
    for piece in ("message", message.role, str(message.name), *_pieces(message.parts)):
        data = piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data))  # so that none is taken for the beginning of another
        digest.update(data)
    return digest.digest()


def _pieces(parts: Sequence[Part]) -> Iterator[str | bytes]:
    """What counts of a message, each kind with as many pieces as it always has.

    Thinking does not, for clients send it back or do not; and several texts on end are one,
    for clients join them.
    """
    texts: list[str] = []
    for part in parts:
        if isinstance(part, Text):
            texts.append(part.text)
            continue
        if isinstance(part, Thinking):
            continue
        if texts:
            yield from ("text", "".join(texts))
            texts.clear()
        match part:
            case ToolCall(id, name, arguments):
                yield from ("call", id, name, arguments)
            case ToolResult(id, content, is_error):
                yield from ("result", id, str(is_error), str(len(content)))
                yield from _pieces(content)
            case Image(media_type, data):
                yield from ("image", media_type, data)
            case ImageLink(url):
                yield from ("link", url)
            case Document(media_type, data, title, context):
                yield from ("document", media_type, data, title, context)
            case DocumentLink(url, title, context):
                yield from ("document link", url, title, context)
    if texts:
        yield from ("text", "".join(texts))
