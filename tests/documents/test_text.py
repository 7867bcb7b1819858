import pytest

from lingma_proxy.documents.text import MOST_CHARACTERS, framed, text_of
from lingma_proxy.documents.unreadable import Unreadable
from support.pdf import pdf


def read(data: bytes, media_type: str = "") -> object:
    return text_of(data, media_type, most_pages=300)


def refusal(data: bytes, media_type: str = "") -> str:
    with pytest.raises(Unreadable) as caught:
        read(data, media_type)
    return caught.value.clause


@pytest.mark.parametrize(
    "media_type", ["application/pdf", "application/octet-stream", "", "text/plain"]
)
def test_a_pdf_is_read_whatever_it_is_called(media_type: str) -> None:
    assert read(pdf("a", "b"), media_type) == ["a", "b"]


@pytest.mark.parametrize(
    "text", ["# Hi\n", '{"a": 1}', "a;b\r\n", "<p>&amp;", " \u2028\x0b\t", "你好😀", ""]
)
@pytest.mark.parametrize("media_type", ["text/markdown", "application/json", "image/png", ""])
def test_what_decodes_as_text_is_text_to_the_letter(text: str, media_type: str) -> None:
    assert read(text.encode(), media_type) == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_how_it_is_written(encoding: str) -> None:
    assert read("héllo 你".encode(encoding), "text/plain") == "héllo 你"


def test_so_does_the_media_type() -> None:
    assert read("你好".encode("gb18030"), "text/plain; charset=GB18030") == "你好"
    assert read("é".encode("latin-1"), 'text/csv;header=present;charset="iso-8859-1"') == "é"
    # What a data URL says that says nothing.
    assert read("é".encode(), "text/plain;charset=us-ascii") == "é"
    # Not encodings of text, or none at all.
    for odd in ("rot13", "zlib", "base64", "nonsense", "\0", ""):
        assert read(b"abc", f"text/plain;charset={odd}") == "abc"


@pytest.mark.parametrize(
    ("data", "media_type", "word"),
    [
        (b"PK\x03\x04\x14", "application/vnd.openxmlformats-officedocument", "Office"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "", "old Office"),
        (b"\x1f\x8b\x08", "", "compressed"),
        (b"\x7fELF\0", "", "neither"),
        (b"\xff\xfe\0\xd8", "text/plain", "neither"),
        (b"a\0b", "text/plain", "neither"),
        (b"\xc4\xe3", "text/plain", "UTF-8"),
        (b"\xc4\xe3", "text/plain;charset=ascii", "UTF-8"),
        (b"<html>", "application/pdf", "called a PDF"),
        (b"", "application/pdf", "called a PDF"),
        (b"a" * (MOST_CHARACTERS + 1), "text/plain", "characters"),
    ],
    ids=lambda value: value[:20] if isinstance(value, (str, bytes)) else None,
)  # fmt: skip
def test_what_is_no_text_is_refused_by_what_it_is(data: bytes, media_type: str, word: str) -> None:
    assert word in refusal(data, media_type)


def test_a_document_stands_between_tags_that_name_it() -> None:
    assert framed(" a\n", 'no"tes', "Mine.") == (
        '<document title="no\\"tes" context="Mine.">\n a\n\n</document>'
    )
    assert framed("a") == "<document>\na\n</document>"


def test_pages_are_numbered_and_an_empty_one_is_called_so() -> None:
    assert framed(("a", "", "c"), "t.pdf") == (
        '<document title="t.pdf" pages="3">\n'
        '<page number="1">\na\n</page>\n'
        '<page number="2">\n(no text on this page)\n</page>\n'
        '<page number="3">\nc\n</page>\n'
        "</document>"
    )
