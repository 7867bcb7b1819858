"""A story: what the vendor says, and what it must amount to.

The vendor's side is a list of loose deltas and an ending.  From it come, each on its
own way, the events that `ReplyWriter` makes of them and the bytes that the vendor would
send.  The bytes are written from the description of the protocol, without the codec
that will read them: a second opinion.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, TypeAlias

from lingma_proxy.conversation.events import (
    Event,
    FinishReason,
    Head,
    PartDelta,
    PartStarted,
    Usage,
)
from lingma_proxy.conversation.reply import Reply, filled
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall, SearchResult
from lingma_proxy.conversation.writer import ReplyWriter
from lingma_proxy.errors import BackendRefused, ProxyError

# What the vendor says.


@dataclass(frozen=True, slots=True)
class Say:
    text: str


@dataclass(frozen=True, slots=True)
class Think:
    text: str


@dataclass(frozen=True, slots=True)
class Call:
    """A fragment of the call that the vendor numbers `index`."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Together:
    """Several deltas in one chunk."""

    deltas: "tuple[Say | Think | Call, ...]"


Delta: TypeAlias = Say | Think | Call | Together


# How it ends.


@dataclass(frozen=True, slots=True)
class Finished:
    reason: str | None = "stop"
    """As the vendor spells it; None: only the end marker says that it is over."""
    usage: dict[str, Any] | None = None
    """As the vendor spells it."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends; neither a finish reason nor an end marker was seen."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An envelope with an error."""

    status: int
    code: str
    message: str


Ending: TypeAlias = Finished | Cut | Refused


@dataclass(frozen=True, slots=True)
class Story:
    name: str
    script: tuple[Delta, ...]
    ending: Ending = Finished()
    # What it amounts to:
    parts: tuple[Head, ...] = ()
    reason: FinishReason = FinishReason.STOP
    usage: Usage | None = None
    error: type[ProxyError] | None = None
    """What is raised instead of an end, after the parts (the last of them unfinished)."""

    def failure(self) -> ProxyError:
        """The error, as a backend raises it."""
        assert self.error is not None, f"the story {self.name!r} ends well"
        message = f"This is the story {self.name!r}."
        if issubclass(self.error, BackendRefused):
            assert isinstance(self.ending, Refused)
            return self.error(message, upstream=self.ending.status, code=self.ending.code)
        return self.error(message)

    @property
    def reply(self) -> Reply:
        assert self.error is None, f"the story {self.name!r} has no reply"
        return Reply(ID, MODEL, self.parts, self.reason, self.usage)


ID = "reply_1"
MODEL = "qmodel"
CREATED = 1_700_000_000


def new_ids() -> Callable[[], str]:
    """Ids for calls that came without one, the same in every run."""
    numbers = count(1)
    return lambda: f"call_new_{next(numbers)}"


# As events.


def batches(story: Story) -> Iterator[list[Event]]:
    """One batch for each delta, as the writer makes them; raises the story's error."""
    writer = ReplyWriter(new_ids())
    if story.error is not None and not story.script:
        raise story.failure()
    yield writer.start(ID, MODEL)
    for delta in story.script:
        if events := list(say(writer, delta)):
            yield events
    if story.error is not None:
        raise story.failure()
    yield writer.end(story.reason, story.usage)


def say(writer: ReplyWriter, delta: Delta) -> list[Event]:
    match delta:
        case Say(text):
            return writer.text(text)
        case Think(text):
            return writer.thinking(text)
        case Call(index, id, name, arguments):
            return writer.tool_call(index, id, name, arguments)
        case Together(deltas):
            return [event for each in deltas for event in say(writer, each)]


# As bytes.


@dataclass(frozen=True, slots=True)
class Spelling:
    """The choices that the protocol leaves to the vendor."""

    enveloped: bool = True
    bare_done: bool = True
    """A `data:[DONE]` of its own."""
    enveloped_done: bool = True
    """An envelope whose body is `[DONE]`."""
    blank: bool = False
    """Between `data:` and the JSON."""
    line: str = "\n"
    comments: bool = False
    metrics: bool = False
    """The event that is no chunk: durations, and tokens by other names."""
    finish_with_content: bool = False
    """The reason comes in the same chunk as the last delta, not in one of its own."""
    usage_with_finish: bool = False
    """Else in a chunk after it, with no choices."""
    nulls: bool = False
    """A first chunk with the role alone, and null for all that is not said."""
    escaped: bool = False
    """All that is not ASCII as \\u…."""

    @property
    def marks_the_end(self) -> bool:
        return self.bare_done or self.enveloped_done


SPELLINGS: dict[str, Spelling] = {
    "enveloped": Spelling(),
    "enveloped done only": Spelling(bare_done=False),
    "direct": Spelling(enveloped=False, enveloped_done=False, blank=True),
    "no marker": Spelling(bare_done=False, enveloped_done=False),
    "CRLF and comments": Spelling(line="\r\n", comments=True, blank=True),
    "metrics": Spelling(metrics=True, usage_with_finish=True),
    "finish with content": Spelling(finish_with_content=True, usage_with_finish=True),
    "escaped": Spelling(escaped=True, enveloped_done=False),
    "nulls": Spelling(nulls=True),
}
"""Ways to send any story.  "no marker" suits only those whose ending has a reason."""


