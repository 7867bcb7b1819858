import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from lingma_proxy.images import shrink
from lingma_proxy.images.shrink import MOST_SCANS, Limits, shrunk
from support.pictures import corners, opened, photo, plain, png_of, saved

SMALL = Limits(side=64, size=4096)
HELD = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
"""How to turn a picture so that a viewer who heeds the orientation sees it upright, by
Pillow's numbers: the inverse of what the viewer does."""
RED, LIME, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def looks(picture: Pillow.Image, colour: tuple[int, ...], at: tuple[int, int]) -> bool:
    piece = picture.convert("RGB").crop((*at, at[0] + 1, at[1] + 1))
    return all(abs(a - b) < 40 for a, b in zip(piece.tobytes(), colour, strict=True))


def is_corners(picture: Pillow.Image) -> bool:
    width, height = picture.size
    places = [(x * width // 4, y * height // 4) for y in (1, 3) for x in (1, 3)]
    return picture.width == 2 * picture.height and all(
        looks(picture, colour, at)
        for colour, at in zip((RED, LIME, BLUE, WHITE), places, strict=True)
    )


def turned(orientation: int, **options: object) -> bytes:
    how = HELD[orientation]
    picture = corners().resize((640, 320))
    picture = picture if how is None else picture.transpose(Pillow.Transpose(how))
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return saved(picture, exif=exif, **options)  # type: ignore[arg-type]  # the test's word


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF"])
def test_what_fits_passes_untouched(format):
    data = plain(format=format)

    assert shrunk(data).data is data
    assert shrunk(data).media_type == f"image/{format.lower()}"


@pytest.mark.parametrize("format", ["BMP", "AVIF"])
def test_what_models_do_not_read_is_written_anew(format):
    found = shrunk(plain(format=format))

    assert found.media_type in {"image/png", "image/jpeg"}
    assert looks(opened(found.data), RED, (4, 4))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF"])
def test_what_is_too_wide_is_made_smaller(format):
    found = opened(shrunk(saved(corners().resize((640, 320)), format), SMALL).data)

    assert found.size == (64, 32)
    assert is_corners(found)


@pytest.mark.parametrize("orientation", HELD)
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("limits", [Limits(), SMALL], ids=["as it is", "smaller"])
def test_a_picture_stands_upright_however_the_camera_was_held(orientation, format, limits):
    data = turned(orientation, format=format)
    found = shrunk(data, limits)

    assert is_corners(opened(found.data))
    assert opened(found.data).getexif().get(0x0112, 1) == 1
    assert (found.data is data) == (orientation == 1 and limits == Limits())


@pytest.mark.parametrize("said", [0, 9, 255])
def test_an_orientation_that_means_nothing_is_left_alone(said):
    exif = Pillow.Exif()
    exif[0x0112] = said
    data = saved(corners(), "JPEG", exif=exif)

    assert shrunk(data).data is data


def test_broken_exif_is_no_broken_picture():
    data = saved(corners(), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")

    assert shrunk(data).data is data


def test_where_it_was_taken_is_not_told():
    exif = Pillow.Exif()
    exif[0x010E] = "a secret place"
    data = saved(photo(100, 100), "JPEG", exif=exif, comment=b"a secret place")

    assert b"secret" not in shrunk(data, SMALL).data


def clear(mode: str) -> Pillow.Image:
    """All of it is transparent, and black below."""
    picture = Pillow.new("RGBA", (200, 100), (0, 0, 0, 0))
    return picture.quantize(4) if mode == "P" else picture.convert(mode)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_becomes_white(mode):
    assert looks(opened(shrunk(saved(clear(mode)), SMALL).data), WHITE, (30, 10))


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_colour_that_stands_for_transparent_becomes_white(mode):
    picture = Pillow.new(mode, (200, 100), 0)
    data = saved(picture, transparency=0 if mode == "L" else (0, 0, 0))

    assert looks(opened(shrunk(data, SMALL).data), WHITE, (30, 10))


def test_a_transparent_gif_becomes_white():
    data = saved(Pillow.new("P", (200, 100), 0), "GIF", transparency=0)

    assert looks(opened(shrunk(data, SMALL).data), WHITE, (30, 10))


MODES = {
    "CMYK": lambda: saved(Pillow.new("RGB", (200, 100), "red").convert("CMYK"), "JPEG"),
    "palette": lambda: saved(Pillow.new("RGB", (200, 100), "red").quantize(8)),
    "YCbCr": lambda: saved(Pillow.new("RGB", (200, 100), "red").convert("YCbCr"), "JPEG"),
}


@pytest.mark.parametrize("made", MODES.values(), ids=MODES)
def test_colours_stay_what_they_are(made):
    assert looks(opened(shrunk(made(), SMALL).data), RED, (30, 10))


@pytest.mark.parametrize(("value", "grey"), [(0, 0), (0x8000, 128), (0xFFFF, 255)])
def test_sixteen_bits_of_grey_become_eight(value, grey):
    data = saved(Pillow.new("I;16", (200, 100), value))

    assert opened(shrunk(data, SMALL).data).getpixel((30, 10)) == grey


def test_black_and_white_becomes_grey():
    data = saved(Pillow.new("1", (200, 100), 1))

    assert looks(opened(shrunk(data, SMALL).data), WHITE, (30, 10))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_of_what_moves_the_first_frame_is_shown(format):
    frames = [Pillow.new("RGB", (200, 100), colour) for colour in ("red", "blue")]
    data = saved(frames[0], format, save_all=True, append_images=frames[1:], lossless=True)

    assert looks(opened(shrunk(data, SMALL).data), RED, (30, 10))


def test_what_came_without_loss_stays_so_if_it_is_small():
    assert shrunk(saved(corners().resize((640, 320))), SMALL).media_type == "image/png"
    assert shrunk(saved(photo(640, 320)), SMALL).media_type == "image/jpeg"


def test_large_bytes_are_made_fewer_at_the_same_size():
    found = shrunk(saved(photo(300, 300)), Limits(size=64 * 1024))

    assert opened(found.data).size == (300, 300)
    assert len(found.data) <= 64 * 1024


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (3000, 7), (1, 1)])
def test_what_is_long_and_thin_does_not_vanish(size):
    found = opened(shrunk(plain(*size), SMALL).data)

    assert min(found.size) == 1 or max(found.size) == 64


@given(
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    mode=st.sampled_from(["RGB", "RGBA", "L", "LA", "P", "1", "I;16", "CMYK"]),
    format=st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]),
    side=st.integers(1, 400),
    most=st.integers(2000, 50_000),
)
@settings(max_examples=60)
def test_what_comes_out_fits_and_passes_untouched_the_next_time(size, mode, format, side, most):
    limits = Limits(side, most)
    picture = photo(*size)
    picture = picture.convert("I").convert(mode) if mode == "I;16" else picture.convert(mode)
    try:
        data = saved(picture, format)
    except (OSError, ValueError):
        return  # no such mode in that format

    found = shrunk(data, limits)

    assert len(found.data) <= most
    assert max(opened(found.data).size) <= side
    assert shrunk(found.data, limits).data is found.data


