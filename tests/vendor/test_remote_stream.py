import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.conversation.events import FinishReason, ReplyEnded, ReplyStarted, Usage
from lingma_proxy.conversation.grammar import Grammar
from lingma_proxy.conversation.reply import Collector
from lingma_proxy.conversation.request import Text, Thinking, ToolCall
from lingma_proxy.conversation.writer import ReplyWriter
from lingma_proxy.errors import BackendRefused, NotLoggedIn, ProtocolError, ProxyError
from lingma_proxy.vendor.remote_stream import RemoteStream
from stories.library import ALL
from support.cuts import at_code_units, at_points, one_by_one
from support.stories import (
    ID,
    MODEL,
    SPELLINGS,
    Call,
    Finished,
    Say,
    Story,
    Think,
    heard_parts,
    new_ids,
    say,
    sse,
)
from support.strategies import scripts, some_text
from support.vectors import vectors

STREAMS = vectors("remote_streams")["streams"]


def told(pieces, *, warnings=()):
    """All events of a stream in pieces, with the grammar checked, and the failure."""
    stream = RemoteStream(ID, MODEL, new_ids(), warnings)
    grammar = Grammar()
    events = []
    for piece in [*pieces, None]:
        batch = stream.end() if piece is None else stream.feed(piece)
        grammar.check(batch)
        events += batch
    assert stream.over
    if stream.failure is None:
        grammar.end()
    return events, stream.failure


def folded(raw):
    events, failure = told([raw])
    assert failure is None, failure
    collector = Collector()
    collector.feed(events)
    return collector.reply()


def same(one, other):
    """Whether two tellings amount to the same, whatever the size of their deltas."""
    (events, failure), (others, otherwise) = one, other
    assert heard_parts(events) == heard_parts(others)
    assert [event for event in events if isinstance(event, ReplyStarted | ReplyEnded)] == [
        event for event in others if isinstance(event, ReplyStarted | ReplyEnded)
    ]
    assert (type(failure), str(failure)) == (type(otherwise), str(otherwise))


