"""A whole reply, and the way between it and its events: `collect(replay(r)) == r`."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    Head,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall, SearchResult
from lingma_proxy.errors import BrokenOff


@dataclass(frozen=True, slots=True)
class Reply:
    id: str
    model: str
    parts: tuple[Head, ...]
    reason: FinishReason
    usage: Usage | None = None
    stop_sequence: str | None = None
    warnings: tuple[str, ...] = ()


class Collector:
    """Folds events into a reply, batch by batch."""

    def __init__(self) -> None:
        self._started: ReplyStarted | None = None
        self._ended: ReplyEnded | None = None
        self._parts: list[Head] = []
        self._head: Head = Text("")
        self._text: list[str] = []

    def feed(self, events: Sequence[Event]) -> None:
        for event in events:
            match event:
                case PartDelta(_, text):
                    self._text.append(text)
                case PartStarted(_, head):
                    self._head = head
                    self._text = []
                case PartEnded():
                    self._parts.append(filled(self._head, "".join(self._text)))
                case ReplyStarted():
                    self._started = event
                case ReplyEnded():
                    self._ended = event

    def reply(self) -> Reply:
        """The reply.  Raises BrokenOff if its end has not been heard."""
        if self._started is None or self._ended is None:
            raise BrokenOff("the reply ended before it was complete")
        return Reply(
            id=self._started.id,
            model=self._started.model,
            parts=tuple(self._parts),
            reason=self._ended.reason,
            usage=self._ended.usage,
            stop_sequence=self._ended.stop_sequence,
            warnings=self._started.warnings,
        )


def filled(head: Head, text: str) -> Head:
    """The part that a head becomes when all of its text is there."""
    match head:
        case Text():
            return Text(text)
        case Thinking(_, signature):
            return Thinking(text, signature)
        case ToolCall(id, name, _):
            return ToolCall(id, name, text)
        case SearchCall() | SearchResult():
            return head


async def collect(events: AsyncIterator[Sequence[Event]]) -> Reply:
    """The reply that a stream of batches amounts to."""
    collector = Collector()
    async for batch in events:
        collector.feed(batch)
    return collector.reply()


def replay(reply: Reply) -> list[Event]:
    """The events of a reply, as if it were said at once."""
    events: list[Event] = [ReplyStarted(reply.id, reply.model, reply.warnings)]
    for index, part in enumerate(reply.parts):
        match part:
            case Text(text):
                head: Head = Text("")
            case Thinking(text, signature):
                head = Thinking("", signature)
            case ToolCall(id, name, text):
                head = ToolCall(id, name, "")
            case SearchCall() | SearchResult():
                head, text = part, ""
        events.append(PartStarted(index, head))
        if text:
            events.append(PartDelta(index, text))
        events.append(PartEnded(index))
    events.append(ReplyEnded(reply.reason, reply.usage, reply.stop_sequence))
    return events
