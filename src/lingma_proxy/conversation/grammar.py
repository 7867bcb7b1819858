"""The legal order of events, as a table, and a checker that walks it.

What the table cannot say (indices, kinds of heads) is said in `Grammar.check`, and
nowhere else.  It runs in every test, and live when the setting `check_grammar` is on.
"""

from collections.abc import Sequence
from enum import Enum, auto

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
)
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall, SearchResult


class State(Enum):
    SILENT = auto()
    BETWEEN_PARTS = auto()
    IN_PART = auto()
    DONE = auto()


TRANSITIONS: dict[State, dict[type, State]] = {
    State.SILENT: {ReplyStarted: State.BETWEEN_PARTS},
    State.BETWEEN_PARTS: {PartStarted: State.IN_PART, ReplyEnded: State.DONE},
    State.IN_PART: {PartDelta: State.IN_PART, PartEnded: State.BETWEEN_PARTS},
    State.DONE: {},
}


class IllegalEvent(AssertionError):
    """A backend or a policy broke the grammar: a bug of ours, never of the vendor."""


class Grammar:
    """Watches one reply go by."""

    def __init__(self) -> None:
        self.state = State.SILENT
        self._parts = 0
        self._whole = False
        """Whether all of the open part was said by its head."""

    def check(self, events: Sequence[Event]) -> None:
        """Take a batch.  Raises IllegalEvent at the first event that may not come here."""
        for event in events:
            try:
                after = TRANSITIONS[self.state][type(event)]
            except KeyError:
                raise IllegalEvent(f"{event} may not come while {self.state.name}") from None
            self._details(event)
            self.state = after

    def end(self) -> None:
        """The stream is over.  Raises IllegalEvent if the reply is not."""
        if self.state is not State.DONE:
            raise IllegalEvent(f"the stream ended while {self.state.name}")

    def _details(self, event: Event) -> None:
        match event:
            case PartStarted(index, head):
                if index != self._parts:
                    raise IllegalEvent(f"{event}: the next index is {self._parts}")
                match head:
                    case Text("") | Thinking("") | ToolCall(str(), str(), ""):
                        self._whole = False
                    case SearchCall() | SearchResult():
                        self._whole = True
                    case _:
                        raise IllegalEvent(f"{event}: a head has no text yet")
                self._parts += 1
            case PartDelta(index, text):
                if index != self._parts - 1:
                    raise IllegalEvent(f"{event}: the open part is {self._parts - 1}")
                if self._whole:
                    raise IllegalEvent(f"{event}: the part was whole when it started")
                if not text:
                    raise IllegalEvent(f"{event}: a delta says something")
            case PartEnded(index):
                if index != self._parts - 1:
                    raise IllegalEvent(f"{event}: the open part is {self._parts - 1}")
            case ReplyEnded(reason, _, stop_sequence):
                if stop_sequence is not None and reason is not FinishReason.STOP:
                    raise IllegalEvent(f"{event}: a stop sequence means STOP")
            case ReplyStarted():
                pass
