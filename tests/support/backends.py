"""What the tests of backends and policies share: a question, ways to speak, ways to listen."""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import ClassVar

from hypothesis import strategies as st

from lingma_proxy.backend import Backend, EventStream
from lingma_proxy.backends.scripted import Script, Scripted, Step
from lingma_proxy.conversation.events import Event, FinishReason, Head, PartDelta, Usage
from lingma_proxy.conversation.grammar import Grammar
from lingma_proxy.conversation.reply import Collector, Reply, replay
from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    ResponseFormat,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
)
from support.cuts import at_points
from support.streams import batched


def ask(
    *messages: str | Message,
    stop: tuple[str, ...] = (),
    max_tokens: int | None = None,
    model: str = "kmodel",
    tools: tuple[Tool, ...] = (),
    response_format: ResponseFormat | None = None,
) -> ChatRequest:
    """A request; plain text is the user's."""
    return ChatRequest(
        id="req-1",
        model=model,
        messages=tuple(
            Message("user", (Text(message),)) if isinstance(message, str) else message
            for message in messages or ("hi",)
        ),
        tools=tools,
        sampling=Sampling(stop=stop, max_tokens=max_tokens),
        response_format=response_format,
        usage_first=True,
    )


def answer(
    *parts: str | Head,
    reason: FinishReason = FinishReason.STOP,
    usage: Usage | None = None,
    stop_sequence: str | None = None,
) -> Reply:
    """A reply; plain text is text."""
    heads = tuple(Text(part) if isinstance(part, str) else part for part in parts)
    return Reply("reply-1", "kmodel", heads, reason, usage, stop_sequence)


THOUGHT = Thinking("let me see")
CALL = ToolCall("call_1", "shell", '{"command": "ls"}')


def one_by_one(reply: Reply) -> list[Step]:
    """The events of a reply, each in a batch of its own."""
    return [[event] for event in replay(reply)]


def in_pieces(reply: Reply, deltas: Sequence[int], batches: Sequence[int]) -> list[Step]:
    """The events of a reply, each text cut at `deltas`, and all of them cut at `batches`."""
    events: list[Event] = []
    for event in replay(reply):
        if isinstance(event, PartDelta):
            pieces = [piece for piece in at_points(event.text, list(deltas)) if piece]
            events += [PartDelta(event.index, piece) for piece in pieces]
        else:
            events.append(event)
    return list(filter(None, batched(events, batches)))


cuts = st.lists(st.integers(0, 30), max_size=8)
"""Places to cut at, for hypothesis."""


async def drain(backend: Backend, request: ChatRequest | None = None) -> list[Sequence[Event]]:
    """All batches of a reply, with the grammar checked."""
    grammar = Grammar()
    batches: list[Sequence[Event]] = []
    async with aclosing(backend.reply(request or ask())) as events:
        async for batch in events:
            grammar.check(batch)
            batches.append(batch)
    grammar.end()
    return batches


async def hear(backend: Backend, request: ChatRequest | None = None) -> Reply:
    """A whole reply, with the grammar checked."""
    collector = Collector()
    for batch in await drain(backend, request):
        collector.feed(batch)
    return collector.reply()


async def heard(
    backend: Backend, request: ChatRequest | None = None
) -> tuple[list[Event], BaseException | None]:
    """What came of a reply that may fail: its events, and the failure."""
    grammar = Grammar()
    events: list[Event] = []
    try:
        async with aclosing(backend.reply(request or ask())) as batches:
            async for batch in batches:
                grammar.check(batch)
                events.extend(batch)
        grammar.end()
    except Exception as error:  # noqa: BLE001  # which one it is is what the test looks at
        return events, error
    return events, None


async def hands_on(policy: Callable[[Backend], Backend], request: ChatRequest) -> bool:
    """Whether the policy returns the inner stream itself, so that it costs nothing."""

    class Seen(Scripted):
        streams: ClassVar[list[EventStream]] = []

        def reply(self, request: ChatRequest) -> EventStream:
            self.streams.append(super().reply(request))
            return self.streams[-1]

    async with aclosing(policy(Seen([])).reply(request)) as stream:
        return Seen.streams == [stream]


async def closed_after(backend: Backend, request: ChatRequest, batches: int) -> bool:
    """Listen to so many batches, then hang up.  False if the reply was over before."""
    async with aclosing(backend.reply(request)) as events:
        for _ in range(batches):
            if await anext(events, None) is None:
                return False
    return True


async def leaves_nothing_behind(
    policy: Callable[[Backend], Backend], request: ChatRequest, *scripts: Script
) -> None:
    """Hang up after 0, 1, 2, … batches: the inner stream is closed each time."""
    batches = 0
    while True:
        inner = Scripted(scripts)
        over = not await closed_after(policy(inner), request, batches)

        assert inner.speaking == 0, f"closed after {batches} batches, the inner stream is open"
        if over:
            return
        batches += 1
