import pytest
from hypothesis import given
from hypothesis import strategies as st

from lingma_proxy.wire.data_url import DataUrl, base64, decode, encode, is_data_url

US_ASCII = "text/plain;charset=us-ascii"

FORMS = {
    "data:,": DataUrl(US_ASCII, b""),
    "data:,A%20brief%20note": DataUrl(US_ASCII, b"A brief note"),
    "data:text/plain;charset=iso-8859-7,%be%d3%be": DataUrl(
        "text/plain;charset=iso-8859-7", b"\xbe\xd3\xbe"
    ),
    "data:;charset=UTF-8,x": DataUrl("text/plain;charset=utf-8", b"x"),
    "data:;base64,aQ==": DataUrl(US_ASCII, b"i"),
    "data:image/png;base64,iVBO": DataUrl("image/png", b"\x89PN"),
    "DATA:Image/PNG;BASE64,iVBO": DataUrl("image/png", b"\x89PN"),
    "data: image/png ; base64 ,iVBO": DataUrl("image/png", b"\x89PN"),
    "data:image/png;name=a.png;base64,iVBO": DataUrl("image/png;name=a.png", b"\x89PN"),
    "data:image/png;base64,iV%42O%0A": DataUrl("image/png", b"\x89PN"),
    "data:image/png;base64,-_-_": DataUrl("image/png", b"\xfb\xff\xbf"),
    "data:image/png;base64,+/+/": DataUrl("image/png", b"\xfb\xff\xbf"),
    "data:image/png;base64,%2B%2F%2b%2f": DataUrl("image/png", b"\xfb\xff\xbf"),
    "data:image/png;base64,aQ": DataUrl("image/png", b"i"),
    "data:image/png;base64,a Q\r\n=\t=": DataUrl("image/png", b"i"),
    "data:text/plain;base64;x,aQ": DataUrl("text/plain;base64;x", b"aQ"),
    "data:base64,aQ": DataUrl("base64", b"aQ"),
    "data:text/plain,a,b": DataUrl("text/plain", b"a,b"),
    "data:text/plain,100%": DataUrl("text/plain", b"100%"),
    "data:text/plain,é": DataUrl("text/plain", "é".encode()),
}


@pytest.mark.parametrize("url", FORMS)
def test_every_form_of_the_standard_is_read(url: str) -> None:
    assert decode(url) == FORMS[url]
    assert is_data_url(url)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "begins with 'data:'"),
        ("http://example.com/", "begins with 'data:'"),
        ("data:image/png;base64", "has a comma"),
        ("data:image/png;base64,a", "base64"),
        ("data:image/png;base64,a===", "base64"),
        ("data:image/png;base64,=", "base64"),
        ("data:image/png;base64,aQ==aQ==", "base64"),
        ("data:image/png;base64,a*b=", "base64"),
        ("data:image/png;base64,é", "base64"),
        ("data:image/png;base64,\u00a0aQ", "base64"),
    ],
)
def test_what_is_no_data_url_is_refused_in_a_sentence(url: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        decode(url)


@pytest.mark.parametrize("url", ["", "dat", "data", "http://data:", " data:,"])
def test_other_urls_are_told_apart(url: str) -> None:
    assert not is_data_url(url)


@given(st.binary())
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    assert decode(encode("image/png", data)) == DataUrl("image/png", data)


@given(st.binary(), st.booleans(), st.booleans())
def test_base64_is_read_in_both_alphabets_padded_or_not(
    data: bytes, url_safe: bool, padded: bool
) -> None:
    text = encode("", data).partition(",")[2]
    text = text.replace("+", "-").replace("/", "_") if url_safe else text

    assert base64(text if padded else text.rstrip("=")) == data


def test_what_was_read_is_frozen_and_its_bytes_are_not_shown() -> None:
    assert "secret" not in repr(DataUrl("image/png", b"secret"))
    assert len({DataUrl("image/png", b"x"), DataUrl("image/png", b"x")}) == 1
