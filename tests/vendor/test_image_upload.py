import json
from base64 import b64encode
from dataclasses import replace

import pytest

from lingma_proxy.conversation.request import (
    Image,
    ImageLink,
    Message,
    Text,
    ToolCall,
    ToolResult,
)
from lingma_proxy.errors import BackendRefused, InvalidRequest, NotLoggedIn, ProtocolError
from lingma_proxy.vendor.image_upload import decode, encode, fingerprint, linked, query
from lingma_proxy.vendor.remote_request import pictures_of
from support.backends import ask

PNG = Image("image/png", b"\x89PNG")
GIF = Image("image/gif", b"GIF89a")
LINK = ImageLink("https://a.example/b.png")
ID = "ab" * 16
URL = "https://cdn-1.lingma.example/pictures/1.png?sign=a%2Fb&e=1"


def said(**data) -> bytes:
    return json.dumps({"Data": data}).encode()


def test_an_upload_is_a_data_url_and_its_id():
    assert json.loads(encode(PNG, ID)) == {
        "ImageUri": f"data:image/png;base64,{b64encode(PNG.data).decode()}",
        "RequestId": ID,
    }
    assert json.loads(encode(LINK, ID))["ImageUri"] == LINK.url
    assert query(ID) == f"?request_id={ID}"


@pytest.mark.parametrize("url", ["file:///etc/hostname", "/home/a.png", "ftp://a/b", ""])
def test_a_link_that_the_vendor_could_not_fetch_is_refused(url):
    with pytest.raises(InvalidRequest):
        encode(ImageLink(url), ID)


def test_the_answer_is_a_link():
    assert decode(said(Success=True, ImageUrl=URL, RequestId=ID)) == URL
    assert decode(said(Success=True, ImageUrl=URL, RequestId="other", New={})) == URL


@pytest.mark.parametrize(
    "url",
    [
        "http://cdn.lingma.example/1.png", "HTTPS", "https://", "file:///etc/hostname", "", "//a.example/b",
        "https://127.0.0.1/a", "https://[::1]/a", "https://2130706433/a", "https://localhost/a",
        "https://cdn.lingma.example:8443/a", "https://a:b@cdn.lingma.example/a",
        "https://cdn.lingma.example@evil/a", "https://cdn.lingma.example/a b", "https://a.example/\n",
        "https://a.example/\u2028", "https://-a.example/", "https://a..example/", "https://[a.example/",
        "https://a.example:x/", "javascript:alert(1)", "data:image/png;base64,AA==", "https://a.example/" + "x" * 9000,
    ],
)  # fmt: skip
def test_a_link_that_nobody_should_follow_is_not_used(url):
    with pytest.raises(ProtocolError) as caught:
        decode(said(Success=True, ImageUrl=url))

    assert "not used" in caught.value.message
    assert len(caught.value.message) < 300


@pytest.mark.parametrize(
    ("body", "error", "words"),
    [
        (b"", ProtocolError, "nothing"),
        (b"<html>Welcome", ProtocolError, "<html>Welcome"),
        (b"[]", ProtocolError, "[]"),
        (b"\xff" * 500, ProtocolError, "answered"),
        (b"{}", BackendRefused, "did not say why"),
        (b'{"Data": []}', BackendRefused, "did not say why"),
        (said(Success=True), BackendRefused, "did not say why"),
        (said(Success="true", ImageUrl=URL), BackendRefused, "did not say why"),
        (said(Success=1, ImageUrl=URL), BackendRefused, "did not say why"),
        (said(Success=False), BackendRefused, "did not say why"),
        (said(Success=False, ErrorMessage="not a cat"), BackendRefused, "not a cat"),
        (said(Success=False, Message="not a cat"), BackendRefused, "not a cat"),
        (said(Success=False, ErrorCode="413", ErrorMessage="big"), BackendRefused, "big (413)"),
        (b'{"code":"101","message":"Signature invalid"}', NotLoggedIn, "101"),
        (b'{"success":false,"errorCode":"500","errorMessage":"no"}', BackendRefused, "no (500)"),
    ],
    ids=lambda value: value.decode("latin-1")[:30] if isinstance(value, bytes) else None,
)
def test_an_answer_without_a_link_is_the_error_that_it_says(body, error, words):
    with pytest.raises(error) as caught:
        decode(body)

    assert words in caught.value.message


def test_a_reason_of_the_vendors_that_is_no_fault_of_the_request_may_pass():
    with pytest.raises(BackendRefused) as caught:
        decode(said(Success=False))
    assert (caught.value.status, caught.value.retry) == (502, True)

    with pytest.raises(BackendRefused) as caught:
        decode(said(Success=False, ErrorCode="413", ErrorMessage="big"))
    assert (caught.value.status, caught.value.retry) == (400, False)


def test_pictures_are_told_apart():
    pictures: list[Image | ImageLink] = [
        PNG,
        GIF,
        LINK,
        replace(PNG, media_type="image/x"),
        ImageLink("\ud800"),
        Image("\ud800", b""),
    ]

    assert len({fingerprint(each) for each in pictures}) == len(pictures)
    assert fingerprint(PNG) == fingerprint(Image("image/png", bytes(PNG.data)))


def test_links_take_the_places_of_the_pictures():
    request = ask(
        Message("user", (PNG, Text("a"), LINK)),
        Message("assistant", (ToolCall("c", "f", "{}"),)),
        Message("user", (ToolResult("c", (Text("b"), GIF), is_error=True), PNG)),
    )
    links = [f"https://a.example/{number}" for number in range(4)]

    found = linked(request, links)

    assert list(pictures_of(found.messages)) == [ImageLink(link) for link in links]
    assert list(pictures_of(request.messages)) == [PNG, LINK, GIF, PNG]
    assert linked(found, (picture.url for picture in pictures_of(found.messages))) == found  # type: ignore[union-attr]  # they are links
    assert found.messages[2].parts[0] == ToolResult(
        "c", (Text("b"), ImageLink(links[2])), is_error=True
    )
