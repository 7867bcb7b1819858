"""Garbage in: a value, or an error that the documentation names.  Nothing else."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.grammar import Grammar
from lingma_proxy.dialect import Dialect
from lingma_proxy.dialects import DIALECTS
from lingma_proxy.errors import BackendError, InvalidRequest, ProtocolError
from lingma_proxy.jsonio import Json, JsonObject, dumpb, loads
from lingma_proxy.vendor import encoding, models, refusals, remote_request
from lingma_proxy.vendor.credentials import read_cache, read_credential_file
from lingma_proxy.vendor.remote_stream import RemoteStream
from lingma_proxy.wire import data_url
from lingma_proxy.wire.sse import SseDecoder
from stories.library import STORIES
from support.judges import JUDGES
from support.stories import ID, MODEL, SPELLINGS, Story, new_ids, sse
from support.strategies import examples, json_objects, json_values, texts

every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)

DEEP = "[" * 100_000 + "]" * 100_000
DIGITS = "9" * 5000


def places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The way to every value inside a value."""
    inside: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [path, *(place for key, each in inside for place in places(each, (*path, key)))]


@st.composite
def spoiled(draw: st.DrawFn, sound: JsonObject) -> JsonObject:
    """A sound object in which some values are gone, doubled, or others."""
    value = deepcopy(sound)
    for _ in range(draw(st.integers(1, 3))):
        way = draw(st.sampled_from(places(value)[1:] or [()]))
        if not way:
            break
        holder: Any = value
        for key in way[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["another", "gone", "doubled", "in a list"])):
            case "another":
                holder[way[-1]] = draw(json_values)
            case "gone":
                del holder[way[-1]]
            case "doubled" if isinstance(holder, list):
                holder.append(deepcopy(holder[int(way[-1])]))
            case _:
                holder[way[-1]] = [holder[way[-1]]]
    return value


T = TypeVar("T")
E = TypeVar("E", bound=Exception)


def outcome(act: Callable[[], T], documented: type[E]) -> T | E:
    """What comes of it: a value or the documented error.  Any other error passes."""
    try:
        return act()
    except documented as error:
        return error


# What clients send.


def understood(dialect: Dialect, body: JsonObject) -> None:
    """Decoded and then sent on; or refused, which can be said."""

    def decode_and_send() -> bytes:
        asked = dialect.decode(body, "req_1")
        assert dialect.encoder(asked, 0).fail(ProtocolError("It is over."))
        return remote_request.encode(
            asked.request, key="k", user_type="", now=0, request_id="0" * 32, business_id="b"
        )

    match outcome(decode_and_send, InvalidRequest):
        case InvalidRequest() as error:
            assert error.message
            assert error.status in {400, 413}
            assert dumpb(dialect.error(error, "req_1"))
        case bytes(sent):
            assert loads(sent)


@every_dialect
@given(json_objects)
def test_any_object_is_understood_or_refused(dialect: Dialect, body: JsonObject) -> None:
    understood(dialect, body)


@every_dialect
@examples(400)
@given(st.data())
def test_a_spoiled_request_is_understood_or_refused(dialect: Dialect, data: st.DataObject) -> None:
    understood(dialect, data.draw(spoiled(JUDGES[dialect.name].body)))


# What the vendor sends.


def heard(stream: bytes) -> None:
    """Read to its end without a stumble, and by the grammar."""
    reader, grammar = RemoteStream(ID, MODEL, new_ids()), Grammar()
    grammar.check(reader.feed(stream))
    grammar.check(reader.end())
    if reader.failure is None:
        grammar.end()


def in_lines(*values: str) -> bytes:
    return "".join(f"data: {value}\n\n" for value in values).encode("utf-8", "surrogatepass")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_stream_or_a_failure(garbage: bytes) -> None:
    heard(garbage)
    heard(b"data:" + garbage + b"\n\ndata: [DONE]\n\n")


@given(st.lists(json_values | json_objects, max_size=4))
def test_any_json_is_a_stream_or_a_failure(values: list[Json]) -> None:
    heard(in_lines(*map(json.dumps, values), "[DONE]"))
    heard(in_lines(*(json.dumps({"body": json.dumps(value)}) for value in values)))


SOUND: list[JsonObject] = [
    *(
        json.loads(line.removeprefix("data:"))
        for name in ("interleaved fragments", "thinking, text, then a tool", "counted in detail")
        for line in sse(STORIES[name], SPELLINGS["direct"]).decode().splitlines()
        if line.startswith("data: {")
    ),
    {"body": "[DONE]", "statusCodeValue": 200, "statusCode": "OK", "headers": {}},
    {"body": '{"code":"101","message":"no"}', "statusCodeValue": 403, "statusMessage": "x"},
    {"firstTokenDuration": 1, "usage": {"input_tokens": 1, "output_tokens": 2}},
    {"success": False, "errorCode": "500", "errorMessage": "x"},
]


