"""Count what the vendor did not: the tokens of the request early, those of the reply late.

What the vendor counted is kept; what we counted is marked as an estimate.  Counting never
stands in the way.  Where the client is told first, a reply starts with a guess: exact for a
short request, from samples of a long one.  While it is said, its texts are only remembered.  And only if it ends without
the vendor's usage is everything counted, in a thread where that takes a while.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing

from lingma_proxy.aside import aside
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
    Image,
    ImageLink,
    Part,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from lingma_proxy.conversation.size import is_long
from lingma_proxy.conversation.tokens import count_request, count_text
from lingma_proxy.jsonio import dumps
from lingma_proxy.policies.base import Policy

SHORT = 4 * 2**10
"""Characters up to which a request is counted exactly before its reply starts: 1 ms."""
WINDOW, WINDOWS = 256, 16
"""A longer one is looked at through so many windows of so many characters."""
LONG = 16 * 2**10
"""Characters from which on counting is worth a thread."""
HUGE = 2**19
"""Characters from which on even a guess is: there may be thousands of messages."""
A_MESSAGE, A_PICTURE = 4, 1000
"""Tokens, about, for a guess."""


class MeasureUsage(Policy):
    """`count_request` and `count_text` give tokens; they are called from threads too."""

    def __init__(
        self,
        inner: Backend,
        count_request: Callable[[ChatRequest], int] = count_request,
        count_text: Callable[[str], int] = count_text,
    ) -> None:
        super().__init__(inner)
        self._count_request = count_request
        self._count_text = count_text

    async def reply(self, request: ChatRequest) -> EventStream:
        said = Said()
        async with aclosing(self.inner.reply(request)) as events:
            async for batch in events:
                said.hear(batch)
                yield await self._filled(batch, request, said) if is_edge(batch) else batch

    async def _filled(
        self, batch: Sequence[Event], request: ChatRequest, said: "Said"
    ) -> Sequence[Event]:
        events = list(batch)
        match events[0]:
            case ReplyStarted(input_tokens=tokens) if tokens:
                said.input_tokens = tokens
            case ReplyStarted() as started if request.usage_first:
                huge = is_long(request, HUGE)
                tokens = await aside(lambda: self.guess(request)) if huge else self.guess(request)
                events[0] = ReplyStarted(started.id, started.model, started.warnings, tokens)
        match events[-1]:
            case ReplyEnded(usage=None) as ended:
                usage = await self._usage(request, said)
                events[-1] = ReplyEnded(ended.reason, usage, ended.stop_sequence)
        return events

    def guess(self, request: ChatRequest) -> int:
        """About the tokens of a request, without looking at all of it."""
        texts = [*written(request)]
        size = sum(map(len, texts))
        if size <= SHORT:
            return self._count_request(request)
        sample = [*windows(texts, size)]
        seen = sum(map(len, sample))
        tokens = sum(map(self._count_text, sample)) * size // seen
        pictures = sum(map(is_picture, contents(request)))
        return tokens + A_MESSAGE * len(request.messages) + A_PICTURE * pictures

    async def _usage(self, request: ChatRequest, said: "Said") -> Usage:
        thought = "".join(said.thought)
        spoken = "".join(said.spoken)
        long = len(thought) + len(spoken) > LONG or is_long(request, LONG)

        def count() -> Usage:
            reasoning = self._count_text(thought)
            return Usage(
                input=said.input_tokens or self._count_request(request),
                output=self._count_text(spoken) + reasoning,
                reasoning=reasoning,
                estimated=True,
            )

        return await aside(count) if long else count()


class Said:
    """What a reply has said so far: references to its texts, and no more."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        """Text, arguments, and the names of tools."""
        self.thought: list[str] = []
        self.input_tokens = 0
        """What somebody inside has counted, who knew better what is sent; 0: nobody has."""
        self._into = self.spoken

    def hear(self, batch: Sequence[Event]) -> None:
        for event in batch:
            # By far the most frequent event; `isinstance` is five times as quick as `match`.
            if isinstance(event, PartDelta):
                self._into.append(event.text)
            elif isinstance(event, PartStarted):
                self._into = self.thought if isinstance(event.head, Thinking) else self.spoken
                if isinstance(event.head, ToolCall):
                    self._into.append(event.head.name)


def is_edge(batch: Sequence[Event]) -> bool:
    """Whether a reply starts or ends in it: by the grammar, at its very edge."""
    return bool(batch) and (isinstance(batch[0], ReplyStarted) or isinstance(batch[-1], ReplyEnded))


def contents(request: ChatRequest) -> Iterator[Part]:
    """All parts of a request, and what results of tools hold."""
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolResult):
                yield from part.content
            else:
                yield part


def is_picture(part: Part) -> bool:
    return isinstance(part, Image | ImageLink)


def written(request: ChatRequest) -> Iterator[str]:
    """All texts of a request that are sent; thinking is not."""
    for tool in request.tools:
        yield tool.description
        yield dumps(tool.parameters)
    for part in contents(request):
        match part:
            case Text(text) | ToolCall(_, _, text):
                yield text


def windows(texts: Sequence[str], size: int) -> Iterator[str]:
    """Pieces of texts that together have `size` characters, evenly spread over them."""
    step = size / WINDOWS
    wanted = 0.0
    before = 0
    for text in texts:
        while wanted < before + len(text):
            at = int(wanted) - before
            yield text[at : at + WINDOW]
            wanted += step
        before += len(text)
