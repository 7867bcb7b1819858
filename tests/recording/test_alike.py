"""Nothing is lost of lines that are written as what differs, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.recording.alike import packed, telling, unpacked
from lingma_proxy.recording.redact import redacted
from support.work import calls

CHUNK = b'data: {"id":"chat-1","choices":[{"delta":{"content":"%b"},"finish_reason":null}]}'
pieces = st.sampled_from(
    [b"", b"\n", b"data: ", b'{"a":"b","c":', b'"', b"\\", b"\x01", b"x" * 30, b"y" * 30, b"}\r"]
)


@given(st.lists(pieces | st.binary(max_size=8), max_size=80).map(b"".join))
def test_what_was_packed_is_unpacked_again(data):
    assert unpacked(packed(data)) == data


@given(st.lists(st.binary(max_size=12), min_size=5, max_size=40))
def test_so_is_a_stream(words):
    data = b"\n\n".join(CHUNK % word for word in words)

    assert unpacked(packed(data)) == data


def test_a_stream_takes_a_fraction_and_shows_each_value_that_differs():
    words = [b"word%d" % number for number in range(100)]
    stream = b"\n\n".join(CHUNK % word for word in words)
    short = packed(stream)

    assert len(short) < len(stream) / 6
    assert all(word in short for word in words)


def test_a_value_is_never_cut_where_two_end_alike():
    words = [b"one secret", b"no secret", b"a secret"] * 4
    short = packed(b"\n".join(CHUNK % word for word in words))

    assert b"one secret\x02no secret\x02a secret\x02one secret" in short


def test_what_has_few_lines_is_left_as_it_is():
    data = b'{"a":1}\n{"a":2}'

    assert packed(data) is data
    assert unpacked(data) is data


def test_kinds_that_take_turns_for_long_are_runs_of_their_own():
    other = CHUNK.replace(b"content", b"reasoning_content")
    alone = b"event: ping\ndata: {}"
    parts = [*[other % b"why %d" % it for it in range(40)], alone]
    parts += [CHUNK % b"so %d" % it for it in range(40)]
    stream = b"\n\n".join(parts) + b"\n\ndata: [DONE]\n\n"

    assert unpacked(packed(stream)) == stream
    assert len(packed(stream)) < len(stream) / 4


@pytest.mark.parametrize("name", [b"api_key", b'content\\\\":\\\\"Bearer ', b"password"])
@pytest.mark.parametrize("value", [b'"%b"', b"%b", b'["%b"]', b'{"a":"%b"}'])
def test_what_names_the_values_of_a_run_is_told_with_one(name, value):
    field = CHUNK.replace(b"content", name).replace(b'"%b"', value)
    stream = b"\n\n".join(field % (b"%d" % (it * 7654321)) for it in range(5, 40))

    assert len(packed(stream)) < len(stream) / 3
    if redacted(field % b"1234567890") != field % b"1234567890":
        assert redacted(telling(packed(stream))) != telling(packed(stream))


@pytest.mark.parametrize("values", [b'\\"', b"x", b"\n", b'","content":"'])
def test_what_it_takes_grows_with_the_stream_and_no_faster(values):
    def steps(size):
        stream = b"\n\n".join(CHUNK % (values * (it % 50)) for it in range(size))
        assert unpacked(packed(stream)) == stream
        return calls(lambda: packed(stream))

    assert steps(4000) < 6 * steps(1000) + 1000
