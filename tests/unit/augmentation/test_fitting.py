import numpy as np
import pytest

from app.augmentation.fitting import fit_contrast, fit_equal, fit_normal, fit_stretch, mean_of

LEVELS = np.array([0, 51, 102, 255]) / 255


def count(**levels):
    counts = np.zeros(256, np.int64)
    for level, number in levels.items():
        counts[int(level[1:])] = number
    return counts


def test_the_mean_weighs_levels_by_their_pixels():
    assert pytest.approx(0.3) == mean_of(count(_0=1, _102=3))


def test_equal_curve_goes_up_by_the_share_of_each_level():
    curve = fit_equal(count(_51=7, _102=1, _255=3))

    assert [0, 0, 64 / 255, 1] == curve(LEVELS).tolist()


def test_stretching_leaves_out_a_share_at_either_end():
    curve = fit_stretch(count(_0=1, _51=9, _102=9, _255=1), 0.05)

    np.testing.assert_allclose(curve(LEVELS), (LEVELS - 0.2) / 0.2, atol=1e-12)


def test_nothing_is_stretched_where_too_much_would_be_left_out():
    curve = fit_stretch(count(_0=1, _51=8, _102=1), 0.4)

    np.testing.assert_array_equal(LEVELS, curve(LEVELS))


def test_normal_curve_has_the_mean_and_deviation_asked_for():
    curve = fit_normal(count(_0=1, _102=1), 0.5, 0.1)

    np.testing.assert_allclose(curve(LEVELS[[0, 2]]), [0.4, 0.6])


def test_contrast_is_about_the_grey_of_all_channels():
    red, green, blue = count(_255=1), count(_0=1), count(_0=1)

    np.testing.assert_allclose(fit_contrast([red, green, blue], 0.0)(LEVELS), 0.299)
