import numpy as np
import pytest

from app.augmentation.fields import sample_grid, sample_lattice

GRID = np.random.default_rng(1).normal(size=(4, 6, 2))
SIZE = (30, 50)


def lattice(xs, ys):
    return np.stack(np.meshgrid(xs, ys), axis=2)


@pytest.mark.parametrize("spline", ["linear", "cubic"])
def test_a_field_goes_through_its_grid(spline):
    found = sample_grid(GRID, lattice(np.arange(0, 51, 10.0), np.arange(0, 31, 10.0)), SIZE, spline)

    np.testing.assert_allclose(GRID, found, atol=1e-12)


def test_a_linear_field_lies_halfway_between():
    found = sample_grid(GRID, np.array([5.0, 0.0]), SIZE, "linear")

    np.testing.assert_allclose((GRID[0, 0] + GRID[0, 1]) / 2, found)


def test_a_cubic_field_leaves_each_point_along_its_neighbours():
    value, slope = GRID[0], (GRID[0, 2:] - GRID[0, :-2]) / 2
    t = np.linspace(0, 1, 9)[:, None]

    found = sample_grid(GRID, np.stack([20 + 10 * t[:, 0], np.zeros(9)], axis=1), SIZE, "cubic")

    ends = (1 + 2 * t) * (1 - t) ** 2 * value[2] + t**2 * (3 - 2 * t) * value[3]
    np.testing.assert_allclose(ends + t * (1 - t) ** 2 * slope[1] + t**2 * (t - 1) * slope[2], found, atol=1e-12)


def test_the_edge_of_a_field_goes_on():
    found = sample_grid(GRID, np.array([[-9.0, -4.0], [99.0, 77.0]]), SIZE, "cubic")

    np.testing.assert_array_equal(GRID[[0, -1], [0, -1]], found)


@pytest.mark.parametrize("spline", ["linear", "cubic"])
def test_a_lattice_has_the_points_of_the_field(spline):
    xs, ys = np.linspace(-3, 55, 17), np.linspace(33, -2, 11)

    expected = sample_grid(GRID, lattice(xs, ys), SIZE, spline)

    np.testing.assert_allclose(expected, sample_lattice(GRID, xs, ys, SIZE, spline), atol=1e-12)
