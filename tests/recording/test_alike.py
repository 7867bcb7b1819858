"""Nothing is lost of lines that are written as what differs, whatever they are."""

from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.recording.alike import packed, unpacked

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


def test_a_stream_takes_a_fraction_and_shows_each_field_that_differs():
    words = [b"word%d" % number for number in range(100)]
    stream = b"\n\n".join(CHUNK % word for word in words)
    short = packed(stream)

    assert len(short) < len(stream) / 3
    assert all(b'"content":"%b' % word in short for word in words)


def test_a_value_is_never_cut_where_two_end_alike():
    words = [b"one secret", b"no secret", b"a secret"] * 4
    short = packed(b"\n".join(CHUNK % word for word in words))

    assert all(b'"content":"%b' % word in short for word in words)


def test_what_has_few_lines_is_left_as_it_is():
    data = b'{"a":1}\n{"a":2}'

    assert packed(data) is data
    assert unpacked(data) is data
