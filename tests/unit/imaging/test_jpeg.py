import io

import numpy as np
import pytest
from PIL import Image

from app.imaging.codec import ImageFormat, encode_image
from app.imaging.jpeg import encode_jpeg
from app.imaging.mark import DIGITAL_SOURCE_TYPE
from tests.pictures import make_pixels


def smooth(height: int, width: int, channels: int):
    ramp = np.add.outer(np.arange(height), np.arange(width)) * 255 // (height + width)
    return np.repeat(ramp.astype(np.uint8)[:, :, None], channels, axis=2)


def open_jpeg(file: bytes) -> Image.Image:
    return Image.open(io.BytesIO(file), formats=["JPEG"])


@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "rgb"])
def test_a_jpeg_is_near_its_pixels_and_says_that_it_is_synthetic(channels):
    pixels = smooth(16, 24, channels)

    image = open_jpeg(encode_jpeg(pixels))

    assert ("L" if channels == 1 else "RGB", (24, 16)) == (image.mode, image.size)
    assert np.abs(np.asarray(image).reshape(pixels.shape).astype(int) - pixels).max() <= 4
    assert DIGITAL_SOURCE_TYPE.encode() in image.info["xmp"]


def test_the_mark_is_that_of_other_jpeg_files_and_stands_behind_the_head_of_jfif():
    ours, theirs = encode_jpeg(make_pixels()), encode_image(make_pixels(), ImageFormat.JPEG, "{}")

    assert open_jpeg(theirs).info["xmp"] == open_jpeg(ours).info["xmp"]
    assert (1, 1) == open_jpeg(ours).info["jfif_version"]
    assert b"\xff\xe0" == ours[2:4]


def test_colours_have_half_the_resolution_of_brightness():
    assert [(2, 2), (1, 1), (1, 1)] == [(layer[1], layer[2]) for layer in open_jpeg(encode_jpeg(make_pixels())).layer]


def test_more_quality_takes_more_bytes_and_the_same_pixels_give_the_same():
    pixels = make_pixels(height=64, width=64)

    low, high, again = (encode_jpeg(pixels.copy(), quality=quality) for quality in (50, 95, 95))

    assert len(low) < len(high)
    assert high == again


def test_pixels_need_not_lie_in_one_piece():
    pixels = make_pixels(height=16, width=16)

    assert encode_jpeg(pixels[::2].copy()) == encode_jpeg(pixels[::2])


def test_a_file_may_say_something_else_but_not_at_any_length():
    assert b"<other/>" == open_jpeg(encode_jpeg(make_pixels(), xmp=b"<other/>")).info["xmp"]
    with pytest.raises(ValueError, match="64 KiB"):
        encode_jpeg(make_pixels(), xmp=bytes(65535))


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 4, 2), (1, 65501, 3)], ids=str)
def test_what_no_jpeg_holds_is_refused(shape):
    with pytest.raises(ValueError):
        encode_jpeg(np.zeros(shape, np.uint8))
