"""Replies in Ollama's words: lines of JSON, and the same said at once.

    ( text | thinking | call )* ( done | error )

Each line is an object of its own, with the time at which it was said.  Text and thinking
leave as they come.  A call leaves when it is complete, in one line: its arguments are an
object there, not text, and half an object cannot be said.  The spelling inside it stays the
model's.  A call that was cut off by a limit is no call and is left out; `done_reason` says
that there was a limit.  Arguments that are no object for any other reason are an error.

A sign of life is a line whose text is empty: there are no comments, and a blank line is an
error to the official clients, while this one adds nothing to what they add up.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

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
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.dialect import Asked
from lingma_proxy.dialects.anthropic_arguments import as_input
from lingma_proxy.dialects.ollama_request import OllamaAsked
from lingma_proxy.errors import ProtocolError, ProxyError
from lingma_proxy.jsonio import Json, JsonObject, dumpb, joined
from lingma_proxy.wire import ndjson

Words = Callable[[JsonObject], JsonObject]
"""Where what is said (`content`, `thinking`, `tool_calls`) stands in a line."""

CUT = (FinishReason.LENGTH, FinishReason.CONTENT_FILTER)
REASONS = {
    FinishReason.STOP: "stop",
    FinishReason.TOOL_CALLS: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.CONTENT_FILTER: "content_filter",
}
"""The last is none of Ollama's, but to call it `stop` would be to hide it."""
GOES_ON: JsonObject = {"done": False}
TIME, GAP = "\x00the time\x00", "\x00the text\x00"
"""Stand in a template for what differs from line to line."""
TIME_ENCODED, GAP_ENCODED = dumpb(TIME), dumpb(GAP)


def in_chat(said: JsonObject) -> JsonObject:
    return {"message": {"role": "assistant", **said}}


def in_generate(said: JsonObject) -> JsonObject:
    return {"response": said["content"], **{key: said[key] for key in said if key != "content"}}


class Template(NamedTuple):
    """A line in three pieces, with room for its time and its text."""

    before: bytes
    between: bytes
    after: bytes


class OllamaEncoder:
    """Templates are made once per reply; per delta only its text is encoded."""

    def __init__(self, words: Words, asked: Asked, now: int) -> None:
        self._words = words
        self._asked = asked
        self._now = now
        self._thoughts = asked.request.reasoning.shown
        self._model = asked.request.model
        self._template: Template | None = None
        """For the deltas of the part that is open; None if they are not shown as they come."""
        self._call: ToolCall | None = None
        self._arguments: list[str] = []
        self._calls = 0
        self._done: JsonObject = {}
        self._unfit: ProtocolError | None = None
        """There is a call that cannot be said.  Whether that is an error, the end will tell."""

    def encode(self, events: Sequence[Event], choice: int = 0) -> bytes:  # noqa: ARG002 - Ollama knows one reply
        """Raises ProtocolError if a call that was not cut has arguments that are no object."""
        said: list[bytes] = []
        time = dumpb(self._time())
        for event in events:
            if type(event) is PartDelta:  # by far the most frequent
                if self._template is not None:
                    before, between, after = self._template
                    said += (before, time, between, ndjson.unbroken(dumpb(event.text)), after)
                elif self._call is not None:
                    self._arguments.append(event.text)
                continue
            match event:
                case PartStarted(_, head):
                    self._start(head)
                case PartEnded():
                    said.append(self._end_part())
                case ReplyStarted():
                    self._model = event.model
                case ReplyEnded(reason, usage):
                    self._finish(reason, usage)
        return b"".join(said)

    def end(self) -> bytes:
        return self._line({"content": ""}, self._done)

    def fail(self, error: ProxyError) -> bytes:
        return line(error_body(error, self._asked.request.id))

    def heartbeat(self) -> bytes:
        return self._line({"content": ""})

    def _start(self, head: Head) -> None:
        self._template = None
        match head:
            case Text():
                self._template = self._with_gap({"content": GAP})
            case Thinking() if self._thoughts:
                self._template = self._with_gap({"content": "", "thinking": GAP})
            case Thinking():
                pass
            case ToolCall():
                self._call, self._arguments = head, []

    def _end_part(self) -> bytes:
        self._template = None
        call, self._call = self._call, None
        if call is None:
            return b""
        try:
            written = as_written(call.name, "".join(self._arguments))
        except ProtocolError as error:
            self._unfit = error
            return b""
        said = self._line({"content": "", "tool_calls": [described(call, self._calls, written)]})
        self._calls += 1
        return said

    def _finish(self, reason: FinishReason, usage: Usage | None) -> None:
        """The last line is for `end`: a sign of life may still come before it."""
        if self._unfit is not None and reason not in CUT:
            raise self._unfit
        self._done = done(self._asked, reason, usage)

    def _with_gap(self, said: JsonObject) -> Template:
        template = line({**self._head(TIME), **self._words(said), **GOES_ON})
        before, rest = template.split(TIME_ENCODED, 1)
        return Template(before, *rest.rsplit(GAP_ENCODED, 1))

    def _line(self, said: JsonObject, end: JsonObject = GOES_ON) -> bytes:
        return line({**self._head(self._time()), **self._words(said), **end})

    def _head(self, time: str) -> JsonObject:
        return {"model": self._model, "created_at": time}

    def _time(self) -> str:
        return moment(self._asked, self._now)


