"""OpenAI Chat: `POST /v1/chat/completions`.

Reference: https://platform.openai.com/docs/api-reference/chat

A stream is a sequence of chunks, each choice's in this order, those of several mixed:

    role ( content | reasoning_content | call arguments* )* finish

then, if asked for, one chunk with the usage and no choices, then `[DONE]`.  The chunk
with the role says `"content": ""` if text comes first and `null` if anything else does,
so that a client that adds up the chunks has what an unstreamed answer says.
"""

from collections.abc import Sequence
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
from lingma_proxy.conversation.reply import Reply
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.search import SearchCall, SearchResult
from lingma_proxy.dialect import Asked, Dialect
from lingma_proxy.dialects.openai_chat_request import ChatAsked, decode
from lingma_proxy.dialects.openai_custom_tools import InputReader, as_input
from lingma_proxy.dialects.openai_shared import error_body
from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import Json, JsonObject, dumpb
from lingma_proxy.wire import sse

DONE = sse.encode(b"[DONE]")
HEARTBEAT = sse.comment("keep-alive")
GAP = "\x00the delta\x00"
"""Stands in a template for the text that is still to come."""
GAP_ENCODED = dumpb(GAP)


def answer_id(asked: Asked) -> str:
    return f"chatcmpl-{asked.request.id.removeprefix('req_')}"


def answers_with_functions(asked: Asked) -> bool:
    return isinstance(asked, ChatAsked) and asked.functions


def custom_tools(asked: Asked) -> frozenset[str]:
    return asked.customs if isinstance(asked, ChatAsked) else frozenset()


@dataclass(slots=True, eq=False)
class Voice:
    """One of the replies, as far as it has been said."""

    calls: int = 0
    writes: bool = False
    """The part that is open is text."""
    wrote: bool = False
    """There was such a part, so the content is a string, if only an empty one."""
    content: bool = False
    """The client knows that by now."""
    before: bytes = b""
    after: bytes = b""
    """Around the deltas of the part that is open; nothing if the part is not shown."""
    input: InputReader | None = None
    """Of a custom tool's call: its input, out of its arguments."""
    usage: Usage | None = None


class ChatEncoder:
    """Templates are made once per part; per delta only its text is encoded."""

    def __init__(self, asked: Asked, now: int) -> None:
        self._asked = asked
        self._functions = answers_with_functions(asked)
        self._customs = custom_tools(asked)
        self._thoughts = asked.request.reasoning.shown
        self._head: JsonObject = {
            "id": answer_id(asked),
            "object": "chat.completion.chunk",
            "created": now,
            "model": asked.request.model,
            "service_tier": "default",
            "system_fingerprint": None,
        }
        self._started = False
        self._voices = [Voice() for _ in range(asked.choices)]
        self._introduced = 0
        """How many of the choices have said their role: always the first ones."""

    def encode(self, events: Sequence[Event], choice: int = 0) -> bytes:
        voice = self._voices[choice]
        said: list[bytes] = []
        for event in events:
            if type(event) is PartDelta:  # by far the most frequent
                text = event.text if voice.input is None else voice.input.feed(event.text)
                if voice.before and text:
                    if voice.writes:
                        voice.content = True
                    said += (voice.before, dumpb(text), voice.after)
                continue
            match event:
                case PartEnded() if voice.input is not None:
                    rest, voice.input = voice.input.end(), None
                    said += (voice.before, dumpb(rest), voice.after) if rest else ()
                case PartStarted(_, head):
                    said.append(self._start(choice, voice, head))
                case ReplyStarted() if not self._started:
                    self._started = True
                    self._head["model"] = event.model
                case ReplyEnded(reason, usage):
                    voice.usage = usage
                    said.append(self._finish(choice, voice, reason))
        return b"".join(said)

    def end(self) -> bytes:
        usage = spent([voice.usage for voice in self._voices])
        if not self._asked.usage or usage is None:
            return DONE
        return self._line({**self._head, "choices": [], "usage": usage}) + DONE

    def fail(self, error: ProxyError) -> bytes:
        # Nothing needs closing: a choice without a finish reason is one that broke off.
        return self._line(error_body(error, self._asked.request.id)) + DONE

    def heartbeat(self) -> bytes:
        return HEARTBEAT

    def _start(self, choice: int, voice: Voice, head: Head) -> bytes:
        voice.writes = isinstance(head, Text)
        match head:
            case Text():
                opening = self._introduce(choice, "")
                voice.wrote = True
                self._template(choice, voice, {"content": GAP})
            case SearchCall() | SearchResult():
                opening = b""  # Chat has no word for them
                voice.before = voice.after = b""
            case Thinking() if not self._thoughts:
                opening = b""
                voice.before = voice.after = b""
            case Thinking():
                opening = self._introduce(choice, None)
                self._template(choice, voice, {"reasoning_content": GAP})
            case ToolCall(id, name, _) if name in self._customs:
                opening = self._introduce(choice, None)
                voice.input = InputReader()
                first, more = custom_call(voice.calls, id, name)
                voice.calls += 1
                opening += self._chunk(choice, first)
                self._template(choice, voice, more)
            case ToolCall(id, name, _):
                opening = self._introduce(choice, None)
                first, more = call(voice.calls, id, name, functions=self._functions)
                voice.calls += 1
                opening += self._chunk(choice, first)
                self._template(choice, voice, more)
        return opening

    def _introduce(self, choice: int, content: str | None) -> bytes:
        """The role, if it has not been said.

        Clients add up choices in the order in which they first hear of them, so those
        with lower numbers are introduced before.
        """
        said = b""
        for each in range(self._introduced, choice + 1):
            known = content if each == choice else None
            self._voices[each].content = known is not None
            role = {"role": "assistant", "content": known, "refusal": None}
            said += self._chunk(each, role)
        self._introduced = max(self._introduced, choice + 1)
        return said

    def _finish(self, choice: int, voice: Voice, reason: FinishReason) -> bytes:
        said = self._introduce(choice, None if voice.calls else "")
        owed = not voice.content and (voice.wrote or not voice.calls)
        delta = {"content": ""} if owed else {}
        word = finish(reason, voice.calls, functions=self._functions)
        return said + self._chunk(choice, delta, word)

    def _template(self, choice: int, voice: Voice, delta: JsonObject) -> None:
        voice.before, voice.after = self._chunk(choice, delta).rsplit(GAP_ENCODED, 1)

    def _chunk(self, choice: int, delta: JsonObject, finish: str | None = None) -> bytes:
        said = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": finish}
        chunk = {**self._head, "choices": [said]}
        if self._asked.usage:
            chunk["usage"] = None
        return self._line(chunk)

    def _line(self, value: Json) -> bytes:
        return sse.encode(dumpb(value))


