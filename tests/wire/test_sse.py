import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.errors import ProtocolError
from lingma_proxy.wire import sse
from lingma_proxy.wire.sse import ServerSentEvent, SseDecoder
from support.cuts import at_points, in_two, one_by_one
from support.strategies import some_text, words
from support.work import copied

E = ServerSentEvent

CASES = {
    "one event": (b"data: x\n\n", [E(b"x")]),
    "no blank after the colon": (b"data:x\n\n", [E(b"x")]),
    "only the first blank is taken off": (b"data:  x \n\n", [E(b" x ")]),
    "CR LF": (b"data: x\r\n\r\ndata: y\r\n\r\n", [E(b"x"), E(b"y")]),
    "CR": (b"data: x\r\rdata: y\r\r", [E(b"x"), E(b"y")]),
    "all three mixed": (b"data: x\r\n\rdata: y\n\r\ndata: z\r\n\n", [E(b"x"), E(b"y"), E(b"z")]),
    "a type": (b"event: ping\ndata: {}\n\n", [E(b"{}", "ping")]),
    "a type does not outlive its event": (b"event: a\n\ndata: x\n\n", [E(b"x")]),
    "the last type counts": (b"event: a\nevent:b\ndata: x\n\n", [E(b"x", "b")]),
    "data of several lines": (b"data: x\ndata:\ndata: y\n\n", [E(b"x\n\ny")]),
    "a field without a colon": (b"data\n\ndata\ndata\n\n", [E(b""), E(b"\n")]),
    "comments": (b": hello\n:\n\ndata: x\n: in the middle\n\n", [E(b"x")]),
    "fields that we do not know": (
        b"id: 1\nretry: 5\nDATA: y\nx\ndata : z\ndata: x\n\n",
        [E(b"x")],
    ),
    "a byte-order mark": (b"\xef\xbb\xbfdata: x\n\n", [E(b"x")]),
    "a mark further on is content": (b"data: \xef\xbb\xbfx\n\n", [E(b"\xef\xbb\xbfx")]),
    "a second mark is no mark": (b"\xef\xbb\xbf\xef\xbb\xbfdata: x\n\ndata: y\n\n", [E(b"y")]),
    "line breaks that are none": (
        "data: a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg\n\n".encode(),
        [E("a\u2028b\u2029c\u0085d\x0be\x0cf\x1cg".encode())],
    ),
    "no blank line at the end": (b"data: x\n\ndata: y\n", [E(b"x"), E(b"y")]),
    "no line end at the end": (b"data: x\n\ndata: y", [E(b"x"), E(b"y")]),
    "half a line end at the end": (b"data: y\r", [E(b"y")]),
    "only a type at the end": (b"event: ping\n", []),
    "blank lines": (b"\n\n\r\n\r\r", []),
    "nothing": (b"", []),
    "half a mark": (b"\xef\xbb", []),
}


def decoded(pieces: list[bytes]) -> list[ServerSentEvent]:
    decoder = SseDecoder()
    return [event for piece in pieces for event in decoder.feed(piece)] + decoder.end()


@pytest.mark.parametrize(("text", "events"), CASES.values(), ids=CASES)
def test_a_stream_is_the_same_however_it_is_cut(text: bytes, events: list[ServerSentEvent]) -> None:
    assert decoded([text]) == events
    assert decoded(one_by_one(text)) == events
    assert decoded([b"", *one_by_one(text), b""]) == events
    for pieces in in_two(text):
        assert decoded(pieces) == events


line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])
lines = st.one_of(
    some_text.map(lambda text: b"data: " + text.encode().replace(b"\r", b"").replace(b"\n", b"")),
    words.map(lambda word: b"event: " + word.encode()),
    st.sampled_from([b"", b"", b":", b"data", b"data:", b"id: 1", b"\xef\xbb\xbf", b"\xff"]),
)
streams = st.lists(st.tuples(lines, line_ends).map(b"".join), max_size=12).map(b"".join)


@given(streams, st.lists(st.integers(0, 200), max_size=8))
def test_any_stream_is_the_same_however_it_is_cut(stream: bytes, points: list[int]) -> None:
    assert decoded(at_points(stream, points)) == decoded([stream])
    assert decoded(one_by_one(stream)) == decoded([stream])


@given(st.lists(st.tuples(some_text, words | st.just("")), max_size=5))
def test_what_is_encoded_is_decoded(events: list[tuple[str, str]]) -> None:
    said = [(data.replace("\r", "").replace("\n", "").encode(), kind) for data, kind in events]

    stream = b"".join(sse.encode(data, kind) + sse.comment("ping") for data, kind in said)

    assert decoded([stream]) == [ServerSentEvent(data, kind) for data, kind in said]


def test_events_come_out_as_soon_as_they_are_complete() -> None:
    decoder = SseDecoder()

    assert decoder.feed(b"data: x\n") == []
    assert decoder.feed(b"\ndata: y\n\nda") == [E(b"x"), E(b"y")]
    assert decoder.feed(b"ta: z\r\n\r\n") == [E(b"z")]
    assert decoder.end() == []


def test_comments_are_counted() -> None:
    decoder = SseDecoder()

    decoder.feed(b": one\n\n:two\ndata: x: y\n:\n")

    assert decoder.comments == 3


def test_a_character_that_two_reads_share_stays_whole() -> None:
    decoder = SseDecoder()
    smile = "😀".encode()

    decoder.feed(b"data: " + smile[:2])

    assert decoder.feed(smile[2:] + b"\n\n") == [E(smile)]


def test_a_type_that_is_not_utf_8_does_not_break_the_stream() -> None:
    assert decoded([b"event: \xff\ndata: x\n\n"]) == [E(b"x", "\ufffd")]


@pytest.mark.parametrize("separator", [b"\n\n", b"\r\n\r\n"])
def test_a_long_line_in_many_pieces_is_not_copied_at_each(separator: bytes) -> None:
    piece, number = b"x" * 2048, 1000
    decoder = SseDecoder()
    events: list[ServerSentEvent] = []

    work = copied(
        lambda chunk: events.extend(decoder.feed(chunk)), [b"data:", *[piece] * number, separator]
    )

    assert events == [E(piece * number)]
    assert work < 6 * len(piece) * number


@pytest.mark.parametrize("before", [b"", b"data: x\n\n", b": ping\n\n"])
def test_a_line_without_end_is_refused_when_it_passes_the_limit(before: bytes) -> None:
    decoder = SseDecoder(max_line=100)
    decoder.feed(before + b"data: " + b"x" * 90)
    decoder.feed(b"xxxx")

    with pytest.raises(ProtocolError, match="passes 100 bytes"):
        decoder.feed(b"x")


@pytest.mark.parametrize("line", [b"data: 789x", b"data", b"data:"])
def test_an_event_without_end_is_refused_when_it_passes_the_limit(line: bytes) -> None:
    decoder = SseDecoder(max_line=100)
    for _ in range(100 // len(line)):
        decoder.feed(line + b"\n")

    with pytest.raises(ProtocolError, match="passes 100 bytes"):
        decoder.feed(line + b"\n")


def test_the_limit_is_for_each_event_not_for_all() -> None:
    decoder = SseDecoder(max_line=100)

    for _ in range(50):
        assert decoder.feed(b"data: " + b"x" * 40 + b"\n\n") == [E(b"x" * 40)]
