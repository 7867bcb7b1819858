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
from dataclasses import dataclass

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
CUTS = frozenset({FinishReason.LENGTH, FinishReason.CONTENT_FILTER})
"""Ends in the middle of whatever was being said."""
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
class _Part:
    """A part in the line, with the text that has not gone out."""

    head: Text | Thinking | ToolCall
    text: list[str]


class _Call(_Part):
    """A call in the line.  Its head is told when it opens, for its id may come late."""

    def __init__(self) -> None:
        super().__init__(ToolCall("", "", ""), [])
        self.id = ""
        self.name = ""
        self.end = JsonEnd()
        self.said = False
        """Whether anything but blanks has come; a call without arguments is one with `{}`."""
        self.gone = False


class ReplyWriter:
    """Takes what a vendor says and gives the events of one reply.

    Every method returns the events that are due, which may be none.  `new_id` makes up
    the id of a call that the vendor sent without one.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._line: deque[_Part] = deque()
        self._calls: dict[int, _Call] = {}
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

        `id` and `name` may come with any fragment, and again with later ones; the call
        opens when its name is known.  Blanks after arguments that are complete may be lost.
        """
        said = bool(arguments.strip(BLANK))
        call = self._calls.get(index)
        if call is None or (name and self._is_another(call, id, said=said)):
            call = self._calls[index] = _Call()
            self._line.append(call)
            self.any_calls = True
        call.id = call.id or id
        call.name = call.name or name
        if arguments:
            if call.gone:
                if not said:
                    return []
                raise ProtocolError(
                    f"the vendor went on with tool call {index} after it was complete"
                )
            call.said = call.said or said
            call.end.feed(arguments)
            if self._open and len(self._line) == 1:
                return [PartDelta(self._index, arguments)]
            call.text.append(arguments)
        return self._advance()

    @staticmethod
    def _is_another(call: _Call, id: str, *, said: bool) -> bool:
        """Whether a fragment with a name begins a call of its own.

        Some vendors give all calls of a reply the same number.
        """
        return (said and call.end.complete) or (bool(id and call.id) and id != call.id)

    def end(
        self, reason: FinishReason, usage: Usage | None = None, stop_sequence: str | None = None
    ) -> list[Event]:
        """The reply is over: whatever waits goes out, complete or not."""
        events = self._advance(ending=True, cut=reason in CUTS)
        events.append(ReplyEnded(reason, usage, stop_sequence))
        return events

    def _say(self, kind: type[Text] | type[Thinking], text: str) -> list[Event]:
        if not text:
            return []
        last = self._line[-1] if self._line else None
        if last is not None and type(last.head) is kind:
            if self._open and len(self._line) == 1:
                return [PartDelta(self._index, text)]  # by far the most frequent case
            last.text.append(text)
        else:
            self._line.append(_Part(kind(""), [text]))
        return self._advance()

    def _advance(self, *, ending: bool = False, cut: bool = False) -> list[Event]:
        events: list[Event] = []
        while self._line:
            part = self._line[0]
            call = part if isinstance(part, _Call) else None
            if not self._open:
                if call is not None:
                    if not call.name:
                        if ending:
                            raise ProtocolError("the vendor made a tool call without a name")
                        break
                    call.head = ToolCall(call.id or self._new_id(), call.name, "")
                events.append(PartStarted(self._index, part.head))
                self._open = True
            if part.text:
                events.append(PartDelta(self._index, "".join(part.text)))
                part.text.clear()
            if not ending and (
                len(self._line) == 1 or (call is not None and not call.end.complete)
            ):
                break
            if call is not None:
                call.gone = True
                if not call.said and not (cut and len(self._line) == 1):
                    events.append(PartDelta(self._index, "{}"))
            events.append(PartEnded(self._index))
            self._open = False
            self._index += 1
            self._line.popleft()
        return events
