"""Count what the vendor did not: the tokens of the request early, those of the reply late.

What the vendor counted is kept; what we counted is marked as an estimate.  Counting never
stands in the way: a long request is counted in a thread while the vendor is already
reading it, and while the reply is said its texts are only remembered.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import Generic, TypeVar

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.conversation.events import (
    Event,
    PartDelta,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.request import (
    ChatRequest,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.policies.base import Policy

T = TypeVar("T")

LONG = 16 * 2**10
"""Characters from which on counting is worth a thread."""
A_TOOL = 2 * 2**10
"""Characters of a tool, about: to look closer would cost as much as to count."""


class MeasureUsage(Policy):
    """`count_request` and `count_text` give tokens; they are called from threads too."""

    def __init__(
        self,
        inner: Backend,
        count_request: Callable[[ChatRequest], int],
        count_text: Callable[[str], int],
    ) -> None:
        super().__init__(inner)
        self._count_request = count_request
        self._count_text = count_text

    async def reply(self, request: ChatRequest) -> EventStream:
        asked = Count(self._count_request, request, is_long=weight(request) > LONG)
        said = Said()
        try:
            async with aclosing(self.inner.reply(request)) as events:
                async for batch in events:
                    said.hear(batch)
                    yield await self._filled(batch, asked, said) if is_edge(batch) else batch
        finally:
            asked.forget()

    async def _filled(
        self, batch: Sequence[Event], asked: "Count[ChatRequest]", said: "Said"
    ) -> Sequence[Event]:
        events = list(batch)
        match events[0]:
            case ReplyStarted(input_tokens=0) as started:
                events[0] = replace(started, input_tokens=await asked.tokens())
        match events[-1]:
            case ReplyEnded(usage=None) as ended:
                events[-1] = replace(ended, usage=await self._usage(asked, said))
        return events

    async def _usage(self, asked: "Count[ChatRequest]", said: "Said") -> Usage:
        spoken, thought = "".join(said.spoken), "".join(said.thought)
        output = Count(self._count_text, spoken, is_long=len(spoken) > LONG)
        reasoning = Count(self._count_text, thought, is_long=len(thought) > LONG)
        try:
            thoughts = await reasoning.tokens()
            return Usage(
                input=await asked.tokens(),
                output=await output.tokens() + thoughts,
                reasoning=thoughts,
                estimated=True,
            )
        finally:
            output.forget()
            reasoning.forget()


class Count(Generic[T]):
    """A number of tokens that will be wanted.

    What is long is being counted from now on, in a thread; what is not, when it is wanted.
    """

    def __init__(self, count: Callable[[T], int], what: T, *, is_long: bool) -> None:
        self._count = partial(count, what)
        self._tokens: int | None = None
        self._coming: asyncio.Future[int] | None = None
        if is_long:
            self._coming = asyncio.get_running_loop().run_in_executor(None, self._count)

    async def tokens(self) -> int:
        if self._tokens is None:
            self._tokens = await self._coming if self._coming is not None else self._count()
        return self._tokens

    def forget(self) -> None:
        """Nobody wants it any more."""
        if self._coming is not None:
            self._coming.cancel()


class Said:
    """What a reply has said so far: references to its texts, and no more."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        """Text, arguments, and the names of tools."""
        self.thought: list[str] = []
        self._into = self.spoken

    def hear(self, batch: Sequence[Event]) -> None:
        for event in batch:
            match event:
                case PartDelta(_, text):
                    self._into.append(text)
                case PartStarted(_, Thinking()):
                    self._into = self.thought
                case PartStarted(_, head):
                    self._into = self.spoken
                    if isinstance(head, ToolCall):
                        self.spoken.append(head.name)


def is_edge(batch: Sequence[Event]) -> bool:
    """Whether a reply starts or ends in it: by the grammar, at its very edge."""
    return bool(batch) and (isinstance(batch[0], ReplyStarted) or isinstance(batch[-1], ReplyEnded))


def weight(request: ChatRequest) -> int:
    """About how many characters a request has, at a glance."""
    return A_TOOL * len(request.tools) + sum(
        _weight(part) for message in request.messages for part in message.parts
    )


def _weight(part: Part) -> int:
    match part:
        case Text(text) | Thinking(text) | ToolCall(_, _, text):
            return len(text)
        case ToolResult(_, content):
            return sum(map(_weight, content))
        case _:
            return 0
