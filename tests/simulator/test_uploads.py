from base64 import b64encode

import pytest

from lingma_proxy.simulator import faults
from lingma_proxy.simulator.chat_body import read
from lingma_proxy.simulator.faults import NONE
from lingma_proxy.simulator.pictures import Picture
from lingma_proxy.simulator.refusal import Refusal
from lingma_proxy.simulator.uploads import CDN, LARGEST, ODD_LINKS, REMEMBERED, Uploads
from support.vendor_client import body

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03"
URI = f"data:image/png;base64,{b64encode(PNG).decode()}"
ID = "ab" * 16


def upload(uploads: Uploads, uri: str = URI, chosen=NONE):
    return uploads.answer({"ImageUri": uri, "RequestId": ID}, {"request_id": ID}, chosen)["Data"]


def test_a_picture_gets_a_link_under_which_it_is_known():
    uploads = Uploads()
    data = upload(uploads)

    assert data == {"Success": True, "ImageUrl": data["ImageUrl"], "RequestId": ID}
    assert data["ImageUrl"].startswith(CDN)
    assert uploads.look(data["ImageUrl"]) == uploads.look(URI) == Picture("PNG", 2, 3)
    assert uploads.look(CDN + "other.png") is None
    assert uploads.look("data:") is None
    assert upload(uploads, "https://a.example/b.png")["ImageUrl"] != data["ImageUrl"]


def test_only_so_many_are_remembered():
    uploads = Uploads()
    first = upload(uploads)["ImageUrl"]
    for number in range(REMEMBERED):
        upload(uploads, f"https://a.example/{number}")

    assert uploads.look(first) is None


@pytest.mark.parametrize(
    ("body", "query"),
    [
        ({}, {}),
        ({"ImageUri": URI}, {"request_id": ID}),
        ({"ImageUri": URI, "RequestId": ID, "More": 1}, {"request_id": ID}),
        ({"ImageUri": URI, "RequestId": 1}, {"request_id": "1"}),
        ({"ImageUri": URI, "RequestId": "x"}, {"request_id": "x"}),
        ({"ImageUri": URI, "RequestId": ID.upper()}, {"request_id": ID.upper()}),
        ({"ImageUri": URI, "RequestId": ID}, {"request_id": "cd" * 16}),
        ({"ImageUri": URI, "RequestId": ID}, {}),
        ({"ImageUri": URI, "RequestId": ID}, {"request_id": ID, "Encode": "1"}),
        *(
            ({"ImageUri": uri, "RequestId": ID}, {"request_id": ID})
            for uri in (
                None, "", "x", "file:///a.png", "data:,", "data:image/png,x", "data:text/plain;base64,AA==",
                "data:image/png;base64,", "data:image/png;base64,A", "data:image/png;base64,AA==\n", "https://",
            )
        ),
    ],
)  # fmt: skip
def test_what_is_no_upload_is_refused(body, query):
    with pytest.raises(Refusal) as caught:
        Uploads().answer(body, query, NONE)

    assert caught.value.status == 400


def test_a_picture_may_be_so_large():
    def of(size: int) -> str:
        return f"data:image/png;base64,{b64encode(bytes(size)).decode()}"

    upload(Uploads(), of(LARGEST))
    with pytest.raises(Refusal) as caught:
        upload(Uploads(), of(LARGEST + 1))
    assert caught.value.status == 413


def test_it_can_fail():
    uploads = Uploads()

    assert upload(uploads, chosen=faults.parse("unsuccessful"))["Success"] is False
    for word, link in ODD_LINKS.items():
        assert upload(uploads, chosen=faults.parse(f"odd-link={word}"))["ImageUrl"] == link
        assert uploads.look(link) is None


def shown(url, text="a", **more):
    parts = [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]
    return {"role": "user", "content": text, "parts": parts, **more}


def test_a_chat_shows_what_was_uploaded():
    uploads = Uploads()
    url = upload(uploads)["ImageUrl"]
    seen = {"key": "kmodel", "is_vl": True}

    uploads.check(read(body(shown(url), shown(url), image_urls=[url], model_config=seen)))
    uploads.check(read(body("hello")))
    uploads.check(read(body("hello", image_urls=["https://a.example/b"])))


@pytest.mark.parametrize(
    ("message", "more"),
    [
        (shown("https://a.example/b"), {"image_urls": ["https://a.example/b"]}),
        (shown(URI), {"image_urls": [URI]}),
        (shown("URL"), {}),
        (shown("URL"), {"image_urls": ["URL", "URL"]}),
        (shown("URL"), {"image_urls": ["URL", "https://a.example/b"]}),
        (shown("URL"), {"image_urls": ["URL"], "model_config": {"key": "kmodel"}}),
        (shown("URL", role="system"), {"image_urls": ["URL"]}),
        (shown("URL", content=[{"type": "text", "text": "a"}]), {"image_urls": ["URL"]}),
        (shown("URL", content="b"), {"image_urls": ["URL"]}),
    ],
    ids=[
        "a link of somebody's", "a data URL", "not named", "named twice", "another named", "not to be seen",
        "the system's", "beside a list", "another text",
    ],
)  # fmt: skip
def test_a_chat_that_shows_it_otherwise_is_refused(message, more):
    uploads = Uploads()
    url = upload(uploads)["ImageUrl"]
    message["parts"] = [
        {**part, "image_url": {"url": part["image_url"]["url"].replace("URL", url)}}
        if part["type"] == "image_url"
        else part
        for part in message["parts"]
    ]
    more = {"model_config": {"key": "kmodel", "is_vl": True}, **more}
    if "image_urls" in more:
        more["image_urls"] = [each.replace("URL", url) for each in more["image_urls"]]

    with pytest.raises(Refusal):
        uploads.check(read(body(message, **more)))
