import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.errors import ProtocolError
from lingma_proxy.jsonio import dumpb, loads
from lingma_proxy.wire.ndjson import NdjsonDecoder, encode, unbroken
from support.cuts import at_points, in_two, one_by_one
from support.strategies import json_values
from support.work import copied


def decoded(pieces: list[bytes], max_line: int = 100) -> list[bytes | str]:
    """The lines; and the failure that follows them, if there is one."""
    decoder = NdjsonDecoder(max_line)
    said: list[bytes | str] = []
    try:
        for piece in pieces:
            said += decoder.feed(piece)
        said += decoder.end()
    except ProtocolError as failure:
        said.append(failure.message)
    return said


TOO_LONG = "A line of the other side passes 100 bytes."

CASES: dict[str, tuple[bytes, list[bytes | str]]] = {
    "one": (b"{}\n", [b"{}"]),
    "two": (b"{}\nnull\n", [b"{}", b"null"]),
    "CR LF": (b"{}\r\nnull\r\n", [b"{}", b"null"]),
    "a CR alone ends nothing": (b"1\r2\n", [b"1\r2"]),
    "blanks around it": (b" \t{}\t \n", [b"{}"]),
    "blank lines": (b"\n\r\n \n{}\n\n\n", [b"{}"]),
    "line breaks that are none": (
        '"a\u2028b\u2029c\u0085d"\n'.encode(), ['"a\u2028b\u2029c\u0085d"'.encode()],
    ),
    "no line end at the end": (b"{}\n[", [b"{}", b"["]),
    "half a line end at the end": (b"{}\r", [b"{}"]),
    "only a blank at the end": (b"{}\n ", [b"{}"]),
    "no JSON is no concern of ours": (b"\xff oops\n{}\n", [b"\xff oops", b"{}"]),
    "nothing": (b"", []),
    "the longest": (b"x" * 100 + b"\n", [b"x" * 100]),
    "a line too long": (b"{}\n" + b"x" * 101 + b"\n{}\n", [b"{}", TOO_LONG]),
    "a line too long without end": (b"x" * 101, [TOO_LONG]),
}  # fmt: skip


@pytest.mark.parametrize(("stream", "said"), CASES.values(), ids=CASES)
def test_lines_are_the_same_however_they_are_cut(stream: bytes, said: list[bytes | str]) -> None:
    assert decoded([stream]) == said
    assert decoded(one_by_one(stream)) == said
    assert decoded([b"", *one_by_one(stream), b""]) == said
    for pieces in in_two(stream):
        assert decoded(pieces) == said


bodies = st.lists(json_values.map(dumpb), max_size=6)


@given(bodies, st.lists(st.integers(0, 400), max_size=12))
def test_what_is_encoded_is_decoded_however_it_is_cut(
    bodies: list[bytes], points: list[int]
) -> None:
    stream = b"".join(map(encode, bodies))

    assert decoded([stream], 10**6) == bodies
    assert decoded(at_points(stream, points), 10**6) == bodies
    assert decoded(one_by_one(stream), 10**6) == bodies


@given(st.text("{}x \r\n", max_size=250).map(str.encode))
def test_any_bytes_are_read_or_refused_the_same_however_they_are_cut(stream: bytes) -> None:
    assert decoded(one_by_one(stream), 9) == decoded([stream], 9)


def test_lines_come_out_as_soon_as_they_are_complete() -> None:
    decoder = NdjsonDecoder()

    assert decoder.feed(b"{}\nnu") == [b"{}"]
    assert decoder.feed(b"ll\n[]\n") == [b"null", b"[]"]
    assert decoder.end() == []


def test_a_failure_does_not_take_what_was_complete_before_it_and_is_kept() -> None:
    decoder = NdjsonDecoder(2)

    assert decoder.feed(b"{}\n{} {}\n{}\n") == [b"{}"]
    for _ in range(2):
        with pytest.raises(ProtocolError):
            decoder.feed(b"")
        with pytest.raises(ProtocolError):
            decoder.end()


def test_the_limit_is_for_each_line_not_for_all() -> None:
    decoder = NdjsonDecoder(4)

    for _ in range(50):
        assert decoder.feed(b"null\n") == [b"null"]


def test_a_long_line_in_many_pieces_is_not_copied_at_each() -> None:
    piece, number = b"x" * 2048, 1000
    decoder = NdjsonDecoder()
    said: list[bytes] = []

    work = copied(lambda chunk: said.extend(decoder.feed(chunk)), [*[piece] * number, b"\n"])

    assert said == [piece * number]
    assert work < 6 * len(piece) * number


def test_the_line_ends_of_unicode_can_be_spelled_out() -> None:
    value = {"a\u2028": "\u0085\u2029\x0b\x0c\x1c\x1d\x1e\r\n", "é": "Å\u2027\u00c2"}

    plain = unbroken(dumpb(value))

    assert loads(plain) == value
    assert len(plain.decode().splitlines()) == 1