def line(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return f"data:{text}\n\n".encode()


def envelope(value, status=200, **more):
    body = value if isinstance(value, str) else json.dumps(value)
    return line(
        {"headers": {}, "body": body, "statusCodeValue": status, "statusCode": "OK", **more}
    )


def chunk(delta=None, reason=None, **more):
    return {"choices": [{"index": 0, "delta": delta or {}, "finish_reason": reason}], **more}


DONE = envelope("[DONE]")
STOP = envelope(chunk(reason="stop"))
HI = envelope(chunk({"content": "hi"}))


def spellings_of(story):
    for name, spelling in SPELLINGS.items():
        if (
            name == "no marker"
            and isinstance(story.ending, Finished)
            and story.ending.reason is None
        ):
            continue
        yield spelling


@pytest.mark.parametrize("vector", STREAMS, ids=lambda it: it["name"])
def test_the_vectors_are_read_as_they_say(vector):
    events, failure = told([vector["raw"].encode()])
    expected = vector["folded"]
    parts = heard_parts(events)

    assert "".join(part.text for part in parts if isinstance(part, Text)) == expected["text"]
    assert (
        "".join(part.text for part in parts if isinstance(part, Thinking)) == expected["reasoning"]
    )
    assert [
        {"id": part.id, "name": part.name, "arguments": part.arguments}
        for part in parts
        if isinstance(part, ToolCall)
    ] == [
        {key: call[key] for key in ("id", "name", "arguments")} for call in expected["tool_calls"]
    ]
    if expected["error"] is not None:
        assert failure is not None
        assert failure.code == expected["error"]["code"]
        assert expected["error"]["message"] in failure.message
        assert events == []
        return
    ended = events[-1]
    assert ended.reason == (expected["finish_reason"] or "stop")
    counted = expected["usage"] and Usage(expected["usage"]["input"], expected["usage"]["output"])
    assert ended.usage == counted


@pytest.mark.parametrize(
    "row", vectors("remote_streams")["unit_test_lines"], ids=lambda it: it["source"]
)
def test_the_lines_of_other_programs_tests_are_read(row):
    (part,) = heard_parts(told([row["line"].encode()])[0])

    assert part == (ToolCall(**row["tool_call"]) if "tool_call" in row else Text(row["content"]))


@pytest.mark.parametrize("story", ALL, ids=lambda story: story.name)
def test_every_story_is_heard_in_every_spelling(story):
    for spelling in spellings_of(story):
        events, failure = told([sse(story, spelling)])

        assert heard_parts(events) == list(story.parts)
        assert type(failure) is (story.error or type(None))
        if story.error is None:
            assert events[-1] == ReplyEnded(story.reason, story.usage)


SHORT = [story for story in ALL if len(sse(story)) < 5000]


@pytest.mark.parametrize("story", SHORT, ids=lambda story: story.name)
def test_it_does_not_matter_how_bytes_are_cut(story):
    for spelling in spellings_of(story):
        raw = sse(story, spelling)

        same(told(one_by_one(raw)), told([raw]))


@given(
    scripts(),
    st.sampled_from(list(SPELLINGS.values())),
    st.lists(st.integers(0, 2000), max_size=6),
)
def test_whatever_a_vendor_says_is_what_the_writer_makes_of_it(script, spelling, points):
    raw = sse(Story("generated", tuple(script)), spelling)
    writer = ReplyWriter(new_ids())
    try:
        for delta in script:
            say(writer, delta)
    except ProxyError:
        return  # what no vendor may say is the writer's subject
    told_whole = told([raw])

    same(told(at_points(raw, points)), told_whole)
    assert told_whole[1] is None


@given(scripts(), st.integers(0, 3000))
def test_a_stream_that_is_cut_never_passes_for_a_whole_one(script, at):
    raw = sse(Story("generated", tuple(script)))
    end = raw.index(b'"finish_reason":\\"stop') if b'"finish_reason":\\"stop' in raw else 0
    events, failure = told([raw[: min(at, end)]])

    assert isinstance(failure, ProtocolError)
    assert not any(isinstance(event, ReplyEnded) for event in events)


def test_the_start_waits_for_something_that_is_no_error():
    stream = RemoteStream("r1", "kmodel", new_ids(), ("no top_p",))

    assert stream.feed(b": hello\n\n" + envelope("")) == []
    assert stream.feed(HI)[0] == ReplyStarted("r1", "kmodel", ("no top_p",))


def test_the_end_waits_for_the_usage_but_not_for_the_connection():
    stream = RemoteStream("r1", "kmodel", new_ids())
    stream.feed(HI + STOP)

    assert not stream.over
    stream.feed(envelope({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}))
    assert stream.feed(DONE)[-1] == ReplyEnded(FinishReason.STOP, Usage(3, 4))
    assert stream.over
    assert stream.feed(HI) == stream.end() == []


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}, Usage(1, 2)),
        ({"input_tokens": 1, "output_tokens": 2}, Usage(1, 2)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 8,
                "prompt_tokens_details": {"cached_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 4},
            },
            Usage(9, 8, cached=5, reasoning=4),
        ),
        (
            {"prompt_tokens": None, "completion_tokens": 2, "prompt_tokens_details": None},
            Usage(0, 2),
        ),
        ({"prompt_tokens": 0, "completion_tokens": 0}, None),
        ({"prompt_tokens": -5, "completion_tokens": 3}, Usage(0, 3)),
        ({"prompt_tokens": 10**30, "completion_tokens": 3}, Usage(0, 3)),
        ({"prompt_tokens": "5", "completion_tokens": 3.0}, Usage(5, 3)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 3,
                "prompt_tokens_details": {"cached_tokens": 50},
                "completion_tokens_details": {"reasoning_tokens": 50},
            },
            Usage(5, 3, cached=5, reasoning=3),
        ),
        ({"prompt_tokens": 5.5}, None),
        ("nonsense", None),
        ({"prompt_tokens": 5, "prompt_tokens_details": []}, None),
        ({}, None),
        (None, None),
    ],
)
def test_tokens_are_counted_by_any_name(usage, expected):
    assert folded(HI + envelope(chunk(reason="stop", usage=usage)) + DONE).usage == expected


def test_usage_of_a_chunk_counts_before_the_measurements():
    counted = envelope(chunk(reason="stop", usage={"prompt_tokens": 1, "completion_tokens": 2}))
    measured = line({"totalDuration": 5, "usage": {"input_tokens": 7, "output_tokens": 8}})

    assert folded(HI + counted + measured + DONE).usage == Usage(1, 2)
    assert folded(HI + STOP + measured + DONE).usage == Usage(7, 8)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", FinishReason.STOP),
        ("length", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
        ("tool_calls", FinishReason.STOP),
        ("something new", FinishReason.STOP),
        (None, FinishReason.STOP),
        ("", FinishReason.STOP),
    ],
)
def test_a_reply_ends_for_the_reason_that_was_given(reason, expected):
    assert folded(HI + envelope(chunk(reason=reason)) + DONE).reason is expected


