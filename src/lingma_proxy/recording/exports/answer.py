"""What an answer says, read out of it whichever way it is written: for people, in pieces.

Streams (server-sent events, lines of JSON) and whole bodies of all the APIs that we speak, the
vendor's streams, and the events of an attempt as they are recorded.  They are told apart by
their shape alone.  What has none of these shapes says nothing here: it is shown as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from lingma_proxy.jsonio import Json, JsonObject, an_object, dumps, is_object, loads, objects
from lingma_proxy.wire.sse import SseDecoder

Place: TypeAlias = tuple[str | int, ...]

TEXT, THINKING, CALL, ERROR = "text", "thinking", "call", "error"
WHOLE = "whole"
"""The end of the place of a call that comes at once, as Ollama's do: another is another one."""

DELTAS = {
    "response.output_text.delta": TEXT,
    "response.refusal.delta": TEXT,
    "response.reasoning_text.delta": THINKING,
    "response.reasoning_summary_text.delta": THINKING,
    "response.function_call_arguments.delta": CALL,
    "response.custom_tool_call_input.delta": CALL,
}
"""Events of OpenAI's Responses that carry text, and what it is."""


@dataclass(frozen=True, slots=True)
class Piece:
    kind: str
    text: str
    place: Place = ()
    """Which part of the answer it belongs to."""
    name: str = ""
    """Of the tool that is called."""


class AnswerReader:
    """Fed an answer, cut anywhere; returns what it says, and notes what it says of itself."""

    def __init__(self, media_type: str) -> None:
        self.model = ""
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.error = ""
        """Why there is no more of it, in its own words."""
        self.understood = False
        """Whether any of it had a shape that is known."""
        self._begun: dict[Place, tuple[str, str]] = {}
        """The kind and the name of the parts that have begun."""
        self._read_so_far = 0
        self._streams = "event-stream" in media_type
        self._lines = "ndjson" in media_type
        self._decoder = SseDecoder()
        self._rest: list[bytes] = []

    def feed(self, chunk: bytes) -> list[Piece]:
        """Raises ProtocolError for an event of a stream that is beyond all reason."""
        if self._streams:
            return [
                piece for event in self._decoder.feed(chunk) for piece in self._read(event.data)
            ]
        if not self._lines or b"\n" not in chunk:
            self._rest.append(chunk)
            return []
        *lines, rest = b"".join((*self._rest, chunk)).split(b"\n")
        self._rest = [rest]
        return [piece for line in lines for piece in self._read(line)]

    def end(self) -> list[Piece]:
        if self._streams:
            return [piece for event in self._decoder.end() for piece in self._read(event.data)]
        rest, self._rest = b"".join(self._rest), []
        return list(self._read(rest))

    def _read(self, data: bytes | str) -> Iterator[Piece]:
        try:
            value = loads(data)
        except ValueError:
            return
        if not is_object(value):
            return
        if isinstance(body := value.get("body"), str):
            yield from self._read(body)  # the vendor's envelope
            return
        self._note(value)
        self._read_so_far += 1
        for piece in said(value):
            self.understood = True
            if piece.kind == ERROR:
                self.error = self.error or piece.text
            more = (self._read_so_far,) if piece.place[-1:] == (WHOLE,) else ()
            place = (*piece.place, *more)
            kind, name = self._begun.get(place, ("", ""))
            kind, name = piece.kind or kind or TEXT, piece.name or name
            self._begun[place] = kind, name
            yield Piece(kind, piece.text, place, name)

    def _note(self, value: JsonObject) -> None:
        for each in (value, an_object(value.get("message")), an_object(value.get("response"))):
            model = each.get("model")
            if isinstance(model, str):
                self.model = self.model or model
            used, written = tokens(an_object(each.get("usage")) or each)
            self.input_tokens = used if used is not None else self.input_tokens
            self.output_tokens = written if written is not None else self.output_tokens


def tokens(usage: JsonObject) -> tuple[int | None, int | None]:
    """Those that were read and those that were written, under whichever names."""
    match usage:
        case (
            {"prompt_tokens": int(used), "completion_tokens": int(written)}
            | {"prompt_eval_count": int(used), "eval_count": int(written)}
            | {"input": int(used), "output": int(written)}
        ):
            return used, written
        case {"input_tokens": int(used)}:
            # OpenAI counts what was cached among them, Anthropic beside them.
            beside = (usage.get(f"cache_{how}_input_tokens") for how in ("read", "creation"))
            used += sum(each for each in beside if isinstance(each, int))
            output = usage.get("output_tokens")
            return used, output if isinstance(output, int) else None
        case {"output_tokens": int(written)}:
            return None, written
        case _:
            return None, None


