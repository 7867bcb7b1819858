"""Replies in Anthropic's words: streamed, whole, and when they fail.

    message_start
    ( content_block_start content_block_delta* content_block_stop )*
    message_delta message_stop                       or, in place of what is left: error

`ping` may come anywhere.  Blocks have consecutive indices from 0, which are not those of
our parts: thoughts that the client did not ask to see make no block, and neither does
text or thinking that stays empty.
"""

from collections.abc import Sequence
from typing import Any, assert_never

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
from lingma_proxy.dialect import Asked
from lingma_proxy.dialects.anthropic_arguments import as_input
from lingma_proxy.dialects.anthropic_search import call_block, result_block
from lingma_proxy.errors import ProxyError
from lingma_proxy.jsonio import JsonObject, dumpb, dumps
from lingma_proxy.wire import sse

UNSIGNED = "bGluZ21hLXByb3h5OiB1bnNpZ25lZA=="
"""The signature of thinking that nobody has signed ("lingma-proxy: unsigned").

Clients send thinking back only if it is signed, and some take an empty signature for
none.  Ours vouches for nothing, and none is checked when it comes back.
"""

PING = sse.encode(b'{"type":"ping"}', "ping")
STOP = sse.encode(b'{"type":"message_stop"}', "message_stop")

STOP_REASONS: dict[FinishReason, str] = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.CONTENT_FILTER: "refusal",
}
CUT = {FinishReason.LENGTH, FinishReason.CONTENT_FILTER}
"""Ends that may come in the middle of a call."""

ERROR_TYPES: dict[int, str] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""By status; other 4xx are the request's fault, other 5xx an `api_error`.

