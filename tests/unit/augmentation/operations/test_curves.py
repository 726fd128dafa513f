import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.augmenting import apply, make_picture

RAMP = np.arange(256, dtype=np.uint8)[None, :, None]
LEVELS = RAMP / 255


def assert_near(expected, pixels):
    """Compare levels with a picture of 8 bits, up to rounding."""
    np.testing.assert_allclose(pixels / 255, np.clip(expected, 0, 1), atol=0.501 / 255)


def in_pillow(function, pixels, *arguments):
    return np.asarray(function(Image.fromarray(pixels), *arguments))


def test_gamma_is_a_power():
    assert_near(LEVELS**2.2, apply(RAMP, {"op": "gamma", "exponent": 2.2}))


@pytest.mark.parametrize("bits", range(1, 9))
def test_posterising_is_that_of_pillow(bits):
    pixels = make_picture(height=32, width=32)

    np.testing.assert_array_equal(
        in_pillow(ImageOps.posterize, pixels, bits), apply(pixels, {"op": "posterise", "bits": bits})
    )


def test_posterising_keeps_the_highest_of_16_bits():
    pixels = make_picture("uint16")

    np.testing.assert_array_equal(pixels & 0b1110_0000_0000_0000, apply(pixels, {"op": "posterise", "bits": 3}))


@pytest.mark.parametrize("threshold", [0, 1, 100, 128, 255])
def test_solarising_is_that_of_pillow(threshold):
    pixels = make_picture(height=32, width=32)

    np.testing.assert_array_equal(
        in_pillow(ImageOps.solarize, pixels, threshold), apply(pixels, {"op": "solarise", "threshold": threshold / 255})
    )


def test_a_threshold_leaves_black_and_white():
    np.testing.assert_array_equal(
        np.where(RAMP >= 128, 255, 0), apply(RAMP, {"op": "threshold", "threshold": 128 / 255})
    )


def test_levels_are_stretched_and_cut():
    assert_near((LEVELS - 0.2) / 0.5, apply(RAMP, {"op": "levels", "black": 0.2, "white": 0.7}))


def test_a_tone_curve_is_a_cubic_with_two_handles():
    t = LEVELS
    expected = 3 * (1 - t) ** 2 * t * (1 / 3 + 0.2) + 3 * (1 - t) * t**2 * (2 / 3 - 0.1) + t**3

    assert_near(expected, apply(RAMP, {"op": "tone_curve", "dark_fraction": 0.2, "light_fraction": -0.1}))


@pytest.mark.parametrize("light", [-0.3, 0.3])
@pytest.mark.parametrize("dark", [-0.3, 0.3])
def test_a_tone_curve_keeps_black_and_white_and_stays_between(dark, light):
    ramp = np.linspace(0, 1, 1001, dtype=np.float32)[None, :, None]

    bent = apply(ramp, {"op": "tone_curve", "dark_fraction": dark, "light_fraction": light})[0, :, 0]

    assert [0, 1] == bent[[0, -1]].tolist()
    assert 0 < bent[1:-1].min() < bent[1:-1].max() < 1


def test_curves_fold_without_steps_between():
    darker, lighter = {"op": "gamma", "exponent": 4}, {"op": "gamma", "exponent": 0.25}

    np.testing.assert_array_equal(RAMP, apply(RAMP, darker, lighter))
