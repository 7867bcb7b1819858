"""Where parts open and close: loose deltas in, bracketed events out.

A vendor says deltas: some text, some thinking, a fragment of the second call, a
fragment of the first.  A dialect must hear one part at a time.  The writer keeps a line
of parts in the order in which each was first heard of.  The part at the head of the
line is open and streams; the others wait.  A part leaves the line

*   if it is text or thinking: as soon as something stands behind it;
*   if it is a call: when something stands behind it and its arguments are complete
    JSON, or when the reply ends.

So nothing is reordered within a part, nothing is lost, and only interleaved fragments
ever wait.
"""

import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    Usage,
)
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.errors import ProtocolError

BLANK = " \t\r\n"
OUTSIDE = re.compile(r'["{}\[\]]')
IN_STRING = re.compile(r'["\\]')


class JsonEnd:
    """Knows, fragment by fragment, whether the text so far is one complete JSON value.

    It counts brackets outside strings and looks no closer: whether the value is valid is
    for the client to say.  Linear in the text, and quick over long strings.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._begun = False
        self._in_string = False
        self._escaped = False

    @property
    def complete(self) -> bool:
        return self._begun and self._depth == 0 and not self._in_string

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (IN_STRING if self._in_string else OUTSIDE).search(text, at)
            if found is None:
                return
            at = found.end()
            match found[0]:
                case "\\":
                    self._escaped = True
                case '"':
                    self._begun = True
                    self._in_string = not self._in_string
                case "{" | "[":
                    self._begun = True
                    self._depth += 1
                case _:
                    self._depth -= 1


@dataclass(slots=True, eq=False)
class _Waiting:
    """A part in the line: its head once it is known, and the text that has not gone out."""

    head: Text | Thinking | ToolCall | None
    text: list[str] = field(default_factory=list)
    end: JsonEnd | None = None
    """Only for calls."""
    said: bool = False
    """Whether anything but blanks has come; a call without arguments is one with `{}`."""
    gone: bool = False


class ReplyWriter:
    """Takes what a vendor says and gives the events of one reply.

    Every method returns the events that are due, which may be none.  `new_id` makes up
    the id of a call that the vendor sent without one.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._line: deque[_Waiting] = deque()
        self._calls: dict[int, _Waiting] = {}
        self._open = False
        self._index = 0
        self.any_calls = False

    def start(
        self, id: str, model: str, warnings: tuple[str, ...] = (), input_tokens: int = 0
    ) -> list[Event]:
        return [ReplyStarted(id, model, warnings, input_tokens)]

    def text(self, text: str) -> list[Event]:
        return self._say(Text, text)

    def thinking(self, text: str) -> list[Event]:
        return self._say(Thinking, text)

    def tool_call(self, index: int, id: str, name: str, arguments: str) -> list[Event]:
        """A fragment of the call that the vendor numbers `index`.

        `id` and `name` may come with any fragment, and again with later ones.
        """
        call = self._calls.get(index)
        if call is None:
            call = self._calls[index] = _Waiting(None, end=JsonEnd())
            self._line.append(call)
            self.any_calls = True
        if call.head is None and name:
            call.head = ToolCall(id or self._new_id(), name, "")
        if arguments:
            assert call.end is not None
            call.end.feed(arguments)
            if not call.said and arguments.strip(BLANK):
                call.said = True
            if call.gone:
                if not arguments.strip(BLANK):
                    return []
                raise ProtocolError(
                    f"the vendor went on with tool call {index} after it was complete"
                )
            call.text.append(arguments)
        return self._advance()

    def end(
        self, reason: FinishReason, usage: Usage | None = None, stop_sequence: str | None = None
    ) -> list[Event]:
        """The reply is over: whatever waits goes out, complete or not."""
        events = self._advance(ending=True)
        events.append(ReplyEnded(reason, usage, stop_sequence))
        return events

    def _say(self, kind: type[Text] | type[Thinking], text: str) -> list[Event]:
        if not text:
            return []
        if len(self._line) == 1 and self._open and type(self._line[0].head) is kind:
            return [PartDelta(self._index, text)]  # by far the most frequent case
        if self._line and type(self._line[-1].head) is kind:
            self._line[-1].text.append(text)
        else:
            self._line.append(_Waiting(kind(""), [text]))
        return self._advance()

    def _advance(self, *, ending: bool = False) -> list[Event]:
        events: list[Event] = []
        while self._line:
            part = self._line[0]
            if part.head is None:
                if ending:
                    raise ProtocolError("the vendor made a tool call without a name")
                break
            if not self._open:
                events.append(PartStarted(self._index, part.head))
                self._open = True
            if part.text:
                events.append(PartDelta(self._index, "".join(part.text)))
                part.text.clear()
            over = ending or (len(self._line) > 1 and (part.end is None or part.end.complete))
            if not over:
                break
            if part.end is not None and not part.said:
                events.append(PartDelta(self._index, "{}"))
            events.append(PartEnded(self._index))
            self._open = False
            self._index += 1
            part.gone = True
            self._line.popleft()
        return events
