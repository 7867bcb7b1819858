"""Hold the model to JSON, where the request demands it.

The model is told what is wanted; its answer is checked before a word of it goes out; if it
does not fit, the model is asked once more, with what was wrong.  A second failure is an
error that says why, never an answer that does not fit.

While that goes on, the start of the reply, thinking and tool calls pass at once.  A reply
that calls tools has not answered yet, and one that was cut (by its length, by a filter, by
the client's own stop sequence) is not whole: their text goes out as it is.
"""

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING

from lingma_proxy.aside import aside
from lingma_proxy.backend import EventStream
from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    PartDelta,
    PartEnded,
    PartStarted,
    ReplyEnded,
    ReplyStarted,
    added,
)
from lingma_proxy.conversation.request import (
    ChatRequest,
    Message,
    ResponseFormat,
    Text,
    ToolCall,
)
from lingma_proxy.errors import BrokenOff, InvalidRequest, UnfitAnswer
from lingma_proxy.jsonio import Json, JsonObject, dumps, is_object, loads
from lingma_proxy.policies.base import Policy
from lingma_proxy.tools.schema import Check, Unusable
from lingma_proxy.tools.schema import by_schema as schema_check

if TYPE_CHECKING:
    from lingma_proxy.conversation.events import Usage

FENCE = "```"


class AnswerInJson(Policy):
    def reply(self, request: ChatRequest) -> EventStream:
        if request.response_format is None:
            return self.inner.reply(request)
        return self._in_json(request, request.response_format)

    async def _in_json(self, request: ChatRequest, wanted: ResponseFormat) -> EventStream:
        # In a thread, because the first time it loads the validator, which takes a while.
        check = await aside(lambda: checker(wanted))
        asked = instructed(request, wanted)
        listener = Listener()
        usage: Usage | None = None
        complaint = ""
        for _ in ("the answer", "its repair"):
            async with aclosing(self.inner.reply(asked)) as events:
                async for batch in events:
                    out = listener.hear(batch)
                    if out:
                        yield out
            ended = listener.end()
            usage = added(usage, ended.usage)
            ended = replace(ended, usage=usage)
            if listener.calls or ended.reason is not FinishReason.STOP or ended.stop_sequence:
                yield [*listener.say(*listener.texts), ended]
                return
            answer = "".join(listener.texts)
            fitting, complaint = fitted(answer, check)
            if fitting is not None:
                yield [*listener.say(fitting), ended]
                return
            asked = repairing(asked, answer, complaint)
            listener.texts.clear()
        raise UnfitAnswer(
            "The model answered twice, but not in the JSON that the request demands:"
            f" {complaint}. Ask again, or ask for something simpler."
        )


class Listener:
    """Lets through what may go out at once, and keeps the text."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        """The text parts that were kept."""
        self.calls = False
        """Whether a tool was called.  From then on nothing more is kept."""
        self._started = False
        self._ended: ReplyEnded | None = None
        self._index = 0
        """Of the part that goes out, or of the next one."""
        self._kept: list[str] | None = None
        """The pieces of the text part that is being kept."""

    def hear(self, batch: Sequence[Event]) -> list[Event]:
        """The events that may go out at once; a second reply goes on where the first ended."""
        out: list[Event] = []
        for event in batch:
            match event:
                case ReplyStarted():
                    if not self._started:
                        out.append(event)
                    self._started = True
                case PartStarted(_, Text()) if not self.calls:
                    self._kept = []
                case PartStarted(_, head):
                    if isinstance(head, ToolCall) and not self.calls:
                        self.calls = True
                        out += self.say(*self.texts)
                        self.texts.clear()
                    out.append(PartStarted(self._index, head))
                case PartDelta(_, text):
                    if self._kept is not None:
                        self._kept.append(text)
                    else:
                        out.append(PartDelta(self._index, text))
                case PartEnded():
                    if self._kept is not None:
                        self.texts.append("".join(self._kept))
                        self._kept = None
                    else:
                        out.append(PartEnded(self._index))
                        self._index += 1
                case ReplyEnded():
                    self._ended = event
        return out

    def say(self, *texts: str) -> list[Event]:
        """Text parts, whole."""
        out: list[Event] = []
        for text in texts:
            out.append(PartStarted(self._index, Text("")))
            if text:
                out.append(PartDelta(self._index, text))
            out.append(PartEnded(self._index))
            self._index += 1
        return out

    def end(self) -> ReplyEnded:
        ended, self._ended = self._ended, None
        if ended is None:
            raise BrokenOff("the reply ended before it was complete")
        return ended


def instructed(request: ChatRequest, wanted: ResponseFormat) -> ChatRequest:
    """The request, with what is wanted said after the system messages that lead it."""
    answer = "When you answer in text, answer" if request.tools else "Answer"
    if wanted.schema is None:
        told = f"{answer} with one JSON object and nothing else: no explanation, no code fence."
    else:
        told = (
            f"{answer} with one JSON value and nothing else: no explanation, no code fence."
            f" The value must fit this JSON Schema: {dumps(wanted.schema)}"
        )
    at = 0
    while at < len(request.messages) and request.messages[at].role == "system":
        at += 1
    message = Message("system", (Text(told),))
    return replace(request, messages=(*request.messages[:at], message, *request.messages[at:]))


def repairing(request: ChatRequest, answer: str, complaint: str) -> ChatRequest:
    """The request again, after an answer that does not fit."""
    failed = (Message("assistant", (Text(answer),)),) if answer.strip() else ()
    told = (
        f"This is not the JSON that was asked for: {complaint}."
        " Answer again, with the whole corrected JSON and nothing else."
    )
    return replace(request, messages=(*request.messages, *failed, Message("user", (Text(told),))))


def fitted(answer: str, check: Check) -> tuple[str | None, str]:
    """The text of the value that fits, in the model's own spelling; or None, and why not."""
    try:
        value = loads(answer)
    except ValueError as error:
        complaint = f"it is not JSON ({error})" if answer.strip() else "it is empty"
    else:
        wrong = check(value)
        return (answer, "") if wrong is None else (None, wrong)
    for candidate in wrapped(answer):
        try:
            value = loads(candidate)
        except ValueError:
            continue
        wrong = check(value)
        if wrong is None:
            return candidate, ""
        complaint = wrong
    return None, complaint


def wrapped(answer: str) -> Iterator[str]:
    """What may be the one value in an answer that has more around it.

    A code fence around everything; or prose around an object or an array, whichever begins
    first: from its first bracket to its last, which is JSON only if there is just one.
    """
    bare = answer.strip()
    if bare.startswith(FENCE) and bare.endswith(FENCE) and "\n" in bare:
        yield bare[: -len(FENCE)].partition("\n")[2]
    spans = [(answer.find(begin), answer.rfind(end) + 1) for begin, end in ("{}", "[]")]
    for begin, end in sorted(spans):
        if 0 <= begin < end:
            yield answer[begin:end]


def checker(wanted: ResponseFormat) -> Check:
    """The check of a format.  Raises InvalidRequest if its schema is none."""
    return any_object if wanted.schema is None else by_schema(wanted.schema)


def any_object(value: Json) -> str | None:
    return None if is_object(value) else "it is JSON, but not an object"


def by_schema(schema: JsonObject) -> Check:
    try:
        return schema_check(schema)
    except Unusable as error:
        raise InvalidRequest(
            f"The JSON Schema of the response format cannot be used: {error}.",
            param="response_format",
        ) from None
