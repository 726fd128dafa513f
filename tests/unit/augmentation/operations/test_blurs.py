import json

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter
from scipy import ndimage

from app.augmentation.policy import Policy
from app.augmentation.traces import Trace
from app.core.errors import InvalidInputError
from tests.augmenting import WHITE, apply, augment_once, make_picture, make_plan


def in_pillow(function, pixels):
    return np.asarray(function(Image.fromarray(pixels))).astype(int)


def inside(pixels, margin):
    return pixels[margin:-margin, margin:-margin]


@pytest.mark.parametrize("depth", sorted(WHITE))
@pytest.mark.parametrize("deviation", [0.5, 1.3, 4.0])
def test_gaussian_blur_is_that_of_scipy(depth, deviation):
    pixels = make_picture(depth, height=40, width=48)

    expected = ndimage.gaussian_filter(pixels / WHITE[depth], deviation, mode="mirror", truncate=5, axes=(0, 1))

    output = augment_once("gaussian_blur", pixels, px=[deviation, deviation]) / WHITE[depth]
    np.testing.assert_allclose(output, expected, atol=0.51 / 255 if depth == "uint8" else 1e-4)


def test_a_gaussian_blur_of_nothing_changes_nothing():
    pixels = make_picture()

    np.testing.assert_array_equal(pixels, augment_once("gaussian_blur", pixels, px=[0, 0]))


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_box_blur_is_that_of_pillow(radius):
    pixels = make_picture(height=40, width=48)

    expected = in_pillow(lambda image: image.filter(ImageFilter.BoxBlur(radius)), pixels)

    output = augment_once("box_blur", pixels, px=[radius, radius]).astype(int)
    np.testing.assert_allclose(inside(output, radius), inside(expected, radius), atol=1)


@pytest.mark.parametrize("side", [3, 5, 9])
def test_median_blur_is_that_of_pillow(side):
    pixels = make_picture(height=40, width=48)

    expected = in_pillow(lambda image: image.filter(ImageFilter.MedianFilter(side)), pixels)

    output = augment_once("median_blur", pixels, px=[side, side])
    np.testing.assert_array_equal(inside(output, side), inside(expected, side))


@pytest.mark.parametrize("depth", ["uint16", "float32"])
def test_medians_of_deep_pixels_are_those_of_scipy(depth):
    pixels = make_picture(depth, 2)

    expected = ndimage.median_filter(pixels, (5, 5, 1), mode="nearest")

    np.testing.assert_array_equal(expected, augment_once("median_blur", pixels, px=[5, 5]))


def test_a_large_median_of_deep_pixels_is_refused():
    with pytest.raises(InvalidInputError, match="more than 5 px needs pixels of 8 bits; these are uint16"):
        make_plan([{"op": "median_blur", "px": [3, 7]}], make_picture("uint16"))


def test_a_large_median_in_a_trace_of_deep_pixels_is_refused():
    with pytest.raises(InvalidInputError, match="these are float32"):
        apply(make_picture("float32"), {"op": "median_blur", "px": 7})


def test_medians_have_odd_sides():
    policy = {"ops": [{"op": "median_blur", "px": [3, 6]}]}

    with pytest.raises(ValueError, match="the side of a median is odd"):
        Policy.model_validate_json(json.dumps(policy))
    with pytest.raises(ValueError, match="the side of a median is odd"):
        Trace.model_validate_json(json.dumps({"steps": [{"op": "median_blur", "px": 4}]}))


def test_drawn_medians_are_odd_and_reach_both_ends():
    plan = make_plan([{"op": "median_blur", "px": [3, 7]}], make_picture(), copies=40)

    assert {3, 5, 7} == set(plan.steps[0].columns["px"].tolist())


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.8])
def test_sharpening_is_that_of_pillow(factor):
    pixels = make_picture(height=40, width=48)

    expected = in_pillow(lambda image: ImageEnhance.Sharpness(image).enhance(factor), pixels)

    output = augment_once("sharpen", pixels, factor=[factor, factor]).astype(int)
    np.testing.assert_allclose(inside(output, 1), inside(expected, 1), atol=1)


def test_motion_blur_goes_along_its_line():
    pixels = np.zeros((15, 15, 1), np.uint8)
    pixels[7, 7] = 250

    output = augment_once("motion_blur", pixels, px=[5, 5], degrees=[90, 90])[:, :, 0]

    np.testing.assert_array_equal([50] * 5, output[5:10, 7])
    assert 250 == output.sum()


def test_defocus_makes_a_point_a_disc():
    pixels = np.zeros((15, 15, 1), np.float32)
    pixels[7, 7] = 1

    output = augment_once("defocus", pixels, px=[3, 3])[:, :, 0]

    assert 1 == pytest.approx(output.sum(), abs=1e-5)
    np.testing.assert_allclose(output[7, 5:10], output[7, 7], rtol=1e-5)
    assert 0 == output[7, 2]


@pytest.mark.parametrize("op", ["gaussian_blur", "box_blur", "motion_blur", "defocus", "median_blur", "sharpen"])
def test_a_picture_of_one_colour_stays(op):
    pixels = np.full((9, 7, 3), (10, 100, 255), np.uint8)

    np.testing.assert_array_equal(pixels, augment_once(op, pixels))


def test_blurs_soften_the_rim_of_what_is_seen():
    pixels = np.full((20, 20, 4), 200, np.uint8)
    pixels[:, :10, 3], pixels[:, 10:] = 255, 0

    output = augment_once("gaussian_blur", pixels, has_alpha=True, px=[2, 2])

    assert 255 == output[10, 0, 3]
    assert 60 < output[10, 10, 3] < 128
    np.testing.assert_array_equal(200, output[10, :14, :3])
