from collections.abc import Callable

import pytest

from lingma_proxy.tools.source import Reading, Shape, Source, literally

MARK = Shape("<", (r"(?:\w+:)?", r"\w+"), *literally("tag"), r"[ ]*", ">")


def asked(reader: Callable[[Source], Reading[object]], pieces: list[str]) -> list[object]:
    """What a reader returns, and behind which piece."""
    source = Source()
    reading = reader(source)
    for number, piece in enumerate(pieces):
        source.add(piece)
        try:
            next(reading)
        except StopIteration as returned:
            return [number, returned.value]
    source.over = True
    with pytest.raises(StopIteration) as end:
        next(reading)
    return ["end", end.value.value]


def found(source: Source) -> Reading[object]:
    match = yield from source.shape(MARK)
    return match[0] if match else None


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        (["<tag>"], [0, "<tag>"]),
        (["<", "ta", "g", " ", ">x"], [4, "<tag >"]),
        (["<a", "b", ":tag>"], [2, "<ab:tag>"]),
        (["<a b"], [0, None]),
        (["<ta", "x", ">"], [2, None]),
        (["x"], [0, None]),
        (["<ta"], ["end", None]),
        ([""], ["end", None]),
    ],
)
def test_a_shape_is_waited_for_while_it_can_still_come(
    pieces: list[str], answer: list[object]
) -> None:
    assert asked(found, pieces) == answer


def test_blanks_are_taken_up_to_what_is_none() -> None:
    assert asked(Source.blanks, [" ", "\n\t", "\r\u00a0"]) == [2, " \n\t\r"]
    assert asked(Source.blanks, [" "]) == ["end", " "]


def test_what_was_taken_can_be_had_again() -> None:
    source = Source()
    source.add("abc")
    source.hold()
    source.take_one()
    place = source.mark()
    source.take(3)
    source.add("def")
    source.take(1)

    assert source.since(place) == "bcd"
    source.go_back(2)
    assert (source.text[source.at :], source.last) == ("cdef", "b")
    assert source.let_go() == "ab"
