import numpy as np
import pytest

from tests.augmenting import apply, make_picture, make_plan, trace_of

LUMA = np.array([0.299, 0.587, 0.114])
GREY = np.full((1, 1, 3), 0.5, np.float32)


def light(kelvin):
    return apply(GREY, {"op": "temperature", "kelvin": kelvin})[0, 0] / 0.5


def test_light_of_6500_kelvin_changes_nothing():
    pixels = make_picture()

    np.testing.assert_array_equal(pixels, apply(pixels, {"op": "temperature", "kelvin": 6500}))


@pytest.mark.parametrize("kelvin", [2500, 3500, 5000, 9000, 15000])
def test_warm_light_is_red_and_cold_light_is_blue(kelvin):
    red, green, blue = light(kelvin)

    assert (red > green > blue) == (kelvin < 6500)
    assert (red < green < blue) == (kelvin > 6500)


def test_a_bulb_has_the_chromaticity_that_tables_give():
    """Of standard illuminant A, 2856 K: x = 0.4476, y = 0.4074 (CIE 015:2018)."""
    to_rgb = np.array(
        [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
    )
    bulb = to_rgb @ [0.4476 / 0.4074, 1, (1 - 0.4476 - 0.4074) / 0.4074]
    neutral = to_rgb @ [0.3135 / 0.3237, 1, (1 - 0.3135 - 0.3237) / 0.3237]  # a black body of 6500 K
    gains = (bulb / neutral) ** (1 / 2.2)

    np.testing.assert_allclose(light(2856), gains / (gains @ LUMA), rtol=0.01)


@pytest.mark.parametrize("kelvin", [2500, 15000])
def test_luma_of_grey_stays_under_any_light(kelvin):
    np.testing.assert_allclose(light(kelvin) @ LUMA, 1, atol=1e-6)


def test_temperatures_are_drawn_evenly_in_their_reciprocal():
    plan = make_plan([{"op": "temperature", "kelvin": [2500, 15000]}], make_picture(), copies=2000)
    kelvin = np.array([trace_of(plan, row)[0]["kelvin"] for row in range(2000)])

    middle = 2 / (1 / 2500 + 1 / 15000)

    assert 0.45 < (kelvin < middle).mean() < 0.55
    assert 2500 <= kelvin.min() < kelvin.max() <= 15000


def test_sepia_is_brown_with_the_luma_of_before():
    pixels = make_picture("float32") * np.float32(0.8)

    output = apply(pixels, {"op": "sepia", "fraction": 1})

    assert (output[1:, :, 0] > output[1:, :, 1]).all()
    assert (output[1:, :, 1] > output[1:, :, 2]).all()
    np.testing.assert_allclose(output @ LUMA, pixels @ LUMA, atol=1e-3)


def test_sepia_goes_part_of_the_way():
    pixels = make_picture("float32") * np.float32(0.8)
    brown = apply(pixels, {"op": "sepia", "fraction": 1})

    output = apply(pixels, {"op": "sepia", "fraction": 0.25})

    np.testing.assert_allclose(output, 0.75 * pixels + 0.25 * brown, atol=1e-6)
