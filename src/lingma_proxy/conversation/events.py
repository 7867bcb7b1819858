"""What a reply looks like while it is still being said.

A reply is a sequence of parts, and each part arrives in pieces:

    ReplyStarted ( PartStarted PartDelta* PartEnded )* ReplyEnded

Every backend produces these five events and every dialect consumes them; nothing else
crosses between the two.  They travel in batches: what one read from the vendor brought
is one list, and becomes one write to the client.  A failure is not an event but an
exception (`errors`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

import msgspec

from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall, SearchResult

Head: TypeAlias = Text | Thinking | ToolCall | SearchCall | SearchResult
"""A part as it starts: the part itself, with its text (or arguments) still empty; a search and
its result are whole at once."""


class FinishReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    """It had said what it had to say, or came to a stop sequence."""
    LENGTH = "length"
    """It ran into a limit on tokens; a call that was open is not complete."""
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


MOST_TOKENS = 10**9
"""No exchange has as many: a count beyond it is none."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens.  `cached` is part of `input`, `reasoning` is part of `output`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0
    estimated: bool = False
    """Counted by us, because the vendor did not say."""
    searches: int = 0
    """Of the web, made by us."""


def added(first: Usage | None, second: Usage | None) -> Usage | None:
    """The usage of two replies together; where one is unknown, that of the other."""
    if first is None or second is None:
        return first or second
    return Usage(
        input=first.input + second.input,
        output=first.output + second.output,
        cached=first.cached + second.cached,
        reasoning=first.reasoning + second.reasoning,
        estimated=first.estimated or second.estimated,
        searches=first.searches + second.searches,
    )


@dataclass(frozen=True, slots=True)
class ReplyStarted:
    """The vendor has accepted: from here on an error can no longer be a status."""

    id: str
    model: str
    """The model that answers, which need not be the one that was asked for."""
    warnings: tuple[str, ...] = ()
    """What was asked for and will not be done, each a sentence."""
    input_tokens: int = 0
    """An early estimate of `Usage.input`, for requests that ask for it (`usage_first`)."""


@dataclass(frozen=True, slots=True)
class PartStarted:
    index: int
    """Consecutive, from 0; one part is open at a time."""
    head: Head


class PartDelta(msgspec.Struct, frozen=True):
    """A Struct, for one is made per token, and a dataclass takes five times as long."""

    index: int
    text: str
    """Never empty."""


@dataclass(frozen=True, slots=True)
class PartEnded:
    index: int


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    reason: FinishReason
    usage: Usage | None = None
    """None: the vendor did not say, and nobody has estimated it yet."""
    stop_sequence: str | None = None
    """The stop sequence that ended it, if one did (then `reason` is STOP)."""


Event: TypeAlias = ReplyStarted | PartStarted | PartDelta | PartEnded | ReplyEnded
