import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.errors import ProtocolError
from lingma_proxy.jsonio import dumpb
from lingma_proxy.wire.lsp import MAX_HEADER, LspDecoder, encode
from support.cuts import at_points, in_two, one_by_one
from support.strategies import json_values
from support.vectors import vectors
from support.work import copied

VECTORS = vectors("lsp_frames")


def decoded(pieces: list[bytes], max_frame: int = 1000) -> list[bytes | str]:
    """The messages; and the failure that follows them, if there is one."""
    decoder = LspDecoder(max_frame)
    said: list[bytes | str] = []
    try:
        for piece in pieces:
            said += decoder.feed(piece)
        decoder.end()
    except ProtocolError as failure:
        said.append(failure.message)
    return said


def framed(length: bytes, body: bytes = b"{}") -> bytes:
    return b"Content-Length:" + length + b"\r\n\r\n" + body


@pytest.mark.parametrize("case", VECTORS["encode"], ids=lambda it: it["content_length"])
def test_a_message_is_framed_as_in_the_vectors(case) -> None:
    frame = encode(dumpb(case["json"]))

    assert frame.hex() == case["frame_hex"]
    assert decoded([frame]) == [dumpb(case["json"])]


@pytest.mark.parametrize("case", VECTORS["decode"], ids=lambda it: it["name"])
def test_frames_are_read_as_in_the_vectors(case) -> None:
    assert decoded([bytes.fromhex(chunk) for chunk in case["chunks_hex"]]) == [
        body.encode() for body in case["bodies"]
    ]


@pytest.mark.parametrize("case", VECTORS["decode_errors"], ids=lambda it: it["name"])
def test_what_is_no_frame_in_the_vectors_is_refused_at_once(case) -> None:
    with pytest.raises(ProtocolError, match="without"):
        LspDecoder().feed(bytes.fromhex(case["chunk_hex"]))


NO_NUMBER = "A message came with a Content-Length that is no number."
TOO_LONG = "A message passes 1000 bytes."
WITHOUT = "A message came without Content-Length."
ANOTHER_WAY = "A message came without a header: the other side speaks another way."

