import logging
import zlib
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.documents import pdf as reading
from lingma_proxy.documents.pdf import is_pdf, pages_of
from lingma_proxy.documents.unreadable import Unreadable
from support.pdf import lines, of_objects, pages, pdf, squeezed, stream


def read(data: bytes, most: int = 300) -> list[str]:
    return pages_of(data, most_pages=most)


def refusal(data: bytes, most: int = 300) -> str:
    with pytest.raises(Unreadable) as caught:
        read(data, most)
    return caught.value.clause


def encrypted(data: bytes, password: str, algorithm: str) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(BytesIO(data)))
    writer.encrypt(password, owner_password="owner", algorithm=algorithm)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def test_the_text_comes_page_by_page() -> None:
    assert read(pdf("Hello (1)\nworld", "", "Bye \\")) == ["Hello (1)\nworld", "", "Bye \\"]


def test_text_in_other_scripts_comes_by_the_map_of_its_font() -> None:
    cmap = b"1 beginbfchar <01> <4F60> endbfchar 1 beginbfrange <02> <03> <D83DDE00> endbfrange"
    objects = pages([squeezed(b"BT /F1 12 Tf 72 720 Td <010203> Tj ET")])
    objects[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /X /ToUnicode 6 0 R >>"
    objects[6] = squeezed(cmap)

    assert read(of_objects(objects)) == ["你😀😁"]


def test_half_a_character_is_no_character() -> None:
    objects = pages([squeezed(b"BT /F1 12 Tf 72 720 Td <0102> Tj ET")])
    objects[3] = b"<< /Type /Font /Subtype /Type1 /BaseFont /X /ToUnicode 6 0 R >>"
    objects[6] = squeezed(b"2 beginbfchar <01> <D83D> <02> <0041> endbfchar")

    assert read(of_objects(objects))[0].encode().decode().endswith("A")


def test_small_damage_is_mended() -> None:
    assert read(pdf("x").replace(b"/Root 1", b"/Root 9")) == ["x"]


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256"])
def test_a_lock_without_a_password_is_none(algorithm: str) -> None:
    assert read(encrypted(pdf("open"), "", algorithm)) == ["open"]
    assert "password" in refusal(encrypted(pdf("shut"), "secret", algorithm))


@pytest.mark.parametrize(
    "data",
    [
        pdf("", ""),
        pdf(" \n "),
        of_objects(pages([])),
        of_objects(pages([squeezed(b"0 0 9 9 re f")])),
    ],
    ids=["empty pages", "blanks", "no pages", "drawn"],
)
def test_no_text_is_said_and_not_passed_on_as_an_empty_document(data: bytes) -> None:
    assert "has no text" in refusal(data)


def test_more_pages_than_allowed_are_refused_before_they_are_read() -> None:
    assert read(pdf("a", "b"), 2) == ["a", "b"]
    assert "3 pages, more than the 2" in refusal(pdf("a", "b", "c"), 2)


def test_more_text_than_any_model_reads_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(reading, "MOST_CHARACTERS", 20)

    assert "20 characters" in refusal(pdf("a" * 15, "b" * 15))


def tree(depth: int) -> bytes:
    """A tree of pages in which each branch is there twice: 2**depth pages."""
    objects = pages([squeezed(lines("hi"))])
    branches = {2: 6, **{number: number + 1 for number in range(6, 6 + depth)}}
    for number, below in branches.items():
        objects[number] = b"<< /Type /Pages /Count 2 /Kids [%d 0 R %d 0 R] >>" % (below, below)
    objects[6 + depth] = objects[4]
    return of_objects(objects)


def with_objects(first: bytes, **others: bytes) -> bytes:
    objects = pages([first])
    objects.update({int(number[1:]): content for number, content in others.items()})
    return of_objects(objects)


FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 1 1] /Resources << /XObject << /X 6 0 R >> >>"
PAGE_OF_FORM = pages([b""])[4].replace(b"/Font <<", b"/XObject << /X 6 0 R >> /Font <<")
HOSTILE = {
    "squeezed a thousand times": with_objects(squeezed(b" " * 40_000_000)),
    "squeezed twice": with_objects(
        stream(
            zlib.compress(zlib.compress(bytes(60_000_000), 9), 9),
            b"/Filter [/FlateDecode /FlateDecode]",
        )
    ),
    "a hundred filters": with_objects(stream(b"x", b"/Filter [" + b"/FlateDecode " * 100 + b"]")),
    "pages that hold themselves": with_objects(
        b"null", _2=b"<< /Type /Pages /Count 1 /Kids [2 0 R 2 0 R] >>"
    ),
    "pages by the billion": tree(34),
    "deeper than any tree": tree(500),
    "one page a hundred thousand times": with_objects(
        b"null", _2=b"<< /Type /Pages /Kids [" + b"4 0 R " * 100_000 + b"] >>"
    ),
    "contents that are themselves": with_objects(b"5 0 R"),
    "contents in a circle": with_objects(b"7 0 R", _7=b"5 0 R"),
    "brackets in the file": of_objects({1: b"[" * 200_000}),
    "brackets on the page": with_objects(squeezed(b"[" * 200_000)),
    "an older table that is this one": b"%PDF-1.7\nxref\n0 999999999\ntrailer\n"
    b"<</Prev 9 /Root 1 0 R>>\nstartxref\n9\n%%EOF",
    "a length that is a lie": with_objects(b"<< /Length 99999999999 >>\nstream\nx\nendstream"),
    "its first bytes": b"%PDF-1.7",
    "a half of it": pdf("x" * 100)[:400],
    "a form that holds itself": with_objects(squeezed(b"/X Do"), _4=PAGE_OF_FORM, _6=squeezed(b"/X Do /X Do", FORM)),
}  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_what_is_hostile_or_damaged_is_refused_and_comes_to_an_end(data: bytes) -> None:
    assert refusal(data).endswith(".")


@pytest.mark.parametrize(
    "data",
    [
        b"%PDF-1.7\n" + b"1 0 obj\n<<>>\nendobj\n" * 3000,
        pdf(*"abc"),
        with_objects(squeezed(b"BT " * 99)),
    ],
    ids=["objects", "pages", "operators"],
)
def test_time_is_looked_at_while_it_is_read(data: bytes) -> None:
    def up() -> None:
        raise Unreadable("takes too long.")

    with pytest.raises(Unreadable, match="takes too long"):
        pages_of(data, most_pages=300, check=up)


@given(st.data())
def test_a_spoiled_pdf_is_read_or_refused(data: st.DataObject) -> None:
    whole = bytearray(pdf("Hello", "world"))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(whole) - 1))
        match data.draw(st.sampled_from(["another", "gone", "cut"])):
            case "another":
                whole[at] = data.draw(st.integers(0, 255))
            case "gone":
                del whole[at : at + data.draw(st.integers(1, 40))]
            case _:
                del whole[max(at, 1) :]
        if not whole:
            return
    try:
        for text in read(bytes(whole)):
            text.encode()
    except Unreadable:
        pass


def test_what_is_wrong_with_a_file_is_not_logged(caplog) -> None:
    with caplog.at_level(logging.DEBUG):
        for data in HOSTILE.values():
            refusal(data)

    assert caplog.records == []


def test_a_pdf_is_what_begins_like_one() -> None:
    assert is_pdf(pdf("x"))
    assert is_pdf(b"\xef\xbb\xbf\n" + pdf("x"))
    assert not is_pdf(b" " * 2000 + pdf("x"))
    assert not is_pdf(b"a text about %PDF")
    assert not is_pdf(b"")
