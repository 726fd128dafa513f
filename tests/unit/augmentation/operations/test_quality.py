import io

import numpy as np
import pytest
from PIL import Image

from tests.augmenting import augment_once, make_picture


def code_in_pillow(pixels, quality):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer)).astype(int)


@pytest.mark.parametrize("quality", [10, 50, 95])
def test_jpeg_artefacts_are_those_of_pillow(quality):
    pixels = make_picture(height=32, width=40)

    output = augment_once("jpeg_artefacts", pixels, quality=[quality, quality]).astype(int)

    np.testing.assert_allclose(output, code_in_pillow(pixels, quality), atol=1)


@pytest.mark.parametrize("channels", [1, 2, 4, 5])
def test_jpeg_codes_other_channels_each_by_itself(channels):
    pixels = make_picture(channels=channels, height=16, width=24)

    output = augment_once("jpeg_artefacts", pixels, quality=[40, 40])

    for channel in range(channels):
        expected = code_in_pillow(np.ascontiguousarray(pixels[:, :, channel]), 40)
        np.testing.assert_allclose(output[:, :, channel].astype(int), expected, atol=1)


def test_a_worse_quality_is_worse():
    pixels = make_picture(height=32, width=32)

    errors = [
        np.abs(augment_once("jpeg_artefacts", pixels, quality=[one, one]).astype(int) - pixels).mean()
        for one in (90, 50, 10)
    ]

    assert sorted(errors) == errors
    assert errors[0] < errors[-1]


def test_deep_levels_are_not_lost_to_jpeg():
    ramp = np.linspace(20000, 24000, 64 * 64).round().astype(np.uint16).reshape(64, 64, 1)

    output = augment_once("jpeg_artefacts", ramp, quality=[100, 100])

    assert 1000 < len(np.unique(output))
    np.testing.assert_allclose(output.astype(int), ramp, atol=2 * 257)


def test_downscaling_by_nearest_shows_pixels_of_the_picture():
    pixels = make_picture(height=8, width=12)

    output = augment_once("downscale", pixels, factor=[0.5, 0.5], interpolation="nearest")

    np.testing.assert_array_equal(pixels[1::2, 1::2].repeat(2, axis=0).repeat(2, axis=1), output)


def test_downscaling_smoothly_takes_means():
    pixels = make_picture("float32", height=8, width=12)
    means = pixels.reshape(4, 2, 6, 2, 3).mean(axis=(1, 3))

    output = augment_once("downscale", pixels, factor=[0.5, 0.5])

    np.testing.assert_allclose(output[0, 0], means[0, 0], atol=1e-6)
    np.testing.assert_allclose(output[1, 1], [0.75**2, 0.75 * 0.25, 0.25 * 0.75, 0.25**2] @ means[:2, :2].reshape(4, 3))


@pytest.mark.parametrize("interpolation", ["nearest", "linear"])
def test_downscaling_to_the_same_size_changes_nothing(interpolation):
    pixels = make_picture()

    np.testing.assert_array_equal(pixels, augment_once("downscale", pixels, factor=[1, 1], interpolation=interpolation))


def test_blocks_show_their_means():
    pixels = make_picture("float32", height=8, width=12)

    output = augment_once("pixelate", pixels, px=[4, 4])

    expected = pixels.reshape(2, 4, 3, 4, 3).mean(axis=(1, 3)).repeat(4, axis=0).repeat(4, axis=1)
    np.testing.assert_allclose(output, expected, atol=1e-6)


def test_blocks_may_end_beyond_the_picture():
    pixels = make_picture(height=7, width=10)

    output = augment_once("pixelate", pixels, px=[4, 4])

    assert pixels.shape == output.shape
    np.testing.assert_array_equal(output[4, 8], output[6, 9])
    assert 6 == len(np.unique(output.reshape(-1, 3), axis=0))