Both limits, ours and the vendor's, are 429: clients heed its `Retry-After`, and with 529
there is none.  Within a stream, where there is no status, `overloaded_error` is what a
client knows to mean "not now", so that is how an unreachable vendor (503) is said.
"""


def error_body(error: ProxyError, id: str) -> JsonObject:
    fallback = "invalid_request_error" if 400 <= error.status < 500 else "api_error"
    said: JsonObject = {
        "type": ERROR_TYPES.get(error.status, fallback),
        "message": error.message,
    }
    if error.details is not None:
        said["details"] = dict(error.details)
    return {"type": "error", "error": said, "request_id": id}


def message_id(id: str) -> str:
    """Anthropic's messages are `msg_…`; the backend's own ids are of any kind."""
    return id if id.startswith("msg_") else f"msg_{id.removeprefix('chatcmpl-')}"


def usage_body(usage: Usage | None) -> JsonObject:
    """As `message_delta` says it.  Anthropic counts what the cache gave apart from `input`."""
    usage = usage or Usage()
    return {
        "input_tokens": max(0, usage.input - usage.cached),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output,
        "output_tokens_details": {"thinking_tokens": usage.reasoning},
        "server_tool_use": {"web_search_requests": usage.searches, "web_fetch_requests": 0}
        if usage.searches
        else None,
    }


def message_usage(usage: Usage | None) -> JsonObject:
    """As a message says it: with what does not change on the way."""
    return {
        **usage_body(usage),
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }


def message_body(
    id: str, model: str, content: list[JsonObject], usage: Usage | None, end: JsonObject
) -> JsonObject:
    return {
        "id": message_id(id),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        **end,
        "usage": message_usage(usage),
    }


def end_body(reason: FinishReason | None, stop_sequence: str | None) -> JsonObject:
    stopped = reason is FinishReason.STOP and stop_sequence is not None
    return {
        "stop_reason": "stop_sequence" if stopped else reason and STOP_REASONS[reason],
        "stop_sequence": stop_sequence,
        "stop_details": None,
    }


def whole(asked: Asked, replies: Sequence[Reply], now: int) -> JsonObject:  # noqa: ARG001 - Anthropic's messages carry no time
    """The body of an unstreamed answer.

    Raises ProtocolError if a call that was not cut has arguments that are not an object.
    """
    (reply,) = replies
    cut = reply.reason in CUT
    content: list[JsonObject] = []
    for at, part in enumerate(reply.parts):
        match part:
            case Text("") | Thinking(""):
                pass
            case Text(text):
                content.append({"type": "text", "text": text})
            case Thinking(text, signature) if asked.request.reasoning.shown:
                signed = signature or UNSIGNED
                content.append({"type": "thinking", "thinking": text, "signature": signed})
            case ToolCall(id, name, arguments):
                last = at == len(reply.parts) - 1
                input = as_input(name, arguments, cut=cut and last)
                content.append({"type": "tool_use", "id": id, "name": name, "input": input})
            case SearchCall():
                content.append(call_block(part))
            case SearchResult():
                content.append(result_block(part))
    end = end_body(reply.reason, reply.stop_sequence)
    return message_body(reply.id, reply.model, content, reply.usage, end)


class AnthropicEncoder:
    """Says one stream.  An `Encoder` (see `dialect`)."""

    def __init__(self, asked: Asked, now: int) -> None:  # noqa: ARG002 - Anthropic's events carry no time
        self._request_id = asked.request.id
        self._shown = asked.request.reasoning.shown
        self._head: Head | None = None
        """The part that is being said; None between parts, and while nobody may see it."""
        self._index = 0
        self._open = False
        self._blank: str | None = None
        """Blanks before the arguments of a call: an SDK cannot parse them by themselves.

        None: the arguments have begun.
        """
        self._delta = b""
        """How a delta of this block begins."""
        self._over = False

    def encode(self, events: Sequence[Event], choice: int = 0) -> bytes:  # noqa: ARG002 - Anthropic knows one reply
        if self._over:
            return b""
        said: list[bytes] = []
        for event in events:
            # By far the most frequent: one more delta of a block that is open.
            if isinstance(event, PartDelta) and self._open and self._blank is None:
                said += (self._delta, dumpb(event.text), b"}}\n\n")
            else:
                said.append(self._event(event))
        return b"".join(said)

    def end(self) -> bytes:
        return b""

    def fail(self, error: ProxyError) -> bytes:
        if self._over:
            return b""
        self._over = True
        closed = self._close() if self._open else b""
        return closed + event("error", error_body(error, self._request_id))

    def heartbeat(self) -> bytes:
        return b"" if self._over else PING

    def _event(self, event: Event) -> bytes:
        match event:
            case PartDelta(_, text):
                return self._say(text)
            case PartStarted(_, head):
                return self._start(head)
            case PartEnded():
                return self._end()
            case ReplyStarted():
                return message_start(event)
            case ReplyEnded():
                self._over = True
                return message_delta(event) + STOP
            case _:
                assert_never(event)

    def _start(self, head: Head) -> bytes:
        match head:
            case ToolCall(id, name, _):
                self._head = head
                self._blank = ""
                return self._opened(
                    {"type": "tool_use", "id": id, "name": name, "input": {}},
                    b'"input_json_delta","partial_json":',
                )
            case SearchCall():
                self._head = None
                block = call_block(head)
                arguments = dumpb(dumps(block["input"]))
                opened = self._opened({**block, "input": {}}, b'"input_json_delta","partial_json":')
                return b"%b%b%b}}\n\n%b" % (opened, self._delta, arguments, self._close())
            case SearchResult():
                self._head = None
                return self._opened(result_block(head), b"") + self._close()
            case Thinking() if not self._shown:
                self._head = None
            case Text() | Thinking():
                self._head = head
        return b""

    def _say(self, text: str) -> bytes:
        start = b""
        match self._head:
            case None:
                return b""
            case Text() if not self._open:
                start = self._opened({"type": "text", "text": ""}, b'"text_delta","text":')
            case Thinking() if not self._open:
                start = self._opened(
                    {"type": "thinking", "thinking": "", "signature": ""},
                    b'"thinking_delta","thinking":',
                )
            case ToolCall() if self._blank is not None:
                text = self._blank + text
                if not text.strip():
                    self._blank = text
                    return b""
                self._blank = None
        return b"%b%b%b}}\n\n" % (start, self._delta, dumpb(text))

    def _end(self) -> bytes:
        head, self._head = self._head, None
        if not self._open:
            return b""
        if isinstance(head, Thinking):
            start = self._delta_start(b'"signature_delta","signature":')
            return b"%b%b}}\n\n%b" % (start, dumpb(head.signature or UNSIGNED), self._close())
        return self._close()

    def _opened(self, block: JsonObject, delta: bytes) -> bytes:
        self._open = True
        self._delta = self._delta_start(delta)
        return event("content_block_start", {"index": self._index, "content_block": block})

    def _delta_start(self, type: bytes) -> bytes:
        return (
            b'event: content_block_delta\ndata: {"type":"content_block_delta",'
            b'"index":%d,"delta":{"type":%b' % (self._index, type)
        )

    def _close(self) -> bytes:
        stop = event("content_block_stop", {"index": self._index})
        self._open = False
        self._index += 1
        return stop


def event(type: str, body: dict[str, Any]) -> bytes:
    return sse.encode(dumpb({"type": type, **body}), type)


def message_start(start: ReplyStarted) -> bytes:
    usage = Usage(input=start.input_tokens)
    message = message_body(start.id, start.model, [], usage, end_body(None, None))
    return event("message_start", {"message": message})


def message_delta(end: ReplyEnded) -> bytes:
    delta = end_body(end.reason, end.stop_sequence)
    return event("message_delta", {"delta": delta, "usage": usage_body(end.usage)})
