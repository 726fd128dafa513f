import cv2
import numpy as np
import pytest

from app.augmentation.primitives import Fill
from app.augmentation.resampling import BORDERS, gather, warp
from tests.augmenting import make_picture

PICTURE = make_picture(height=6, width=9)


def move(x, y):
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], float)


@pytest.mark.parametrize("mode", BORDERS)
@pytest.mark.parametrize("channels", [1, 4, 5])
def test_a_move_by_whole_pixels_is_opencvs_border(mode, channels):
    picture = make_picture(channels=channels, height=6, width=9)
    borders = [
        cv2.copyMakeBorder(np.ascontiguousarray(picture[:, :, c]), 13, 2, 20, 1, BORDERS[mode], value=51)
        for c in range(channels)
    ]

    moved = warp(picture, move(20, 13), (21, 30), Fill(mode, 0.2), "linear")

    np.testing.assert_array_equal(np.stack(borders, axis=2), moved, strict=True)


@pytest.mark.parametrize("mode", BORDERS)
def test_a_move_by_whole_pixels_is_the_limit_of_others(mode):
    exact = warp(PICTURE, move(2, -4), (6, 9), Fill(mode), "linear").astype(int)

    almost = warp(PICTURE, move(2.0001, -4), (6, 9), Fill(mode), "linear")

    assert 1 >= np.abs(exact - almost).max()


def test_a_mirrored_picture_that_sticks_out_is_filled():
    mirror = np.array([[-1.0, 0, 11], [0, 1, 0], [0, 0, 1]])

    moved = warp(PICTURE, mirror, (6, 9), Fill("constant", 1.0), "linear")

    np.testing.assert_array_equal(np.pad(PICTURE[:, :1:-1], [(0, 0), (2, 0), (0, 0)], constant_values=255), moved)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_picture_gathered_at_wide_distances_is_averaged(channels):
    picture = make_picture("float32", channels, height=24, width=36)
    points = np.stack(np.meshgrid(np.arange(9) * 4 + 2, np.arange(6) * 4 + 2), axis=2).astype(np.float32)

    gathered = gather(picture, points, Fill("edge"), "linear")

    np.testing.assert_allclose(picture.reshape(6, 4, 9, 4, channels).mean(axis=(1, 3)), gathered, atol=1e-5)


def test_nearest_pixels_are_never_averaged():
    points = np.stack(np.meshgrid(np.arange(3) * 3 + 1.5, np.arange(2) * 3 + 1.5), axis=2).astype(np.float32)

    np.testing.assert_array_equal(PICTURE[1::3, 1::3], gather(PICTURE, points, Fill("edge"), "nearest"))


def test_one_pixel_can_be_gathered():
    assert (1, 1, 3) == gather(PICTURE, np.full((1, 1, 2), 3.5, np.float32), Fill(), "linear").shape


def test_cubic_interpolation_stays_within_black_and_white():
    steps = np.zeros((6, 8, 1), np.float32)
    steps[:, 4:] = 1

    moved = warp(steps, move(0.5, 0.5), (6, 8), Fill("edge"), "cubic")

    assert (0, 1) == (moved.min(), moved.max())