@pytest.mark.parametrize("reason", ["stop", "tool_calls", None, "function_call"])
def test_a_reply_that_calls_ends_with_its_calls(reason):
    call = chunk({"tool_calls": [{"index": 0, "function": {"name": "ls"}}]}, reason)

    assert folded(envelope(call) + DONE).reason is FinishReason.TOOL_CALLS


def test_a_call_cut_by_length_is_not_said_to_be_complete():
    call = chunk({"tool_calls": [{"function": {"name": "w", "arguments": '{"a'}}]}, "length")

    assert folded(envelope(call) + DONE).reason is FinishReason.LENGTH


def test_calls_without_numbers_are_told_apart_by_names_and_ids():
    def fragment(**call):
        return envelope(chunk({"tool_calls": [call]}))

    found = folded(
        fragment(id="a", function={"name": "ls", "arguments": "{"})
        + fragment(function={"arguments": "}"})
        + fragment(function={"name": "pwd", "arguments": "{}"})
        + DONE
    )

    assert found.parts == (ToolCall("a", "ls", "{}"), ToolCall("call_new_1", "pwd", "{}"))


def test_several_choices_in_one_chunk_are_all_heard():
    both = {
        "choices": [
            {"index": 0, "delta": {"content": "a"}},
            {"index": 1, "delta": {"tool_calls": [{"index": 0, "function": {"name": "ls"}}]}},
        ]
    }

    assert folded(envelope(both) + DONE).parts == (Text("a"), ToolCall("call_new_1", "ls", "{}"))


@pytest.mark.parametrize(
    "odd",
    [
        {"choices": [{"index": "0", "delta": {"content": "hi"}, "finish_reason": None}]},
        {
            "choices": [{"delta": {"content": "hi", "role": None, "tool_calls": None}}],
            "usage": None,
        },
        {"choices": [{"delta": {"content": "hi", "tool_calls": [], "reasoning_content": ""}}]},
        {"choices": [{"delta": {"content": "hi"}}, {"delta": None}], "error": None},
    ],
)
def test_fields_may_be_missing_null_or_oddly_typed(odd):
    assert folded(envelope(odd) + DONE).parts == (Text("hi"),)
    assert folded(line(odd) + DONE).parts == (Text("hi"),)


def test_an_envelope_may_be_oddly_typed_too():
    odd = {"body": chunk({"content": "hi"}), "statusCodeValue": "200"}

    assert folded(line(odd) + DONE).parts == (Text("hi"),)


def test_a_chunk_that_cannot_be_understood_is_an_error_and_never_dropped():
    events, failure = told([HI + envelope({"choices": [{"delta": {"content": {"a": 1}}}]}) + DONE])

    assert heard_parts(events) == [Text("hi")]
    assert isinstance(failure, ProtocolError)


@pytest.mark.parametrize(
    "junk", ["{", "null", "[]", '"x"', "\ufffd", '{"body":"{"}', '{"type":"ping"}']
)
def test_a_line_that_says_nothing_is_skipped(junk):
    assert folded(line(junk) + HI + line(junk) + STOP + DONE).parts == (Text("hi"),)


def test_lines_that_could_not_be_read_are_counted_when_the_reply_does_not_end():
    _, failure = told([HI + line("{") + line('{"body":"{"}')])

    assert failure is not None
    assert "could not be read: 2" in failure.message


@pytest.mark.parametrize(
    "pieces",
    [
        (r"\ud83d", r"\ude00"),
        (r"a\ud83d", r"\ude00b"),
        (r"\ud83d\ude00", r"\ud83d", r"\ude00"),
    ],
)
@pytest.mark.parametrize("kind", ["content", "reasoning_content"])
def test_a_character_cut_in_half_is_whole_again(pieces, kind):
    frame = '{"choices":[{"delta":{"KIND":"PIECE"}}]}'.replace("KIND", kind)
    bodies = [frame.replace("PIECE", piece) for piece in pieces]
    (part,) = folded(b"".join(envelope(body) for body in bodies) + DONE).parts

    expected = json.loads('"' + "".join(pieces) + '"')
    assert part.text == expected.encode("utf-16", "surrogatepass").decode("utf-16")
    assert folded(b"".join(line(body) for body in bodies) + DONE).parts == (part,)


