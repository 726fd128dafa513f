import numpy as np
import pytest

from app.augmentation.kernel_shapes import draw_bell, draw_disc, draw_line, draw_sharpening


@pytest.mark.parametrize("deviation", [0.1, 0.7, 2.0, 32.0])
def test_a_bell_is_even_and_ends_where_little_is_left(deviation):
    bell = draw_bell(deviation)

    assert 1 == pytest.approx(bell.sum())
    np.testing.assert_array_equal(bell, bell[::-1])
    assert 1e-3 * bell.max() > bell[0]


def test_a_bell_has_its_deviation():
    bell = draw_bell(3.0)
    places = np.arange(len(bell)) - len(bell) // 2

    assert 3.0 == pytest.approx(np.sqrt((bell * places**2).sum()), rel=2e-3)


@pytest.mark.parametrize("degrees", [0, 90, 180, -90])
def test_a_straight_line_is_one_pixel_wide(degrees):
    line = draw_line(5, degrees)

    expected = np.zeros((5, 5))
    expected[2] = 1 / 5
    np.testing.assert_allclose(line, expected if degrees % 180 == 0 else expected.T, atol=1e-12)


def test_a_line_rises_counter_clockwise():
    line = draw_line(7, 45)

    assert line[0, -1] == pytest.approx(line[-1, 0])
    assert line[1, -2] > 10 * line[1, 1]


@pytest.mark.parametrize("shape", [draw_line(1, 30), draw_disc(0)])
def test_nothing_to_blur_is_a_point(shape):
    np.testing.assert_array_equal([[1.0]], shape)


@pytest.mark.parametrize("shape", [draw_line(8.5, 20), draw_disc(3.2), draw_disc(1)])
def test_shapes_are_the_same_upside_down(shape):
    assert 1 == pytest.approx(shape.sum())
    np.testing.assert_allclose(shape, shape[::-1, ::-1], atol=1e-15)


def test_a_disc_is_round_and_covers_its_area():
    disc = draw_disc(6)

    np.testing.assert_allclose(disc, disc.T)
    assert np.pi * 36 == pytest.approx(1 / disc.max(), rel=0.02)
    assert 0 == disc[0, 0]


def test_sharpening_changes_no_mean():
    assert 1 == pytest.approx(draw_sharpening(3.5).sum())
    np.testing.assert_allclose(draw_sharpening(1), np.pad([[1]], 1), atol=1e-15)
