import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.augmenting import WHITE, apply, augment_once, make_picture


def make_dull(depth="uint8", channels=3, **shape):
    """Draw levels between a fifth and a half of white, the dark ones more often."""
    drawn = make_picture("float32", channels, **shape).astype(np.float64)
    levels = (0.2 + 0.3 * drawn**2) * WHITE[depth]
    return (levels if depth == "float32" else np.rint(levels)).astype(depth)


def in_pillow(function, pixels, **options):
    return np.asarray(function(Image.fromarray(pixels), **options)).astype(int)


def test_equalising_is_that_of_opencv():
    pixels = make_dull(height=64, width=48)

    expected = np.stack([cv2.equalizeHist(np.ascontiguousarray(pixels[:, :, c])) for c in range(3)], axis=2)

    np.testing.assert_allclose(augment_once("equalise", pixels).astype(int), expected, atol=1)


def test_equalising_is_near_that_of_pillow():
    pixels = make_dull(height=128, width=128)

    difference = augment_once("equalise", pixels) - in_pillow(ImageOps.equalize, pixels)

    assert np.abs(difference).mean() < 6  # it rounds pixels per level down, and takes half of a level's own


@pytest.mark.parametrize("depth", ["uint16", "float32"])
def test_equalised_levels_are_even(depth):
    output = augment_once("equalise", make_dull(depth, 1, height=64, width=64)) / WHITE[depth]

    counts, _ = np.histogram(output, bins=8, range=(0, 1))

    assert [0, 1] == [output.min(), output.max()]
    np.testing.assert_allclose(counts / output.size, 1 / 8, atol=0.02)


@pytest.mark.parametrize("op", ["equalise", "auto_contrast"])
def test_a_picture_of_one_level_stays(op):
    pixels = np.full((4, 5, 3), 77, np.uint8)

    np.testing.assert_array_equal(pixels, augment_once(op, pixels))


@pytest.mark.parametrize("percent", [0, 1, 10, 40])
def test_auto_contrast_is_that_of_pillow_but_for_rounding(percent):
    pixels = make_dull(height=32, width=32)

    output = augment_once("auto_contrast", pixels, cutoff_fraction=[percent / 100, percent / 100]).astype(int)

    np.testing.assert_allclose(output, in_pillow(ImageOps.autocontrast, pixels, cutoff=percent), atol=1)


@pytest.mark.parametrize("depth", WHITE)
def test_auto_contrast_reaches_black_and_white(depth):
    output = augment_once("auto_contrast", make_dull(depth))

    np.testing.assert_allclose(output.min(axis=(0, 1)), 0, atol=1e-4)
    np.testing.assert_allclose(output.max(axis=(0, 1)), WHITE[depth], rtol=1e-4)


@pytest.mark.parametrize("depth", WHITE)
def test_normalising_brings_mean_and_deviation(depth):
    pixels = make_dull(depth, height=64, width=64)

    output = augment_once("normalise", pixels, mean=[0.45, 0.45], deviation=[0.12, 0.12]) / WHITE[depth]

    np.testing.assert_allclose(output.mean(axis=(0, 1)), 0.45, atol=1e-3)
    np.testing.assert_allclose(output.std(axis=(0, 1)), 0.12, atol=1e-3)


def test_a_channel_of_one_level_takes_the_mean():
    pixels = np.full((4, 5, 1), 77, np.uint8)

    assert {51} == set(augment_once("normalise", pixels, mean=[0.2, 0.2]).ravel().tolist())


def test_clahe_of_one_channel_is_that_of_opencv():
    pixels = make_dull(channels=1, height=48, width=64)

    expected = cv2.createCLAHE(3, (4, 4)).apply(pixels[:, :, 0])

    np.testing.assert_array_equal(expected, apply(pixels, {"op": "clahe", "clip": 3, "cells": 4})[:, :, 0])


def test_clahe_of_colours_changes_luma_and_keeps_chroma():
    pixels = make_dull(height=32, width=32)

    difference = apply(pixels, {"op": "clahe", "clip": 2, "cells": 2}).astype(int) - pixels

    assert difference.any()
    np.testing.assert_array_equal(difference[:, :, 0], difference[:, :, 1])
    np.testing.assert_array_equal(difference[:, :, 0], difference[:, :, 2])


@pytest.mark.parametrize("depth", WHITE)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 3)])
def test_clahe_takes_pictures_smaller_than_its_cells(depth, size):
    pixels = make_picture(depth, height=9, width=9)[: size[0], : size[1]]

    assert pixels.shape == apply(pixels, {"op": "clahe", "clip": 2, "cells": 16}).shape