@given(st.data())
@pytest.mark.parametrize("kind", ["content", "reasoning_content"])
def test_a_text_is_the_same_however_it_is_cut_between_code_units(kind, data):
    text = data.draw(some_text)
    pieces = at_code_units(text, data.draw(st.lists(st.integers(0, 60), max_size=8)))
    (part,) = folded(b"".join(envelope(chunk({kind: piece})) for piece in pieces) + DONE).parts

    assert part.text == text


def test_half_a_character_that_stays_alone_becomes_a_mark_in_its_place():
    half = envelope(r'{"choices":[{"delta":{"content":"a\ud83d"}}]}')
    call = envelope(chunk({"tool_calls": [{"function": {"name": "ls"}}]}))

    assert folded(half + envelope(chunk({"content": "b"})) + DONE).parts == (Text("a\ufffdb"),)
    assert folded(half + DONE).parts == (Text("a\ufffd"),)
    assert folded(half + call + DONE).parts == (Text("a\ufffd"), ToolCall("call_new_1", "ls", "{}"))


def test_half_a_character_in_the_bytes_themselves_is_read_too():
    raw = b'data:{"choices":[{"delta":{"content":"a\xed\xa0\xbd"}}]}\n\n'
    rest = b'data:{"choices":[{"delta":{"content":"\xed\xb8\x80\xff"}}]}\n\n'

    assert folded(raw + DONE).parts == (Text("a\ufffd"),)
    assert folded(raw + HI + DONE).parts == (Text("a\ufffdhi"),)
    assert folded(HI + rest + DONE).parts[0].text.startswith("hi\ufffd")


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        (envelope({"code": "101", "message": "Signature invalid"}, 403), NotLoggedIn),
        (envelope({"code": "101", "message": "Signature invalid"}), NotLoggedIn),
        (envelope("", 500, statusMessage="boom"), BackendRefused),
        (envelope("boom", 500), BackendRefused),
        (envelope({"choices": []}, 401), NotLoggedIn),
        (line({"code": "101", "message": "x", "status": 403}), NotLoggedIn),
        (line({"error": {"message": "x", "code": "boom"}, "choices": None}), BackendRefused),
        (line({"error": "x", "choices": []}), BackendRefused),
        (line({"success": False, "errorCode": "403", "errorMessage": "user invalid"}), NotLoggedIn),
        (line({"statusCodeValue": 401}), NotLoggedIn),
        (envelope({"code": "ErrorCode418Risk", "message": "no"}), BackendRefused),
    ],
)
def test_a_refusal_is_heard_before_and_after_the_start(raw, kind):
    events, failure = told([raw])
    assert (events, type(failure)) == ([], kind)

    events, failure = told([HI + raw + HI + DONE])
    assert (heard_parts(events), type(failure)) == ([Text("hi")], kind)


def test_what_was_said_before_a_failure_is_not_lost():
    stream = RemoteStream(ID, MODEL, new_ids())

    assert heard_parts(stream.feed(HI + line({"error": "x"}))) == [Text("hi")]
    assert stream.over
    assert isinstance(stream.failure, BackendRefused)


def test_a_line_of_two_megabytes_is_a_line():
    big = "x" * 2_000_000

    assert folded(envelope(chunk({"content": big})) + DONE).parts == (Text(big),)


def test_an_event_without_end_is_given_up():
    stream = RemoteStream(ID, MODEL, new_ids())
    stream._decoder.max_line = 1000

    stream.feed(b"data:" + b"x" * 2000)

    assert isinstance(stream.failure, ProtocolError)


def test_deeply_nested_nonsense_is_skipped():
    assert folded(line("[" * 100_000) + HI + DONE).parts == (Text("hi"),)


def test_thinking_then_text_then_a_call_keep_their_order():
    script = (Think("a"), Say("b"), Call(0, "c", "ls", "{}"), Say("d"))
    found = folded(sse(Story("mixed", script)))

    assert found.parts == (Thinking("a"), Text("b"), ToolCall("c", "ls", "{}"), Text("d"))
