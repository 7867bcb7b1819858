r"""The vendor's stream of a reply: bytes in, events out, no I/O.

Each event of the stream is one line of JSON, and one of these:

    {"body": "<a chunk, as text>", "statusCodeValue": 200, …}    an envelope
    {"body": "[DONE]", …}  or  [DONE]                            an end marker
    {"choices": […], "usage": …}                                 a chunk without envelope
    {"firstTokenDuration": …, "usage": …}                        measurements
    {"body": "{code, message}", "statusCodeValue": 403, …}       a refusal, also without envelope

A chunk is OpenAI's.  The reply is over with an end marker, or when the stream ends after a
finish reason: usage may follow the reason, so the reason alone ends nothing.  A stream that
ends with neither is an error.

`feed` and `end` return events and never raise; what went wrong is in `failure`, so that
nothing said before it is lost.  `over` tells when there is nothing more to wait for.
"""

from collections.abc import Callable
from contextlib import suppress

import msgspec
from msgspec import Struct

from lingma_proxy.conversation.events import MOST_TOKENS, Event, FinishReason, Usage
from lingma_proxy.conversation.halves import MARK, Halves, Place
from lingma_proxy.conversation.writer import ReplyWriter
from lingma_proxy.errors import BrokenOff, ProtocolError, ProxyError
from lingma_proxy.jsonio import Json, is_object, joined, loads_torn
from lingma_proxy.vendor.refusals import FINE, code_and_message, quoted, refusal, status_in
from lingma_proxy.wire.sse import SseDecoder

DONE = "[DONE]"
REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
}


