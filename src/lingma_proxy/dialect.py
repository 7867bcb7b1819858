"""The protocol of a public API that we speak: one `Dialect` each, in `dialects/`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from lingma_proxy.conversation.events import Event
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import ChatRequest
from lingma_proxy.conversation.stopwatch import Stopwatch
from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import JsonObject


@dataclass(frozen=True, slots=True)
class Asked:
    """A client's request, decoded: what was asked, and how it is to be answered."""

    request: ChatRequest
    stream: bool
    choices: int = 1
    """How many replies (`n`), each drawn on its own."""
    usage: bool = True
    """Whether a stream is to end with its usage, where the client can choose."""
    warnings: tuple[str, ...] = ()
    """Parameters that no backend can honour, each named in a sentence."""
    asks: bool = True
    """Whether there is a question in it.  Else nobody is asked, and the answer is an empty one."""
    watch: Stopwatch = field(default_factory=Stopwatch, compare=False, repr=False)
    """Of the answer; the server starts it."""


class Encoder(Protocol):
    """Says one stream in the words of a dialect.  Holds what was said, does no I/O."""

    def encode(self, events: Sequence[Event], choice: int = 0) -> bytes:
        """The bytes for a batch of events of one of the replies.

        Raises ProtocolError for what the model said and the dialect has no way to say.
        """
        ...

    def end(self) -> bytes:
        """The bytes after the last `ReplyEnded` of the last reply; may be none."""
        ...

    def fail(self, error: ProxyError) -> bytes:
        """The bytes that end the stream with an error.

        Parts that are open are closed first, and exactly one terminator follows: no
        client is left waiting.
        """
        ...

    def heartbeat(self) -> bytes:
        """A sign of life while the vendor is silent, legal at any point of the stream."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    name: str
    paths: tuple[str, ...]
    """Where it is spoken: exact paths, all of them POST."""
    media_type: str
    """Of its streams."""
    decode: Callable[[JsonObject, str], Asked]
    """(the body, the request's id) → what is asked.  Raises InvalidRequest."""
    encoder: Callable[[Asked, int], Encoder]
    """(what was asked, Unix time in seconds) → an encoder for its stream."""
    whole: Callable[[Asked, Sequence[Reply], int], JsonObject]
    """(what was asked, the replies, Unix time) → the body of an unstreamed answer."""
    error: Callable[[ProxyError, str], JsonObject]
    """(an error, the request's id) → the body that says it."""
