import numpy as np
import pytest

from app.imaging.png_filters import (
    LARGE_BYTES,
    SMALL_BYTES,
    choose_filter,
    keep_bytes,
    subtract_above,
    subtract_average,
    subtract_left,
)

ROWS = np.array([[1, 2, 255, 4], [9, 1, 7, 250]], np.uint8)
NOISE = np.random.default_rng(0).integers(0, 256, LARGE_BYTES + 1, dtype=np.uint8)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (keep_bytes, [[0, 1, 2, 255, 4], [0, 9, 1, 7, 250]]),
        (subtract_left, [[1, 1, 2, 254, 2], [1, 9, 1, 254, 249]]),
        (subtract_above, [[2, 1, 2, 255, 4], [2, 8, 255, 8, 246]]),
        (subtract_average, [[3, 1, 2, 255, 3], [3, 9, 0, 131, 248]]),
    ],
    ids=["none", "sub", "up", "average"],
)
def test_rows_are_filtered_as_the_standard_says(kind, expected):
    np.testing.assert_array_equal(expected, kind(ROWS, 2))


def test_an_image_with_a_background_is_kept_as_it_is():
    rows = np.full((10, 10), 200, np.uint8)
    rows[3:7, 3:7] = np.arange(16).reshape(4, 4)

    assert keep_bytes is choose_filter(rows, 1)


@pytest.mark.parametrize(
    ("size", "pixel_bytes", "expected"),
    [
        (SMALL_BYTES, 1, subtract_above),
        (SMALL_BYTES, 3, subtract_left),
        (SMALL_BYTES + 1, 1, subtract_average),
        (LARGE_BYTES, 3, subtract_average),
        (LARGE_BYTES + 1, 3, subtract_above),
    ],
)
def test_other_images_are_filtered_by_their_size(size, pixel_bytes, expected):
    assert expected is choose_filter(NOISE[:size].reshape(1, -1), pixel_bytes)


def test_pixels_are_left_alone():
    before = ROWS.copy()

    for kind in (keep_bytes, subtract_left, subtract_above, subtract_average):
        kind(ROWS, 1)

    np.testing.assert_array_equal(before, ROWS)
