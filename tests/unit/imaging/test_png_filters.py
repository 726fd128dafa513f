import numpy as np
import pytest

from app.imaging.png_filters import (
    LARGE_BYTES,
    SMALL_BYTES,
    choose_filter,
    filter_image,
    filter_images,
    keep_bytes,
    subtract_above,
    subtract_average,
    subtract_left,
)

ROWS = np.array([[1, 2, 255, 4], [9, 1, 7, 250]], np.uint8)
NOISE = np.random.default_rng(0).integers(1, 256, (5, 12, 30), dtype=np.uint8)


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


@pytest.mark.parametrize("kind", [keep_bytes, subtract_left, subtract_above, subtract_average])
@pytest.mark.parametrize("pixel_bytes", [1, 3, 30], ids=["grey", "rgb", "one column"])
def test_many_images_are_filtered_as_one_is(kind, pixel_bytes):
    expected = [kind(rows, pixel_bytes) for rows in NOISE]

    np.testing.assert_array_equal(expected, kind(NOISE, pixel_bytes))


def test_an_image_with_a_background_is_kept_as_it_is():
    rows = np.full((10, 10), 200, np.uint8)
    rows[3:7, 3:7] = np.arange(16).reshape(4, 4)

    np.testing.assert_array_equal(keep_bytes(rows, 1), filter_image(rows, 1))


@pytest.mark.parametrize("backgrounds", [[], [1], [0, 3], [0, 1, 2, 3, 4]], ids=str)
def test_backgrounds_are_found_among_many(backgrounds):
    images = NOISE.copy()
    images[backgrounds, 4:] = images[backgrounds, :1, :1]
    images[backgrounds, 0, 1] = 0

    filtered = filter_images(images, 1)

    assert filtered.flags.c_contiguous
    assert backgrounds == np.flatnonzero(filtered[:, 0, 0] == 0).tolist()
    np.testing.assert_array_equal([filter_image(rows, 1) for rows in images], filtered)


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
    assert expected is choose_filter(size, pixel_bytes)


def test_pixels_are_left_alone():
    before = ROWS.copy()

    for kind in (keep_bytes, subtract_left, subtract_above, subtract_average):
        kind(ROWS, 1)

    np.testing.assert_array_equal(before, ROWS)
