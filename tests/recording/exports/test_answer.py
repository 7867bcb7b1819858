import json

import pytest
from hypothesis import given

from lingma_proxy.conversation.events import FinishReason, Usage
from lingma_proxy.conversation.reply import Reply, replay
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.dialect import Dialect
from lingma_proxy.dialects import DIALECTS
from lingma_proxy.errors import RateLimited
from lingma_proxy.jsonio import dumps
from lingma_proxy.recording.exports.answer import AnswerReader
from support.strategies import json_objects

CALL = ToolCall("call-1", "Bash", '{"command": "echo  hello"}')
REPLY = Reply(
    "reply-1",
    "qwen",
    (Thinking("hm …"), Text("First“。\n"), CALL, ToolCall("call-2", "Read", '{"path": "a"}')),
    FinishReason.TOOL_CALLS,
    Usage(1234, 56, cached=1000),
)
BODY = {
    "model": "qwen",
    "max_tokens": 4000,
    "thinking": {"type": "enabled", "budget_tokens": 1024},
    "reasoning": {"summary": "auto"},
    "messages": [{"role": "user", "content": "Hi"}],
    "input": "Hi",
    "think": True,
    "stream_options": {"include_usage": True},
}


def asked(dialect: Dialect, stream: bool):
    # Ollama's older API asks by a `prompt`, which OpenAI's newest refuses.
    prompt = {"prompt": "Hi"} if dialect.name == "ollama_generate" else {}
    return dialect.decode({**BODY, **prompt, "stream": stream}, "req_1")


def read(media_type: str, *chunks: bytes):
    """What it says, part by part: (kind, name, text), and the reader."""
    reader = AnswerReader(media_type)
    parts: dict[tuple[object, ...], list[str]] = {}
    for piece in [piece for chunk in chunks for piece in reader.feed(chunk)] + reader.end():
        part = parts.setdefault((piece.place, piece.kind), [piece.kind, piece.name, ""])
        part[1] = piece.name
        part[2] += piece.text
    return [tuple(part) for part in parts.values()], reader


def compact(parts: list[tuple[str, ...]]) -> list[tuple[str, str, str]]:
    """Ollama writes arguments as objects, so blanks in them are not kept."""
    return [
        (kind, name, dumps(json.loads(text)) if kind == "call" else text)
        for kind, name, text in parts
    ]


EXPECTED = [
    ("thinking", "", "hm …"),
    ("text", "", "First“。\n"),
    ("call", "Bash", '{"command":"echo  hello"}'),
    ("call", "Read", '{"path":"a"}'),
]


@pytest.mark.parametrize("step", [1, 7, 10**6], ids=["bytewise", "by-seven", "at-once"])
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_stream_of_every_dialect_is_understood(dialect: Dialect, step: int) -> None:
    encoder = dialect.encoder(asked(dialect, True), 0)
    data = b"".join(encoder.encode(batch) for batch in [list(replay(REPLY))]) + encoder.end()
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    parts, reader = read(dialect.media_type, *chunks)

    assert compact(parts) == EXPECTED
    assert (reader.model, reader.input_tokens, reader.output_tokens) == ("qwen", 1234, 56)
    assert (reader.understood, reader.error) == (True, "")


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_whole_answer_of_every_dialect_is_understood(dialect: Dialect) -> None:
    body = dumps(dialect.whole(asked(dialect, False), [REPLY], 0)).encode()
    parts, reader = read("application/json", body)

    assert compact(parts) == EXPECTED
    assert (reader.model, reader.input_tokens, reader.output_tokens) == ("qwen", 1234, 56)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_an_error_is_heard_in_every_dialect(dialect: Dialect) -> None:
    error = RateLimited("Too many.")
    whole = dumps(dialect.error(error, "req_1")).encode()
    encoder = dialect.encoder(asked(dialect, True), 0)
    stream = encoder.encode(list(replay(REPLY))[:3]) + encoder.fail(error)

    assert read("application/json", whole)[1].error == "Too many."
    assert read(dialect.media_type, stream)[1].error == "Too many."


def test_the_vendors_stream_is_understood() -> None:
    chunk = {"choices": [{"delta": {"content": "Hello"}}], "usage": None}
    lines = [{"body": dumps(chunk), "statusCodeValue": 200}, {"body": "[DONE]"}]
    stream = b"".join(b"data:%b\n\n" % dumps(line).encode() for line in lines)

    assert read("text/event-stream", stream)[0] == [("text", "", "Hello")]


def test_recorded_events_are_understood() -> None:
    lines = [
        {"ms": 1, "event": "started", "id": "r", "model": "qwen", "warnings": []},
        {"ms": 1, "event": "part", "index": 0, "kind": "thinking", "text": "", "signature": ""},
        {"ms": 2, "event": "text", "index": 0, "text": "hm"},
        {"ms": 3, "event": "part ended", "index": 0},
        {"ms": 3, "event": "part", "index": 1, "kind": "call", "id": "c", "name": "Bash"},
        {"ms": 4, "event": "text", "index": 1, "text": "{}"},
        {"ms": 4, "event": "part", "index": 2, "kind": "search", "query": "x"},
        {"ms": 5, "event": "ended", "reason": "stop", "usage": {"input": 3, "output": 2}},
    ]
    parts, reader = read(
        "application/x-ndjson", b"".join(dumps(line).encode() + b"\n" for line in lines)
    )

    assert parts == [
        ("thinking", "", "hm"),
        ("call", "Bash", "{}"),
        ("search", "", '{"query":"x"}'),
    ]
    assert (reader.model, reader.input_tokens, reader.output_tokens) == ("qwen", 3, 2)


@pytest.mark.parametrize("form", ["application/json", "text/event-stream", "application/x-ndjson"])
@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"[1]", b"data: x\n\n", b'{"a":', b"\xff\xfe", b'{"choices":7}',
             b'{"choices":[{"index":[],"delta":{"tool_calls":[{"index":{}}]}}]}'],
    ids=["empty", "blank", "list", "word", "torn", "no-text", "odd", "odder"],
)  # fmt: skip
def test_what_is_none_of_these_says_nothing(form: str, data: bytes) -> None:
    assert all(text == "" for _, _, text in read(form, data)[0])


@given(json_objects)
def test_no_object_breaks_it(value: dict[str, object]) -> None:
    for shape in (value, {"choices": [value]}, {"message": value, "done": True},
                  {"type": "content_block_start", "index": 0, "content_block": value},
                  {"object": "response", "output": [value], "usage": value}):  # fmt: skip
        read("application/json", dumps(shape).encode())
