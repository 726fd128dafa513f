import io
import json

import numpy as np
import pytest
from PIL import Image

from app.imaging.codec import ImageFormat, encode_image
from app.imaging.mark import DIGITAL_SOURCE_TYPE, Origin, describe_sample, describe_sheet

ORIGIN = Origin("mnist-gan", 3, "ab" * 32, 42)


def make_pixels(height: int, width: int, channels: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


@pytest.mark.parametrize("image_format", ImageFormat, ids=str)
@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "rgb"])
def test_every_format_says_that_the_image_is_synthetic(image_format, channels):
    file = encode_image(make_pixels(8, 9, channels), image_format, "{}")

    image = Image.open(io.BytesIO(file), formats=[image_format])
    assert (9, 8) == image.size
    assert DIGITAL_SOURCE_TYPE.encode() in image.info["xmp"]


@pytest.mark.parametrize("image_format", ImageFormat, ids=str)
def test_the_same_sample_gives_the_same_bytes(image_format):
    pixels = make_pixels(28, 28, 1)

    first, second = (encode_image(pixels.copy(), image_format, "{}") for _ in range(2))

    assert first == second


def test_a_png_says_which_sample_it_is():
    mark = describe_sample(ORIGIN, 7, "Füße")

    image = Image.open(io.BytesIO(encode_image(make_pixels(4, 4, 1), ImageFormat.PNG, mark)))

    assert {
        "model": "mnist-gan",
        "version": 3,
        "digest": "ab" * 32,
        "seed": 42,
        "index": 7,
        "class": "Füße",
    } == json.loads(image.info["fount"])


def test_a_truncated_sample_says_how_far_it_was_truncated():
    origin = Origin("m", 1, "00", 1, truncation=0.5)

    assert 0.5 == json.loads(describe_sample(origin, 0, None))["truncation"]


def test_a_sheet_says_which_samples_it_shows():
    facts = json.loads(describe_sheet(ORIGIN, 10, 16))

    assert (10, 16) == (facts["first_index"], facts["num_samples"])


@pytest.mark.parametrize("image_format", [ImageFormat.PNG, ImageFormat.WEBP], ids=str)
@pytest.mark.parametrize("shape", [(28, 28, 1), (96, 80, 1), (64, 64, 3), (1, 1, 3), (1, 200, 1)], ids=str)
def test_lossless_formats_keep_every_pixel(image_format, shape):
    pixels = make_pixels(*shape)

    image = Image.open(io.BytesIO(encode_image(pixels, image_format, "{}")))

    decoded = np.asarray(image.convert("L" if shape[2] == 1 else "RGB")).reshape(shape)
    np.testing.assert_array_equal(pixels, decoded)