class _Function(Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None


class _Delta(Struct):
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Details(Struct):
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


class _Usage(Struct):
    """Tokens, by either set of names."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Chunk(Struct):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None


class _Line(_Chunk):
    """An envelope, a bare chunk, or measurements: whatever one line may be."""

    body: str | None = None
    statusCodeValue: int | None = None  # noqa: N815  # the vendor's spelling


UNREAD = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What the strict reader raises; lists nested beyond all reason are among it."""

_read_line = msgspec.json.Decoder(_Line).decode
_read_chunk = msgspec.json.Decoder(_Chunk).decode


class RemoteStream:
    """The reply of one request, fed as it comes.

    `new_id` makes up the id of a call that has none; `warnings` go out with the start.
    """

    def __init__(
        self, id: str, model: str, new_id: Callable[[], str], warnings: tuple[str, ...] = ()
    ) -> None:
        self.failure: ProxyError | None = None
        """Why there is no more; None while all is well."""
        self.over = False
        self.started = False
        self.skipped = 0
        """Lines that were not JSON."""
        self._start = (id, model, warnings)
        self._decoder = SseDecoder()
        self._writer = ReplyWriter(new_id)
        self._reason: str | None = None
        self._usage: Usage | None = None
        self._measured: Usage | None = None
        self._last_call = -1
        self._torn = False
        """Whether there has been a line that the strict reader refused: it may hold halves."""
        self._halves = Halves()

    def feed(self, data: bytes) -> list[Event]:
        if self.over:
            return []
        events: list[Event] = []
        try:
            for event in self._decoder.feed(data):
                self._take(event.data, events)
                if self.over:
                    break
        except ProxyError as error:
            self._fail(error)
        return events

    def end(self) -> list[Event]:
        """The connection is closed."""
        if self.over:
            return []
        events: list[Event] = []
        try:
            for event in self._decoder.end():
                self._take(event.data, events)
                if self.over:
                    return events
            if self._reason is None:
                raise BrokenOff(self._cut_off())
            self._finish(events)
        except ProxyError as error:
            self._fail(error)
        return events

    def _fail(self, error: ProxyError) -> None:
        self.failure = error
        self.over = True

    def _cut_off(self) -> str:
        unread = f" Lines that could not be read: {self.skipped}." if self.skipped else ""
        if not self.started:
            return f"Lingma closed the stream without an answer.{unread}"
        return f"Lingma's reply broke off: neither a finish reason nor an end came.{unread}"

    def _take(self, data: bytes, events: list[Event]) -> None:
        try:
            line = _read_line(data)
        except UNREAD:
            self._take_slowly(data, events)
            return
        body, status = line.body, line.statusCodeValue
        if body and (status is None or status < 400):
            try:
                chunk = _read_chunk(body)
            except UNREAD:
                self._take_body(body, events)
                return
            if chunk.choices or chunk.usage is not None:
                self._take_chunk(chunk, events)
            else:
                self._take_body(body, events)
        elif line.choices and (status is None or status < 400):
            self._take_chunk(line, events)
        else:
            self._take_slowly(data, events)

    def _take_slowly(self, data: bytes, events: list[Event]) -> None:
        """A line that is rare: an end marker, a refusal, measurements, half a character."""
        if data.strip() == DONE.encode():
            self._finish(events)
            return
        value = self._json(data)
        if not is_object(value):
            return
        status = status_in(value)
        body = value.get("body")
        if status >= 400:
            raise self._refused(value, status)
        if isinstance(body, str):
            self._take_body(body, events)
        elif is_object(body):
            self._take_object(body, events)
        elif body is None:
            self._take_object(value, events)

    def _take_body(self, body: str, events: list[Event]) -> None:
        """The content of an envelope that is no plain chunk."""
        if body.strip() == DONE:
            self._finish(events)
        elif body.strip():
            value = self._json(body)
            if is_object(value):
                self._take_object(value, events)

    def _take_object(self, value: dict[str, Json], events: list[Event]) -> None:
        if not value.get("choices"):
            code, message = code_and_message(value)
            if value.get("error") or value.get("success") is False or code not in FINE:
                raise refusal(status_in(value), code, message)
        try:
            chunk = msgspec.convert(value, _Chunk, strict=False)
        except msgspec.ValidationError as error:
            if "usage" in value:  # numbers that make no sense are no reason to lose what is said
                without = {name: each for name, each in value.items() if name != "usage"}
                self._take_object(without, events)
                return
            raise ProtocolError(
                f"Lingma sent a piece of a reply in an unknown form: {quoted(str(error))}."
            ) from None
        if chunk.choices is not None:
            self._take_chunk(chunk, events)
        elif chunk.usage is not None:
            self._measured = _usage(chunk.usage) or self._measured

    def _json(self, text: bytes | str) -> Json:
        """The value, by a reader that takes half a character; None for what is no JSON."""
        self._torn = True
        try:
            return loads_torn(text)
        except ValueError:
            self.skipped += 1
            return None

    def _refused(self, envelope: dict[str, Json], status: int) -> ProxyError:
        inner = envelope.get("body")
        with suppress(ValueError):  # else the text itself is all there is to say
            inner = loads_torn(inner) if isinstance(inner, str) else inner
        code, message = code_and_message(inner or envelope)
        if not message:
            said = envelope.get("statusMessage") or inner
            message = said if isinstance(said, str) else ""
        return refusal(status, code, message)

    def _take_chunk(self, chunk: _Chunk, events: list[Event]) -> None:
        if not self.started:
            self.started = True
            events += self._writer.start(*self._start)
        if chunk.usage is not None:
            self._usage = _usage(chunk.usage) or self._usage
        for choice in chunk.choices or ():
            delta = choice.delta
            if delta is not None:
                if thought := delta.reasoning_content:
                    events += self._writer.thinking(self._mended("thinking", thought, events))
                if text := delta.content:
                    events += self._writer.text(self._mended("text", text, events))
                if delta.tool_calls:
                    for call in delta.tool_calls:
                        self._take_call(call, events)
            if choice.finish_reason:
                self._reason = choice.finish_reason

    def _take_call(self, call: _Call, events: list[Event]) -> None:
        function = call.function or _Function()
        arguments = function.arguments or ""
        name, id = self._without_halves(function.name), self._without_halves(call.id)
        index = call.index
        if index is None:  # then a name or an id begins a call, and the rest goes on with it
            begins = name or id or self._last_call < 0
            index = self._last_call + 1 if begins else self._last_call
        self._last_call = index
        events += self._writer.tool_call(index, id, name, self._mended(index, arguments, events))

    def _without_halves(self, word: str | None) -> str:
        """A name or an id, which no two lines share."""
        return joined(word) if self._torn and word else word or ""

    def _mended(self, place: Place, text: str, events: list[Event]) -> str:
        """The text with the half of a character before it, and without one at its end."""
        if not self._torn:
            return text
        for other in self._halves.lonely(place):
            self._mark(other, events)
        return self._halves.mend(place, text)

    def _mark(self, place: Place, events: list[Event]) -> None:
        match place:
            case "text":
                events += self._writer.text(MARK)
            case "thinking":
                events += self._writer.thinking(MARK)
            case int():
                events += self._writer.tool_call(place, "", "", MARK)

    def _finish(self, events: list[Event]) -> None:
        if not self.started:
            self.started = True
            events += self._writer.start(*self._start)
        for place in self._halves.lonely():
            self._mark(place, events)
        reason = REASONS.get(self._reason or "", FinishReason.STOP)
        # Some say `stop` although they call, and some the opposite: what was said counts.
        if reason in {FinishReason.STOP, FinishReason.TOOL_CALLS}:
            reason = FinishReason.TOOL_CALLS if self._writer.any_calls else FinishReason.STOP
        events += self._writer.end(reason, self._usage or self._measured)
        self.over = True


def _usage(usage: _Usage) -> Usage | None:
    """None for one that counts nothing: some vendors send zeros until they know."""
    into = usage.prompt_tokens_details or usage.input_tokens_details or _Details()
    out = usage.completion_tokens_details or usage.output_tokens_details or _Details()
    input = _tokens(usage.prompt_tokens) or _tokens(usage.input_tokens)
    output = _tokens(usage.completion_tokens) or _tokens(usage.output_tokens)
    cached = min(_tokens(into.cached_tokens), input)
    reasoning = min(_tokens(out.reasoning_tokens), output)
    return Usage(input, output, cached, reasoning) if input or output else None


def _tokens(number: int | None) -> int:
    """0 for what was not said, or cannot be."""
    return number if number is not None and 0 < number < MOST_TOKENS else 0
