"""An answer as the lines of the vendor's stream, and what faults do to it there.

    data:{"headers":{},"body":"<one OpenAI chunk, as a JSON string>","statusCodeValue":200,…}

Everything here is about what is said; `delivery` is about how it travels.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lingma_proxy.jsonio import JsonObject, dumps
from lingma_proxy.simulator.faults import Faults
from lingma_proxy.simulator.refusal import Refusal
from lingma_proxy.simulator.script import THOUGHTS, Answer, call, thoughts, words

EMOJI = "🙂"


@dataclass(frozen=True, slots=True)
class Opening:
    """What all chunks of one stream have in common, and what it costs."""

    id: str
    model: str
    created: int
    """Unix time in seconds."""
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the stream, without its end."""

    text: bytes
    said: bool = False
    """Whether it brings part of the answer; a person would pause before it."""


def lines(answer: Answer, opening: Opening, faults: Faults) -> Iterator[Line]:
    """The stream, line by line; each is an event of its own."""
    answer = bent(answer, faults)
    chunks = _Chunks(opening, faults)
    usage = _usage(answer, opening)
    told = faults.word("usage") or "finish"
    if told == "alias":
        usage = {
            "input_tokens": usage["prompt_tokens"],
            "output_tokens": usage["completion_tokens"],
        }
    yield chunks.line({"role": "assistant", "content": ""}, padding=faults.number("long-line") or 0)
    finish: JsonObject = {"finish_reason": answer.finish} if answer.finish else {}
    if finish and told in {"finish", "alias"} and "metrics" not in faults:
        finish["usage"] = usage
    together = "finish-with-content" in faults and bool(answer.deltas)
    until = faults.number("error-after") if "error-after" in faults else None
    for at, delta in enumerate(answer.deltas):
        if at == until:
            break
        last = together and at == len(answer.deltas) - 1
        yield chunks.line(delta, finish if last else {}, said=True)
        if at == 0 and "garbage" in faults:
            yield Line(b'data:{"headers":{},"body":"{\\"choices\\":[')
        if "empty" in faults:
            yield Line(chunks.enveloped(""))
    if until is not None:
        failure = Refusal(500, "500", "the simulator was asked to fail")
        yield Line(b"data:" + failure.envelope)
        return
    if "no-finish" in faults:
        return
    if finish and not together:
        yield chunks.line({}, finish)
    if told == "own":
        yield chunks.chunk({"choices": [], "usage": usage})
    if "metrics" in faults:
        yield Line(b"data:" + dumps(_metrics(usage)).encode())
    done = faults.word("done") or ("bare" if "direct" in faults else "wrapped")
    if done in {"wrapped", "both"}:
        yield Line(chunks.enveloped("[DONE]"))
    if done in {"bare", "both"}:
        yield Line(b"data:[DONE]")


def bent(answer: Answer, faults: Faults) -> Answer:
    """The answer after the faults that change what is said."""
    deltas: Sequence[JsonObject] = answer.deltas
    finish = answer.finish
    if "words" in faults:
        count = faults.number("words") or 0
        deltas = words(" ".join(f"word-{at}" for at in range(1, count + 1)))
        finish = "stop"
    if "reasoning" in faults and not any("reasoning_content" in delta for delta in deltas):
        deltas = [*thoughts(THOUGHTS), *deltas]
    if "interleave" in faults:
        deltas = interleaved(deltas)
    if "surrogates" in faults:
        first, second = _halves(EMOJI)
        deltas = [*deltas, {"content": f" {first}"}, {"content": second}]
    if "no-call-id" in faults:
        deltas = [_without_id(delta) for delta in deltas]
    for name in ("length", "content-filter"):
        if name in faults:
            deltas = deltas[: len(deltas) // 2]
            finish = name.replace("-", "_")
    return Answer(tuple(deltas), finish)


def interleaved(deltas: Sequence[JsonObject]) -> list[JsonObject]:
    """With one call: a second one, the same but for its id, fragment by fragment."""
    fragments = [piece for delta in deltas for piece in delta.get("tool_calls", ())]
    if not fragments:
        return list(deltas)
    first = fragments[0]
    arguments = "".join(piece["function"].get("arguments", "") for piece in fragments)
    second = call(1, f"{first.get('id', 'call')}_2", first["function"]["name"], arguments)
    one = [delta for delta in deltas if "tool_calls" in delta]
    before = [delta for delta in deltas if "tool_calls" not in delta]
    longer = max(len(one), len(second))
    return before + [
        delta for at in range(longer) for which in (one, second) for delta in which[at : at + 1]
    ]


class _Chunks:
    """Wraps deltas in chunks, and chunks in envelopes."""

    def __init__(self, opening: Opening, faults: Faults) -> None:
        self._opening = opening
        self._direct = "direct" in faults
        self._nothing: JsonObject = {"content": None} if "null-content" in faults else {}

    def line(
        self,
        delta: JsonObject,
        finish: JsonObject | None = None,
        *,
        said: bool = False,
        padding: int = 0,
    ) -> Line:
        choice = {"index": 0, "delta": self._nothing | delta, "finish_reason": None}
        chunk: JsonObject = {"choices": [choice]}
        if finish:
            choice["finish_reason"] = finish["finish_reason"]
            if "usage" in finish:
                chunk["usage"] = finish["usage"]
        return self.chunk(chunk, said=said, padding=padding)

    def chunk(self, content: JsonObject, *, said: bool = False, padding: int = 0) -> Line:
        chunk = {
            "id": self._opening.id,
            "object": "chat.completion.chunk",
            "created": self._opening.created,
            "model": self._opening.model,
            **content,
        }
        if self._direct:
            padded = chunk | {"padding": "." * padding} if padding else chunk
            return Line(b"data:" + _text(padded).encode(), said)
        return Line(self.enveloped(_text(chunk), padding), said)

    def enveloped(self, body: str, padding: int = 0) -> bytes:
        headers = {"x-padding": "." * padding} if padding else {}
        envelope = {
            "headers": headers,
            "body": body,
            "statusCodeValue": 200,
            "statusCode": "OK",
        }
        return b"data:" + dumps(envelope).encode()


def _text(chunk: JsonObject) -> str:
    """The chunk as JSON; half a surrogate pair can only be said in ASCII."""
    text = json.dumps(chunk, ensure_ascii=False, separators=(",", ":"))
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return json.dumps(chunk, separators=(",", ":"))


def _halves(character: str) -> tuple[str, str]:
    pair = character.encode("utf-16-be")
    return chr(int.from_bytes(pair[:2])), chr(int.from_bytes(pair[2:]))


def _without_id(delta: JsonObject) -> JsonObject:
    if "tool_calls" not in delta:
        return delta
    return delta | {
        "tool_calls": [
            {name: value for name, value in piece.items() if name != "id"}
            for piece in delta["tool_calls"]
        ]
    }


def _usage(answer: Answer, opening: Opening) -> JsonObject:
    """Roughly: a token a delta."""
    output = len(answer.deltas)
    return {
        "prompt_tokens": opening.prompt_tokens,
        "completion_tokens": output,
        "total_tokens": opening.prompt_tokens + output,
    }


def _metrics(usage: JsonObject) -> JsonObject:
    return {
        "firstTokenDuration": 10,
        "totalDuration": 20,
        "serverDuration": 15,
        "usage": {
            "input_tokens": usage.get("prompt_tokens", usage.get("input_tokens")),
            "output_tokens": usage.get("completion_tokens", usage.get("output_tokens")),
        },
    }