# What is none, or pretends.


@pytest.mark.parametrize("size", [(50_000, 50_000), (2**31 - 1, 2**31 - 1), (9_000, 9_000)])
def test_a_bomb_is_refused_by_its_head(size):
    with pytest.raises(ValueError, match="megapixels"):
        shrunk(png_of(*size))


def test_the_limit_on_pixels_is_a_setting():
    data = plain(100, 100)

    assert shrunk(data, Limits(pixels=10_000)).data is data
    with pytest.raises(ValueError, match=r"more than 0\.009 megapixels"):
        shrunk(data, Limits(pixels=9_000))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF"])
def test_half_a_picture_is_refused(format):
    data = saved(photo(200, 200), format)

    for kept in (20, len(data) // 3, len(data) // 2, len(data) - len(data) // 10):
        for limits in (Limits(), SMALL):
            with pytest.raises(ValueError, match="cut off"):
                shrunk(data[:kept], limits)


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "AVIF"])
def test_spoiled_bytes_are_a_picture_or_an_error_in_words(format):
    data = saved(photo(60, 60), format)
    for at in range(4, len(data), max(1, len(data) // 40)):
        spoiled = data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]
        try:
            found = shrunk(spoiled, SMALL)
        except ValueError:
            continue
        assert len(found.data) <= SMALL.size


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"BM", b"%PDF-1.4", b"%!PS-Adobe", b"<svg/>", b"\0" * 99]
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(ValueError):
        shrunk(data)


def test_a_jpeg_of_a_thousand_scans_is_refused():
    with pytest.raises(ValueError, match="scans"):
        shrunk(b"\xff\xd8\xff" + b"\xff\xda" * (MOST_SCANS + 1))


def test_heic_without_its_library_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    shrink.readable.cache_clear()
    with pytest.raises(ValueError, match="pillow-heif"):
        shrunk(b"\0\0\0\x18ftypheic" + b"\0" * 99)
    shrink.readable.cache_clear()


def test_heic_is_read_where_its_library_is():
    pytest.importorskip("pillow_heif").register_heif_opener()
    data = saved(corners().resize((640, 320)), "HEIF")

    assert is_corners(opened(shrunk(data, SMALL).data))
    with pytest.raises(ValueError, match="cut off"):
        shrunk(data[: len(data) // 2], SMALL)