CASES: dict[str, tuple[bytes, list[bytes | str]]] = {
    "one": (framed(b" 2"), [b"{}"]),
    "two": (framed(b" 2") + framed(b" 4", b"null"), [b"{}", b"null"]),
    "an empty one": (framed(b" 0", b"") + framed(b"2"), [b"", b"{}"]),
    "a body that looks like a frame": (
        framed(b" 21", framed(b" 2", b"{}\r\n")[:21]),
        [framed(b" 2", b"{}\r\n")[:21]],
    ),
    "blanks around the number": (framed(b" \t2 \t"), [b"{}"]),
    "a number with noughts before it": (framed(b"0" * 5000 + b"2"), [b"{}"]),
    "the same length twice": (b"content-length: 2\r\nCONTENT-LENGTH:2\r\n\r\n{}", [b"{}"]),
    "other headers": (
        b"Content-Type: application/x; charset=utf-8\r\nX\r\ncOnTeNt-LeNgTh: 2\r\nY:\r\n\r\n{}",
        [b"{}"],
    ),
    "a blank line before it": (b"\r\n" + framed(b"2"), [b"{}"]),
    "the largest": (framed(b"1000", b"x" * 1000), [b"x" * 1000]),
    "nothing": (b"", []),
    "two lengths": (b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", [
        "A message came with several lengths that contradict each other."
    ]),
    "no length": (b"Content-Type: x\r\n\r\n{}", [WITHOUT]),
    "two blank lines": (b"\r\n\r\n" + framed(b"2"), [WITHOUT]),
    "an empty length": (framed(b""), [NO_NUMBER]),
    "a negative length": (framed(b" -2"), [NO_NUMBER]),
    "a signed length": (framed(b" +2"), [NO_NUMBER]),
    "a length with a point": (framed(b" 2.0"), [NO_NUMBER]),
    "a length in other digits": (framed("²".encode()), [NO_NUMBER]),
    "a length too much": (framed(b"1001"), [TOO_LONG]),
    "an absurd length": (framed(b"9" * 5000), [TOO_LONG]),
    "bare JSON": (b'{"jsonrpc":"2.0"}', [ANOTHER_WAY]),
    "bare JSON, several": (b"[{}]", [ANOTHER_WAY]),
    "JSON after a message": (framed(b" 2") + b"{}", [b"{}", ANOTHER_WAY]),
    "a web page": (b"HTTP/1.1 404 Not Found\r\nServer: x\r\n\r\n", [WITHOUT]),
    "a message and nonsense": (framed(b" 2") + framed(b" x"), [b"{}", NO_NUMBER]),
    "a header without end": (b"X: " + b"x" * MAX_HEADER, [
        f"The header of a message passes {MAX_HEADER} bytes."
    ]),
    "half a header": (framed(b"2") + b"Content-L", [
        b"{}", "The other side went away in the middle of a header."
    ]),
    "half a message": (framed(b"9"), [
        "The other side went away in the middle of a message: 7 bytes of it are missing."
    ]),
    "no message": (framed(b"2", b""), [
        "The other side went away in the middle of a message: 2 bytes of it are missing."
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("stream", "said"), CASES.values(), ids=CASES)
def test_frames_are_the_same_however_they_are_cut(stream: bytes, said: list[bytes | str]) -> None:
    assert decoded([stream]) == said
    assert decoded(one_by_one(stream)) == said
    assert decoded([b"", *one_by_one(stream), b""]) == said
    for pieces in list(in_two(stream))[:200]:
        assert decoded(pieces) == said


bodies = st.lists(json_values.map(dumpb) | st.binary(max_size=40), max_size=6)


@given(bodies, st.lists(st.integers(0, 400), max_size=12))
def test_any_frames_are_the_same_however_they_are_cut(
    bodies: list[bytes], points: list[int]
) -> None:
    stream = b"".join(map(encode, bodies))

    assert decoded([stream], 10**6) == bodies
    assert decoded(at_points(stream, points), 10**6) == bodies
    assert decoded(one_by_one(stream), 10**6) == bodies


@given(
    st.binary(max_size=60)
    | st.from_regex(re.compile(rb"(Content-Length: ?[0-9x]{0,3}\r\n)*\r\n.{0,9}"))
)
def test_any_bytes_are_read_or_refused_the_same_however_they_are_cut(stream: bytes) -> None:
    assert decoded(one_by_one(stream)) == decoded([stream])


def test_messages_come_out_as_soon_as_they_are_complete() -> None:
    decoder = LspDecoder()

    assert decoder.feed(b"Content-Length: 2\r\n\r\n{") == []
    assert decoder.feed(b"}Content-Length: 4\r\n\r\nnullCont") == [b"{}", b"null"]
    assert decoder.feed(b"ent-Length: 1\r\n\r\n1") == [b"1"]
    decoder.end()


def test_a_failure_does_not_take_what_was_complete_before_it_and_is_kept() -> None:
    decoder = LspDecoder()

    assert decoder.feed(framed(b"2") + b"{}") == [b"{}"]
    for _ in range(2):
        with pytest.raises(ProtocolError):
            decoder.feed(b"")
        with pytest.raises(ProtocolError):
            decoder.end()


def test_a_long_message_in_many_pieces_is_not_copied_at_each() -> None:
    piece, number = b"x" * 2048, 1000
    decoder = LspDecoder()
    said: list[bytes] = []
    stream = [b"Content-Length: %d\r\n\r\n" % (len(piece) * number), *[piece] * number]

    work = copied(lambda chunk: said.extend(decoder.feed(chunk)), stream)

    assert said == [piece * number]
    assert work < 6 * len(piece) * number


def test_many_messages_in_one_piece_are_not_copied_for_each() -> None:
    body, number = b"x" * 20, 5000
    stream = encode(body) * number
    decoder = LspDecoder()

    assert copied(decoder.feed, [stream]) < 10 * len(stream)
