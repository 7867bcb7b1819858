"""Let the model go on where the client's last message, an assistant's, stops.

The vendor knows no prefill: to it, the assistant has spoken and is asked to speak again.
So it is told to go on, and if it nevertheless begins by repeating what stands there, the
repetition is taken away.
"""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from lingma_proxy.backend import EventStream
from lingma_proxy.conversation.events import Event, PartDelta, PartEnded, PartStarted
from lingma_proxy.conversation.request import ChatRequest, Message, Text, ToolCall
from lingma_proxy.policies.base import Policy

GO_ON = Message(
    "system",
    (
        Text(
            "The assistant's last message is unfinished. Continue it from its very last"
            " character, as if there had been no interruption: do not repeat any of it, do not"
            " comment on it, and begin with a space or a line break only if the text needs one"
            " there."
        ),
    ),
)


def prefill(request: ChatRequest) -> str:
    """The text that the reply is to continue; "" if there is none.

    It is the text at the very end of a last message from the assistant.  One that ends with
    a tool call is not to be continued, nor is mere white space; and an answer that has to be
    JSON is always a whole one.
    """
    if not request.messages or request.response_format is not None:
        return ""
    last = request.messages[-1]
    if last.role != "assistant":
        return ""
    text = ""
    for part in reversed(last.parts):
        if not isinstance(part, Text):
            break
        text = part.text + text
    return text if text.strip() else ""


class Repetition:
    """Takes a repetition of the prefill away from the beginning of the first text."""

    def __init__(self, prefill: str) -> None:
        self._prefill = prefill
        self._repeated = 0
        """Characters of it that have come again, and are held back."""
        self._in_text = False
        self.over = False
        """Whether all that follows goes through untouched."""

    def feed(self, batch: Sequence[Event]) -> Sequence[Event]:
        if self.over:
            return batch
        out: list[Event] = []
        for event in batch:
            match event:
                case PartDelta(index, text) if self._in_text and not self.over:
                    rest = self._next(text)
                    if rest:
                        out.append(PartDelta(index, rest))
                    continue
                case PartStarted(_, Text()):
                    self._in_text = True
                case PartStarted(_, ToolCall()):
                    self.over = True
                case PartEnded(index):
                    if self._repeated and not self.over:
                        out.append(PartDelta(index, self._prefill[: self._repeated]))
                        self.over = True
                    self._in_text = False
                case _:
                    pass
            out.append(event)
        return out

    def _next(self, text: str) -> str:
        expected = self._prefill[self._repeated : self._repeated + len(text)]
        if not text.startswith(expected):
            self.over = True
            return self._prefill[: self._repeated] + text
        self._repeated += len(expected)
        self.over = self._repeated == len(self._prefill)
        return text[len(expected) :]


class ContinuePrefill(Policy):
    def reply(self, request: ChatRequest) -> EventStream:
        text = prefill(request)
        return self._go_on(request, text) if text else self.inner.reply(request)

    async def _go_on(self, request: ChatRequest, text: str) -> EventStream:
        repetition = Repetition(text)
        told = replace(request, messages=(*request.messages, GO_ON))
        async with aclosing(self.inner.reply(told)) as events:
            async for batch in events:
                out = repetition.feed(batch)
                if out:
                    yield out