def sse(story: Story, spelling: Spelling = SPELLINGS["enveloped"]) -> bytes:
    """The bytes of the vendor's answer to a chat (its status is 200)."""
    bodies = [_chunk(_delta(delta)) for delta in story.script]
    if spelling.nulls and bodies:
        bodies = [_chunk({"role": "assistant"}), *bodies]
    after: list[bytes] = []
    match story.ending:
        case Finished(reason, usage):
            last = bodies.pop() if spelling.finish_with_content and bodies else _chunk({})
            last["choices"][0]["finish_reason"] = reason
            bodies.append(last)
            if usage is not None and spelling.usage_with_finish:
                last["usage"] = usage
            elif usage is not None:
                bodies.append({**_chunk({}), "choices": [], "usage": usage})
            if spelling.metrics:
                after.append(_event(_metrics(usage), spelling))
            if spelling.enveloped_done:
                after.append(_event(_envelope("[DONE]"), spelling))
            if spelling.bare_done:
                after.append(_line("[DONE]", spelling))
        case Cut():
            pass
        case Refused(status, code, message):
            said = json.dumps({"code": code, "message": message})
            after.append(_event({**_envelope(said), "statusCodeValue": status}, spelling))
    events = []
    for body in bodies:
        if spelling.nulls:
            _say_nulls(body)
        inner = _json(body, spelling)
        events.append(
            _event(_envelope(inner), spelling) if spelling.enveloped else _line(inner, spelling)
        )
    return b"".join((*events, *after))


def _delta(delta: Delta) -> dict[str, Any]:
    match delta:
        case Say(text):
            return {"content": text}
        case Think(text):
            return {"reasoning_content": text}
        case Call(index, id, name, arguments):
            function = {"name": name} if name else {}
            call = {"index": index, "function": {**function, "arguments": arguments}}
            return {"tool_calls": [{"id": id, "type": "function", **call} if id else call]}
        case Together(deltas):
            whole: dict[str, Any] = {}
            for each in deltas:
                for key, value in _delta(each).items():
                    whole[key] = whole[key] + value if key in whole else value
            return whole


def _chunk(delta: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        "choices": [{"index": 0, "delta": delta, "finish_reason": None}],
    }


def _say_nulls(chunk: dict[str, Any]) -> None:
    chunk.setdefault("usage", None)
    for choice in chunk["choices"]:
        delta = choice["delta"]
        for call in delta.get("tool_calls", ()):
            call.setdefault("id", None)
            call["function"].setdefault("name", None)
        for name in ("content", "reasoning_content", "tool_calls", "refusal"):
            delta.setdefault(name, None)


def _envelope(body: str) -> dict[str, Any]:
    return {"headers": {}, "body": body, "statusCodeValue": 200, "statusCode": "OK"}


def _metrics(usage: dict[str, Any] | None) -> dict[str, Any]:
    durations = {"firstTokenDuration": 10, "totalDuration": 20, "serverDuration": 20}
    if usage is None:
        return durations
    aliases = {
        "input_tokens": usage.get("prompt_tokens", usage.get("input_tokens")),
        "output_tokens": usage.get("completion_tokens", usage.get("output_tokens")),
    }
    return {**durations, "usage": aliases}


def _event(value: dict[str, Any], spelling: Spelling) -> bytes:
    return _line(_json(value, spelling), spelling)


def _json(value: dict[str, Any], spelling: Spelling) -> str:
    return json.dumps(value, ensure_ascii=spelling.escaped, separators=(",", ":"))


def _line(text: str, spelling: Spelling) -> bytes:
    comment = f": keep-alive{spelling.line}{spelling.line}" if spelling.comments else ""
    blank = " " if spelling.blank else ""
    return f"{comment}data:{blank}{text}{spelling.line}{spelling.line}".encode()


# What was heard, whether it is complete or not.


def text_of(part: Head) -> str:
    """What its deltas said."""
    match part:
        case Text(text) | Thinking(text):
            return text
        case ToolCall(_, _, arguments):
            return arguments
        case SearchCall() | SearchResult():
            return ""


def hear(batches: Iterable[Sequence[Event]]) -> tuple[list[Event], ProxyError | None]:
    """All that is said, and the error that ends it if one does."""
    events: list[Event] = []
    try:
        for batch in batches:
            events += batch
    except ProxyError as error:
        return events, error
    return events, None


def heard_parts(events: Sequence[Event]) -> list[Head]:
    """The parts of a reply that may have been broken off."""
    heads: list[Head] = []
    texts: list[str] = []
    for event in events:
        match event:
            case PartStarted(_, head):
                heads.append(head)
                texts.append("")
            case PartDelta(_, text):
                texts[-1] += text
            case _:
                pass
    return [filled(head, text) for head, text in zip(heads, texts, strict=True)]
