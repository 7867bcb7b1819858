"""Listen to a reply whose text has calls in it, and tell it with the calls as parts.

It tells everything as it comes; or only what was thought, and keeps texts and calls until it is
asked.  Each text part is read by itself, for no call goes on behind what was thought meanwhile.
`Parts` numbers what goes out, so that a second reply goes on where the first one ended.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from secrets import token_hex

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    Head,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
)
from lingma_proxy.conversation.reply import filled
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.writer import CUTS
from lingma_proxy.errors import BrokenOff
from lingma_proxy.tools.invented import UntilInvented
from lingma_proxy.tools.parser import ToolParser
from lingma_proxy.tools.said import (
    CallArguments,
    CallBegan,
    CallBroken,
    CallEnded,
    Prose,
    Said,
    Toolbox,
)

LONGEST_SAID = 64 * 1024
"""Characters of an answer that are remembered, for a model that is asked again."""


def new_call_id() -> str:
    return f"call_{token_hex(12)}"


class Parts:
    """The parts that go out: one is open at a time, and each has the next number."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._index = 0
        self._head: Head | None = None
        """Of the part that is open."""
        self.calls = 0
        """That are complete."""

    def open(self, out: list[Event], head: Head) -> None:
        self.close(out)
        self._head = head
        out.append(PartStarted(self._index, head))

    def open_call(self, out: list[Event], name: str) -> None:
        self.open(out, ToolCall(self._new_id(), name, ""))

    def text(self, out: list[Event], text: str) -> None:
        if not isinstance(self._head, Text):
            self.open(out, Text(""))
        self.more(out, text)

    def more(self, out: list[Event], text: str) -> None:
        if text:
            out.append(PartDelta(self._index, text))

    def close(self, out: list[Event]) -> None:
        if self._head is not None:
            out.append(PartEnded(self._index))
            self._index += 1
            self._head = None

    def whole(self, out: list[Event], part: Head) -> None:
        """A part that is complete, at once."""
        if isinstance(part, ToolCall):
            self.open_call(out, part.name)
            self.more(out, part.arguments)
            self.calls += 1
        elif isinstance(part, Text | Thinking):
            self.open(out, replace(part, text=""))
            self.more(out, part.text)
        else:
            self.open(out, part)
        self.close(out)


class Listener:
    """Reads one reply.  `holds`: texts and calls are kept until `say`, instead of told.

    `started`: the client has heard the start of a reply already; `thinks`: it hears what is
    thought; `warnings` are added to those of the reply.
    """

    def __init__(
        self,
        toolbox: Toolbox,
        parts: Parts,
        *,
        holds: bool = False,
        started: bool = False,
        thinks: bool = True,
        warnings: tuple[str, ...] = (),
    ) -> None:
        self._toolbox = toolbox
        self._parts = parts
        self._holds = holds
        self._started = started
        self._thinks = thinks
        self._warnings = warnings
        self._parser: ToolParser | None = None
        """Of the text part that is being heard."""
        self._kept: list[tuple[Head, list[str]]] = []
        """Heads, and the pieces of their texts."""
        self._written: list[str] = []
        self._room = LONGEST_SAID
        self._ended: ReplyEnded | None = None
        self._until = UntilInvented()
        self.broken = ""
        """Why a call that has begun will not be completed, though nothing has cut it."""

    @property
    def said(self) -> str:
        """The text as the model wrote it; its beginning, if it is very long."""
        return "".join(self._written)

    @property
    def calls(self) -> list[ToolCall]:
        """Those that are kept."""
        parts = (filled(head, "".join(pieces)) for head, pieces in self._kept)
        return [part for part in parts if isinstance(part, ToolCall)]

    @property
    def over(self) -> bool:
        """Whether the answer has ended, though the model goes on: nothing is heard any more."""
        return self._until.over

    def hear(self, batch: Sequence[Event]) -> list[Event]:
        """What goes out at once.  Nothing comes after `broken` or `over`."""
        out: list[Event] = []
        for event in batch:
            # By far the most frequent event; `isinstance` is five times as quick as `match`.
            if isinstance(event, PartDelta):
                if self._parser is not None:
                    self._remember(event.text)
                    self._tell(out, self._parser.feed(event.text))
                elif self._thinks:
                    self._parts.more(out, event.text)
            elif isinstance(event, PartStarted):
                self._end_text(out, cut=False)
                if isinstance(event.head, Text):
                    self._parser = ToolParser(self._toolbox, streams=not self._holds)
                elif self._thinks:
                    self._parts.open(out, event.head)
            elif isinstance(event, ReplyStarted):
                if not self._started:
                    out.append(replace(event, warnings=(*event.warnings, *self._warnings)))
            elif isinstance(event, ReplyEnded):
                self._ended = event
                self._end_text(out, cut=event.reason in CUTS)
                self._parts.close(out)
            elif self._parser is None:  # a text is over when it is known what comes after it
                self._parts.close(out)
            if self.broken or self.over:
                break
        return out

    def say(self) -> list[Event]:
        """What was kept."""
        out: list[Event] = []
        for head, pieces in self._kept:
            self._parts.whole(out, filled(head, "".join(pieces)))
        self._kept.clear()
        return out

    def end(self) -> ReplyEnded:
        if self.over or self.broken:
            return ReplyEnded(FinishReason.STOP)
        if self._ended is None:
            raise BrokenOff("the reply ended before it was complete")
        return self._ended

    def _remember(self, text: str) -> None:
        if self._room > 0:
            self._written.append(text[: self._room])
            self._room -= len(text)

    def _end_text(self, out: list[Event], *, cut: bool) -> None:
        if self._parser is not None:
            self._tell(out, self._parser.end(cut=cut), cut=cut)
            self._take(out, self._until.end())
            self._parser = None
            if not self._holds:
                self._parts.close(out)

    def _tell(self, out: list[Event], said: Sequence[Said], *, cut: bool = False) -> None:
        self._take(out, self._until.feed(said), cut=cut)

    def _take(self, out: list[Event], said: Sequence[Said], *, cut: bool = False) -> None:
        if self._holds:
            self._keep(said, cut=cut)
            return
        for each in said:
            match each:
                case Prose(text):
                    self._parts.text(out, text)
                case CallBegan(name):
                    self._parts.open_call(out, name)
                case CallArguments(text):
                    self._parts.more(out, text)
                case CallEnded():
                    self._parts.close(out)
                    self._parts.calls += 1
                case CallBroken(why):
                    self._parts.close(out)
                    self.broken = "" if cut else why

    def _keep(self, said: Sequence[Said], *, cut: bool) -> None:
        for each in said:
            match each:
                case Prose(text):
                    if not self._kept or not isinstance(self._kept[-1][0], Text):
                        self._kept.append((Text(""), []))
                    self._kept[-1][1].append(text)
                case CallBegan(name):
                    self._kept.append((ToolCall("", name, ""), []))
                case CallArguments(text):
                    self._kept[-1][1].append(text)
                case CallEnded():
                    pass
                case CallBroken(why):
                    self.broken = "" if cut else why
