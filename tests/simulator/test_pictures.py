import pytest

from lingma_proxy.simulator.pictures import Picture, measure
from support.vendor_client import PIXEL

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + (640).to_bytes(4) + (480).to_bytes(4)
GIF = b"GIF89a" + (640).to_bytes(2, "little") + (480).to_bytes(2, "little")
FRAME = b"\xff\xc2\0\x11\x08" + (480).to_bytes(2) + (640).to_bytes(2)
JPEG = b"\xff\xd8\xff\xe0\0\x04\1\2\xff\xff\xdb\0\x02" + FRAME
RIFF = b"RIFF\0\0\0\0WEBP"
LOSSY = RIFF + b"VP8 " + bytes(10) + (640).to_bytes(2, "little") + (480).to_bytes(2, "little")
LOSSLESS = RIFF + b"VP8L\0\0\0\0\x2f" + (639 | 479 << 14).to_bytes(4, "little")
EXTENDED = RIFF + b"VP8X" + bytes(8) + (639).to_bytes(3, "little") + (479).to_bytes(3, "little")
ALL = {"PNG": PNG, "GIF": GIF, "JPEG": JPEG}
WEBP = [LOSSY, LOSSLESS, EXTENDED]


@pytest.mark.parametrize(("kind", "data"), [*ALL.items(), *(("WebP", data) for data in WEBP)])
def test_a_picture_says_its_size(kind, data):
    assert measure(data + b"more") == Picture(kind, 640, 480)


@pytest.mark.parametrize("data", [*ALL.values(), *WEBP])
def test_half_a_picture_has_no_size(data):
    assert {measure(data[:at]) for at in range(len(data))} == {None}


def test_what_is_no_picture_has_no_size():
    assert measure(b"") is None
    assert measure(b"hello, this is text, and more of it than a header has") is None
    assert measure(RIFF + b"VP9 " + bytes(40)) is None


def test_a_picture_is_described_in_words():
    assert str(measure(PIXEL)) == "a PNG of 1x1 pixels"