def call(number: int, id: str, name: str, *, functions: bool) -> tuple[JsonObject, JsonObject]:
    """How a call begins, and how it goes on.

    Among `functions` the first call is the `function_call`.  A model that was told to
    make only one may still make more: these are said as `tool_calls`, so none is lost.
    """
    if functions and number == 0:
        return (
            {"function_call": {"name": name, "arguments": ""}},
            {"function_call": {"arguments": GAP}},
        )
    index = number - functions
    function = {"name": name, "arguments": ""}
    return (
        {"tool_calls": [{"index": index, "id": id, "type": "function", "function": function}]},
        {"tool_calls": [{"index": index, "function": {"arguments": GAP}}]},
    )


def custom_call(index: int, id: str, name: str) -> tuple[JsonObject, JsonObject]:
    """The same for a tool whose input is text."""
    custom = {"name": name, "input": ""}
    return (
        {"tool_calls": [{"index": index, "id": id, "type": "custom", "custom": custom}]},
        {"tool_calls": [{"index": index, "custom": {"input": GAP}}]},
    )


def finish(reason: FinishReason, calls: int, *, functions: bool) -> str:
    """Clients run the calls when told so, and look for some when told so: it must be true."""
    match reason:
        case FinishReason.STOP | FinishReason.TOOL_CALLS if calls:
            return "function_call" if functions else "tool_calls"
        case FinishReason.STOP | FinishReason.TOOL_CALLS:
            return "stop"
        case FinishReason.LENGTH:
            return "length"
        case FinishReason.CONTENT_FILTER:
            return "content_filter"


def spent(usages: Sequence[Usage | None]) -> JsonObject | None:
    """The tokens of all choices: what they said is summed, what was asked counts once."""
    known = [usage for usage in usages if usage is not None]
    if not known:
        return None
    prompt, completion = known[0].input, sum(usage.output for usage in known)
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": known[0].cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": sum(usage.reasoning for usage in known),
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def whole(asked: Asked, replies: Sequence[Reply], now: int) -> JsonObject:
    functions, customs = answers_with_functions(asked), custom_tools(asked)
    return {
        "id": answer_id(asked),
        "object": "chat.completion",
        "created": now,
        "model": replies[0].model,
        "choices": [
            {
                "index": index,
                "message": message(
                    reply,
                    thoughts=asked.request.reasoning.shown,
                    functions=functions,
                    customs=customs,
                ),
                "logprobs": None,
                "finish_reason": finish(reply.reason, len(calls_of(reply)), functions=functions),
            }
            for index, reply in enumerate(replies)
        ],
        "usage": spent([reply.usage for reply in replies]),
        "service_tier": "default",
        "system_fingerprint": None,
    }


def calls_of(reply: Reply) -> list[ToolCall]:
    return [part for part in reply.parts if isinstance(part, ToolCall)]


def message(
    reply: Reply, *, thoughts: bool, functions: bool, customs: frozenset[str] = frozenset()
) -> JsonObject:
    """What was said.  The content is null if there are only calls, "" if there is nothing."""
    texts = [part.text for part in reply.parts if isinstance(part, Text)]
    calls = calls_of(reply)
    said: JsonObject = {
        "role": "assistant",
        "content": "".join(texts) if texts or not calls else None,
        "refusal": None,
        "annotations": [],
    }
    thinking = "".join(part.text for part in reply.parts if isinstance(part, Thinking))
    if thinking and thoughts:
        said["reasoning_content"] = thinking
    if functions and calls:
        first = calls.pop(0)
        said["function_call"] = {"name": first.name, "arguments": first.arguments}
    if calls:
        said["tool_calls"] = [tool_call(each, customs) for each in calls]
    return said


def tool_call(call: ToolCall, customs: frozenset[str]) -> JsonObject:
    if call.name in customs:
        custom = {"name": call.name, "input": as_input(call.arguments)}
        return {"id": call.id, "type": "custom", "custom": custom}
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


DIALECT = Dialect(
    name="openai_chat",
    paths=("/v1/chat/completions", "/api/v1/chat/completions"),
    media_type="text/event-stream",
    decode=decode,
    encoder=ChatEncoder,
    whole=whole,
    error=error_body,
)