def said(value: JsonObject) -> Iterator[Piece]:
    """What one event, line or body says."""
    match value:
        case {"event": "part" | "text"}:
            yield from _recorded(value)
        case {"type": "content_block_start", "index": int(index), "content_block": block}:
            yield from _block(an_object(block), index)
        case {"type": "content_block_delta", "index": int(index), "delta": delta}:
            yield from _delta(an_object(delta), index)
        case {"type": "message", "content": blocks}:
            for index, block in enumerate(objects(blocks)):
                yield from _block(block, index)
        case {"type": "response.output_item.added", "output_index": int(index), "item": item}:
            yield from _call_begun(an_object(item), index)
        case {"type": str(type), "delta": str(text)} if type in DELTAS:
            yield Piece(DELTAS[type], text, _place(DELTAS[type], value))
        case {"object": "response", "output": items}:
            for index, item in enumerate(objects(items)):
                yield from _item(item, index)
        case {"choices": choices}:
            for choice in objects(choices):
                spoken = choice.get("delta") or choice.get("message") or choice
                yield from _message(an_object(spoken), _number(choice.get("index")))
        case {"message": message, "done": bool()}:
            yield from _message(an_object(message), 0)
        case {"response": str(), "done": bool()}:
            yield from _message({**value, "content": value["response"]}, 0)
        case _:
            pass
    yield from _errors(value)


def _message(message: JsonObject, choice: int) -> Iterator[Piece]:
    """A message, or the next of one, of Chat Completions or of Ollama."""
    for key in ("thinking", "reasoning_content", "reasoning"):
        if isinstance(text := message.get(key), str) and text:
            yield Piece(THINKING, text, (THINKING, choice))
            break
    for key in ("content", "text", "refusal"):
        if isinstance(text := message.get(key), str) and text:
            yield Piece(TEXT, text, (TEXT, choice))
            break
    for at, call in enumerate(objects(message.get("tool_calls"))):
        function = an_object(call.get("function") or call.get("custom"))
        written = function.get("arguments", function.get("input"))
        place: Place = (CALL, choice, _number(call.get("index", at)))
        if is_object(written):
            place = (*place, WHOLE)
        yield Piece(CALL, _written(written), place, _text(function.get("name")))


def _block(block: JsonObject, index: int) -> Iterator[Piece]:
    """A content block of Messages, as it starts or as it is."""
    match block:
        case {"type": "text", "text": str(text)}:
            yield Piece(TEXT, text, (index,))
        case {"type": "thinking", "thinking": str(text)}:
            yield Piece(THINKING, text, (index,))
        case {"type": "tool_use" | "server_tool_use", "name": str(name)}:
            yield Piece(CALL, _written(block.get("input")), (index,), name)
        case {"type": str(type), "content": content}:
            yield Piece(type.replace("_", " "), dumps(content), (index,))


def _delta(delta: JsonObject, index: int) -> Iterator[Piece]:
    match delta:
        case {"type": "text_delta", "text": str(text)}:
            yield Piece(TEXT, text, (index,))
        case {"type": "thinking_delta", "thinking": str(text)}:
            yield Piece(THINKING, text, (index,))
        case {"type": "input_json_delta", "partial_json": str(text)}:
            yield Piece(CALL, text, (index,))


def _call_begun(item: JsonObject, index: int) -> Iterator[Piece]:
    if isinstance(name := item.get("name"), str):
        yield Piece(CALL, "", (CALL, index), name)


def _item(item: JsonObject, index: int) -> Iterator[Piece]:
    """An item of a whole response."""
    match item:
        case {"type": "message", "content": parts}:
            for part in objects(parts):
                text = _text(part.get("text")) or _text(part.get("refusal"))
                yield Piece(TEXT, text, (TEXT, index))
        case {"type": "reasoning"}:
            for part in objects(item.get("content")) or objects(item.get("summary")):
                yield Piece(THINKING, _text(part.get("text")), (THINKING, index))
        case {"name": str(name)}:
            written = _written(item.get("arguments", item.get("input")))
            yield Piece(CALL, written, (CALL, index), name)


def _recorded(line: JsonObject) -> Iterator[Piece]:
    """An event of ours, as `recording.event_lines` writes it."""
    match line:
        case {"kind": "call", "index": int(index), "name": str(name)}:
            yield Piece(CALL, _text(line.get("arguments")), (index,), name)
        case {"kind": "search" | "found" as kind, "index": int(index)}:
            rest = {name: line[name] for name in line.keys() - {"ms", "event", "index", "kind"}}
            yield Piece(kind, dumps(rest), (index,))
        case {"kind": str(kind), "index": int(index)}:
            yield Piece(kind, _text(line.get("text")), (index,))
        case {"text": str(text), "index": int(index)}:
            yield Piece("", text, (index,))


def _errors(value: JsonObject) -> Iterator[Piece]:
    match value:
        case {"error": {"message": str(words)}}:
            yield Piece(ERROR, words)
        case {"error": str(words)} if words:
            yield Piece(ERROR, words)
        case {"type": "error", "message": str(words)}:
            yield Piece(ERROR, words)
        case {"response": {"error": {"message": str(words)}}}:
            yield Piece(ERROR, words)


def _place(kind: str, value: JsonObject) -> Place:
    return (kind, _number(value.get("output_index")))


def _written(arguments: Json) -> str:
    """Arguments of a call as text; none where they are still to come."""
    if isinstance(arguments, str):
        return arguments
    return dumps(arguments) if arguments else ""


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
