"""Count what the vendor did not: the tokens of the request early, those of the reply late.

What the vendor counted is kept; what we counted is marked as an estimate.  Counting never
stands in the way.  Where the client is told first, a reply starts with a guess: exact for a
short request, from samples of a long one.  While it is said, its texts are only remembered.
And only if it ends without the vendor's usage is everything counted, in a thread where that
takes a while.

Where the vendor did count, that teaches the estimator now and then, after the last word and in
a thread of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Protocol

from lingma_proxy.aside import aside, later
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


class Counts(Protocol):
    """What counts; called from threads, too.  See `conversation.estimator`."""

    def request(self, request: ChatRequest) -> int: ...
    def text(self, text: str, model: str) -> int: ...
    def sample(self, text: str, model: str) -> int: ...
    def teaches(self, model: str) -> bool: ...
    def learn(self, request: ChatRequest, spoken: str, thought: str, usage: Usage) -> None: ...


class MeasureUsage(Policy):
    """`learn_later` has what takes its time done, one after the other."""

    def __init__(
        self,
        inner: Backend,
        counts: Counts,
        learn_later: Callable[[Callable[[], None]], None] = later,
    ) -> None:
        super().__init__(inner)
        self._counts = counts
        self._learn_later = learn_later
        self._learning = False
        """One exchange is learnt from at a time: what waits holds all of its texts."""

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
        if isinstance(events[0], ReplyStarted):
            said.model = events[0].model or request.model
        match events[0]:
            case ReplyStarted(input_tokens=tokens) if tokens:
                said.input_tokens = tokens
            case ReplyStarted() as started if request.usage_first:
                asked = replace(request, model=said.model)
                huge = is_long(asked, HUGE)
                tokens = await aside(lambda: self.guess(asked)) if huge else self.guess(asked)
                events[0] = ReplyStarted(started.id, started.model, started.warnings, tokens)
        match events[-1]:
            case ReplyEnded(usage=known) as ended if known is None or lacks(known, said):
                usage = await self._usage(request, said, known or Usage())
                events[-1] = ReplyEnded(ended.reason, usage, ended.stop_sequence)
            case ReplyEnded(usage=Usage(estimated=False) as usage):
                self._learn(request, said, usage)
        return events

    def guess(self, request: ChatRequest) -> int:
        """About the tokens of a request, without looking at all of it."""
        texts = [*written(request)]
        size = sum(map(len, texts))
        if size <= SHORT:
            return self._counts.request(request)
        sample = [*windows(texts, size)]
        seen = sum(map(len, sample))
        model = request.model
        tokens = sum(self._counts.sample(text, model) for text in sample) * size // seen
        pictures = sum(map(is_picture, contents(request)))
        return tokens + A_MESSAGE * len(request.messages) + A_PICTURE * pictures

    async def _usage(self, request: ChatRequest, said: "Said", known: Usage) -> Usage:
        """What is known, and what is not known of it: an estimate."""
        thought = "".join(said.thought)
        spoken = "".join(said.spoken)
        long = len(thought) + len(spoken) > LONG or is_long(request, LONG)
        answered = replace(request, model=said.model)

        def count() -> Usage:
            input, output, reasoning = known.input, known.output, known.reasoning
            if not input:
                input = said.input_tokens or self._counts.request(answered)
            if not output:
                reasoning = self._counts.text(thought, said.model)
                output = self._counts.text(spoken, said.model) + reasoning
            return replace(known, input=input, output=output, reasoning=reasoning, estimated=True)

        return await aside(count) if long else count()

    def _learn(self, request: ChatRequest, said: "Said", usage: Usage) -> None:
        # Another model has answered, or somebody inside has asked for something else.
        foreign = said.model != request.model or said.input_tokens
        if foreign or self._learning or not self._counts.teaches(said.model):
            return
        self._learning = True

        def learn() -> None:
            try:
                spoken, thought = "".join(said.spoken), "".join(said.thought)
                self._counts.learn(request, spoken, thought, usage)
            finally:
                self._learning = False

        self._learn_later(learn)


class Said:
    """What a reply has said so far: references to its texts, and no more."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        """Text, arguments, and the names of tools."""
        self.thought: list[str] = []
        self.input_tokens = 0
        """What somebody inside has counted, who knew better what is sent; 0: nobody has."""
        self.model = ""
        """Who answers, as the reply says."""
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


def lacks(usage: Usage, said: Said) -> bool:
    """Whether half of it is missing: nobody asks nothing, and what was said are tokens."""
    return not usage.input or (not usage.output and bool(said.spoken or said.thought))


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
