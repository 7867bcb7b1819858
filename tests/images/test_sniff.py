import pytest

from lingma_proxy.images.sniff import media_type


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "image/png"),
        (b"\xff\xd8\xff\xe0....", "image/jpeg"),
        (b"GIF87a..", "image/gif"),
        (b"GIF89a..", "image/gif"),
        (b"BM........", "image/bmp"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypheic....", "image/heic"),
        (b"\0\0\0\x18ftypavif....", "image/avif"),
    ],
)
def test_a_picture_is_known_by_its_beginning(data, kind):
    assert media_type(data) == kind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"\x89PN",
        b"RIFF\x10\0\0\0WAVE",
        b"<svg xmlns=''>",
        b"%PDF-1.7",
        b"\0\0\0\x18ftypmp42",
    ],
)
def test_anything_else_is_none(data):
    assert media_type(data) is None