def whole(words: Words, asked: Asked, replies: Sequence[Reply], now: int) -> JsonObject:
    """Raises ProtocolError if a call that was not cut has arguments that are no object."""
    reply = replies[0]
    said: JsonObject = {"content": "".join(it.text for it in reply.parts if isinstance(it, Text))}
    thinking = "".join(part.text for part in reply.parts if isinstance(part, Thinking))
    if thinking and asked.request.reasoning.shown:
        said["thinking"] = thinking
    calls = [
        described(call, at, written) for at, (call, written) in enumerate(complete_calls(reply))
    ]
    if calls:
        said["tool_calls"] = calls
    head = {"model": reply.model, "created_at": moment(asked, now)}
    return {**head, **words(said), **done(asked, reply.reason, reply.usage)}


def complete_calls(reply: Reply) -> Iterator[tuple[ToolCall, bytes]]:
    """The calls of a reply and their arguments, without those that a limit has cut."""
    for part in reply.parts:
        if isinstance(part, ToolCall):
            try:
                written = as_written(part.name, part.arguments)
            except ProtocolError:
                if reply.reason not in CUT:
                    raise
                continue
            yield part, written


def as_written(name: str, arguments: str) -> bytes:
    """Arguments that are an object, as the model spelled them, in one line.

    Raises ProtocolError.  Line breaks can only be between the words of JSON, where they say
    nothing.
    """
    if not as_input(name, arguments, cut=False):
        return b"{}"
    return joined(arguments).strip().replace("\n", "").replace("\r", "").encode()


def described(call: ToolCall, index: int, arguments: bytes) -> JsonObject:
    function = {"index": index, "name": call.name, "arguments": msgspec.Raw(arguments)}
    return {"id": call.id, "function": function}


def done(asked: Asked, reason: FinishReason, usage: Usage | None) -> JsonObject:
    """How it ended, and what it took; nothing of that if nothing was asked.

    Times are what we measured: until the first piece came (`prompt_eval_duration`), and from
    there to the end (`eval_duration`); if it came all at once, to the end from the beginning.
    What the vendor needs to load a model, it does not say.
    """
    if not asked.asks:
        unloads = isinstance(asked, OllamaAsked) and asked.unloads
        return {"done": True, "done_reason": "unload" if unloads else "load"}
    total, first = asked.watch.elapsed(), asked.watch.first or 0
    counts = usage or Usage()
    return {
        "done": True,
        "done_reason": REASONS[reason],
        "total_duration": total,
        "load_duration": 0,
        "prompt_eval_count": counts.input,
        "prompt_eval_duration": first,
        "eval_count": counts.output,
        "eval_duration": total - first,
    }


def moment(asked: Asked, now: int) -> str:
    """RFC 3339, to the microsecond: more digits than that are too many for some readers."""
    seconds, nanoseconds = divmod(asked.watch.time(now), 10**9)
    time = datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
    return f"{time.isoformat()}.{nanoseconds // 1000:06}Z"


def error_body(error: ProxyError, request_id: str) -> JsonObject:
    """`{"error": "…"}`: a string, for that is what the official clients show."""
    ours = error.status >= 500
    return {"error": f"{error.message} (request {request_id})" if ours else error.message}


def line(value: Json) -> bytes:
    return ndjson.encode(ndjson.unbroken(dumpb(value)))
