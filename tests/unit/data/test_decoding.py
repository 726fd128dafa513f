import io

import numpy as np
import pytest
from PIL import Image

from app.data import decoding
from app.data.decoding import decode_image, is_grey, to_pixels
from app.decoding.geometry import fit_image
from tests.pictures import encode, encode_image, make_image, make_pixels

RGB = make_pixels(height=6, width=8)
GREY = make_pixels(height=6, width=8, channels=1)


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF", "WEBP"])
def test_lossless_formats_keep_every_pixel(image_format):
    options = {"lossless": True} if image_format == "WEBP" else {}

    assert np.array_equal(RGB, decode_image(encode(RGB, image_format, **options)))


def test_a_jpeg_comes_close():
    smooth = np.full((16, 16, 3), (200, 100, 50), np.uint8)

    decoded = decode_image(encode(smooth, "JPEG", quality=95))

    assert np.abs(decoded.astype(int) - smooth).max() <= 3


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("L", (4, 4), value) for value in (10, 200)]
    data = encode_image(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert {10} == set(decode_image(data).ravel().tolist())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_a_turned_photograph_stands_upright(orientation, image_format):
    exif = Image.Exif()
    exif[0x0112] = orientation
    corner = np.zeros((16, 32, 3), np.uint8)
    corner[:8, :8] = 255
    stored = encode(corner, image_format, exif=exif)

    upright = decode_image(stored)[:, :, 0] > 128

    rows, columns = np.nonzero(upright)
    expected = {1: "tl", 2: "tr", 3: "br", 4: "bl", 5: "tl", 6: "tr", 7: "br", 8: "bl"}[orientation]
    height, width = upright.shape
    assert (16, 32) == (height, width) if orientation < 5 else (32, 16) == (height, width)
    assert ("t" if rows.mean() < height / 2 else "b") + ("l" if columns.mean() < width / 2 else "r") == expected


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_pixels_are_white(mode):
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0)).convert(mode)

    assert {255} == set(to_pixels(image).ravel().tolist())


def test_half_transparent_pixels_mix_with_white():
    image = Image.new("RGBA", (2, 2), (255, 0, 0, 128))

    assert [255, 127, 127] == to_pixels(image)[0, 0].tolist()


def test_a_transparent_palette_colour_is_white():
    image = Image.new("P", (2, 1), 0)
    image.putpalette([9, 9, 9, 200, 100, 50])
    image.putpixel((1, 0), 1)

    pixels = decode_image(encode_image(image, "PNG", transparency=0))

    assert [[255, 255, 255], [200, 100, 50]] == pixels[0].tolist()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"])
@pytest.mark.parametrize("channels", [None, 1, 3])
def test_every_mode_becomes_grey_or_rgb(mode, channels):
    pixels = to_pixels(Image.new(mode, (5, 4)), image_size=(3, 3), channels=channels)

    assert (3, 3) == pixels.shape[:2]
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] in ((channels,) if channels else (1, 3))


def test_inks_become_light():
    assert [255, 255, 255] == to_pixels(Image.new("CMYK", (1, 1), (0, 0, 0, 0)))[0, 0].tolist()
    assert [0, 255, 255] == to_pixels(Image.new("CMYK", (1, 1), (255, 0, 0, 0)))[0, 0].tolist()


@pytest.mark.parametrize("dtype", ["<u2", ">u2", np.int32])
def test_sixteen_bits_scale_to_eight(dtype):
    values = np.array([[0, 257, 32896, 65535]], dtype)
    image = Image.fromarray(values)

    assert [0, 1, 128, 255] == to_pixels(image)[0, :, 0].tolist()


def test_a_sixteen_bit_png_scales_to_eight():
    data = encode_image(Image.fromarray(np.array([[0, 25700, 65535]], np.uint16)))

    assert [0, 100, 255] == decode_image(data)[0, :, 0].tolist()


def test_float_pixels_scale_to_eight_bits():
    assert [0, 128, 255] == to_pixels(Image.fromarray(np.array([[0, 0.5, 1]], np.float32)))[0, :, 0].tolist()


@pytest.mark.parametrize("values", [np.array([[-1, 0]], np.int32), np.array([[0, 2]], np.float32)])
def test_deep_pixels_without_a_known_range_are_refused(values):
    with pytest.raises(ValueError, match="must"):
        to_pixels(Image.fromarray(values))


def test_colour_becomes_grey_by_luma_when_asked():
    expected = np.asarray(make_image(RGB).convert("L"))[:, :, None]

    assert np.array_equal(expected, decode_image(encode(RGB), channels=1))


def test_grey_becomes_three_equal_channels_when_asked():
    assert np.array_equal(np.repeat(GREY, 3, axis=2), decode_image(encode(GREY), channels=3))


@pytest.mark.parametrize("size", [(1, 1000), (1000, 1), (7, 3), (1, 1)])
def test_any_proportions_fit(size):
    height, width = size

    assert (5, 4, 3) == to_pixels(Image.new("RGB", (width, height)), image_size=(5, 4)).shape


def test_a_large_jpeg_shrinks_to_what_it_shows():
    picture = Image.linear_gradient("L").resize((1200, 900))
    whole = np.asarray(fit_image(picture, (32, 32)))

    pixels = decode_image(encode_image(picture, "JPEG", quality=95), image_size=(32, 32))

    assert np.abs(pixels[:, :, 0].astype(int) - whole).max() <= 3


def test_grey_is_equality_of_all_three_channels():
    grey = np.repeat(GREY, 3, axis=2)
    nearly = grey.copy()
    nearly[3, 4, 2] ^= 1

    assert is_grey(grey)
    assert not is_grey(nearly)


def test_a_file_over_the_limit_is_refused(monkeypatch):
    monkeypatch.setattr(decoding, "MAX_FILE_BYTES", 10)

    with pytest.raises(ValueError, match="larger than"):
        decode_image(encode(RGB))


def test_an_image_over_the_pixel_limit_is_refused_before_it_is_decoded():
    wide = io.BytesIO()
    Image.new("1", (2**14, 2**12 + 1)).save(wide, "PNG")

    with pytest.raises(ValueError, match="megapixels"):
        decode_image(wide.getvalue())