@examples(300)
@given(st.lists(st.sampled_from(SOUND).flatmap(spoiled), max_size=3), st.booleans())
def test_spoiled_chunks_are_a_stream_or_a_failure(chunks: list[JsonObject], wrapped: bool) -> None:
    lines = [json.dumps(chunk) for chunk in chunks]
    heard(in_lines(*(json.dumps({"body": line}) if wrapped else line for line in lines)))


@examples(200)
@given(st.sampled_from(list(STORIES.values())), st.data())
def test_a_stream_with_a_few_wrong_bytes_is_a_stream_or_a_failure(
    story: Story, data: st.DataObject
) -> None:
    stream = bytearray(sse(story)[:3000])
    for at in data.draw(st.lists(st.integers(0, max(0, len(stream) - 1)), max_size=4)):
        stream[at : at + 1] = data.draw(st.binary(max_size=2))
    heard(bytes(stream))


ABSURD = {
    "deep, where nobody looks": f'{{"x":{DEEP}}}',
    "deep, in an envelope": json.dumps({"body": f'{{"x":{DEEP}}}'}),
    "deep, as the body": f'{{"body":{DEEP}}}',
    "deep, as choices": f'{{"choices":{DEEP}}}',
    "a long status": f'{{"statusCode":"{DIGITS}"}}',
    "a long code": f'{{"code":"{DIGITS}","message":"x"}}',
    "a long number": f'{{"choices":[],"usage":{{"prompt_tokens":{DIGITS}}}}}',
    "numbers that are none": '{"choices":[],"usage":{"prompt_tokens":NaN,"completion_tokens":Infinity}}',
    "digits of other scripts": '{"code":"٣٣٣","statusCode":"٤٠٤"}',
    "negative indexes": '{"choices":[{"delta":{"tool_calls":[{"index":-1,"function":{"name":"f"}}]}}]}',
    "half a character in names": r'{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"\ud800","function":{"name":"\udc00"}}]},"finish_reason":"\ud800"}]}',
    "half a character in a refusal": r'{"statusCodeValue":500,"statusMessage":"\ud800","code":"\ud800"}',
    "half a character in the bytes": '{"choices":[{"delta":{"content":"\ud800"}}]}',
}  # fmt: skip


@pytest.mark.parametrize("line", ABSURD.values(), ids=ABSURD)
def test_the_absurd_is_a_stream_or_a_failure(line: str) -> None:
    heard(in_lines(line, "[DONE]"))


@pytest.mark.parametrize("line", ABSURD.values(), ids=ABSURD)
@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_absurd_can_be_said_to_clients(line: str, dialect: Dialect) -> None:
    reader = RemoteStream(ID, MODEL, new_ids())
    events = [*reader.feed(in_lines(line, "[DONE]")), *reader.end()]
    encoder = dialect.encoder(dialect.decode(JUDGES[dialect.name].body, "req_1"), 0)

    said = encoder.encode(events)
    said += encoder.end() if reader.failure is None else encoder.fail(reader.failure)

    assert said.decode()


@given(st.binary(max_size=100) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_refusal_is_an_error_of_ours(body: bytes) -> None:
    error = refusals.refusal(503, *refusals.read_error(body))

    assert error.message


# Everything else that is read.

READERS: dict[str, Callable[[str], object]] = {
    "JSON": loads,
    "a data URL": data_url.decode,
    "the content of a data URL": lambda text: data_url.decode(f"data:image/png;base64,{text}"),
    "base64": data_url.base64,
    "Encode=1": lambda text: encoding.decode(text.encode()),
    "a credential file": read_credential_file,
    "a login cache": lambda text: read_cache("0123456789abcdef", text),
    "a machine id": lambda text: read_cache(text, "aaaa"),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
@given(texts | json_values.map(json.dumps) | st.sampled_from([DEEP, DIGITS]))
def test_any_text_is_read_or_refused_in_a_sentence(
    read: Callable[[str], object], text: str
) -> None:
    refusal = outcome(lambda: read(text), ValueError)

    assert not isinstance(refusal, ValueError) or " " in str(refusal)


@given(json_objects.map(json.dumps).map(str.encode) | st.binary(max_size=50))
def test_any_list_of_models_is_read_or_refused(body: bytes) -> None:
    match outcome(lambda: models.decode(body), BackendError):
        case BackendError() as error:
            assert error.message
        case tuple(found):
            assert all(model.key for model in found)


@given(st.lists(st.binary(max_size=30)))
def test_any_bytes_are_events(pieces: list[bytes]) -> None:
    decoder = SseDecoder()
    for piece in pieces:
        decoder.feed(piece)
    decoder.end()
