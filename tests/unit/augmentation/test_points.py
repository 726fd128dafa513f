import numpy as np
import pytest

from app.augmentation.points import is_mirrored, is_straight, move_points, trace_back, trace_forth
from app.augmentation.primitives import Displacement, Fill
from app.augmentation.program import Resample

SIZE = 60, 80  # height, width
POINTS = np.random.default_rng(0).uniform(0, 1, (200, 2)) * SIZE[::-1]
MIRROR = np.array([[-1.0, 0, 80], [0, 1, 0], [0, 0, 1]])
SLANT = np.array([[1.0, 0.2, 3], [0.1, 0.9, -2], [0.001, -0.002, 1]])


def make_field(strength, spline="cubic", cells=5):
    """Return a displacement; with a strength below 1 it folds nowhere."""
    offsets = np.random.default_rng(1).uniform(-1, 1, (1, cells + 1, cells + 1, 2))
    offsets *= strength * min(SIZE) / cells / 4
    return Displacement(offsets, np.array([SIZE[0]]), np.array([SIZE[1]]), Fill(), None, spline)


def make_stage(*pieces):
    held = [(one, np.array([0])) if isinstance(one, Displacement) else one[None] for one in pieces]
    return Resample(held, np.array([SIZE[0]]), np.array([SIZE[1]]), Fill(), "linear")


@pytest.mark.parametrize(
    "pieces",
    [
        [SLANT],
        [make_field(0.5)],
        [make_field(1.0)],
        [make_field(1.0, "linear")],
        [SLANT, make_field(0.8), MIRROR, make_field(0.8, "linear", 9)],
    ],
    ids=["matrix", "field", "steep", "linear", "chain"],
)
def test_points_come_back_to_where_they_were(pieces):
    stage = make_stage(*pieces)

    moved = trace_forth(stage, 0, POINTS)

    np.testing.assert_allclose(POINTS, trace_back(stage, 0, moved), rtol=0, atol=0.01)


def test_points_of_any_shape_are_moved():
    stage = make_stage(SLANT, make_field(0.5))

    as_one = trace_forth(stage, 0, POINTS)

    np.testing.assert_array_equal(as_one.reshape(10, 20, 2), trace_forth(stage, 0, POINTS.reshape(10, 20, 2)))
    assert (0, 4, 2) == trace_forth(stage, 0, np.empty((0, 4, 2))).shape


def test_fields_that_fold_end_somewhere():
    moved = trace_forth(make_stage(make_field(8.0)), 0, POINTS)

    assert np.isfinite(moved).all()


def test_points_behind_the_horizon_are_far_away():
    matrix = np.array([[1.0, 0, 0], [0, 1, 0], [-0.02, 0, 1]])

    moved = move_points(np.array([[50.0, 5.0], [70.0, 5.0], [10.0, 5.0]]), matrix)

    assert (moved[:2, 0] > 1e6).all()
    np.testing.assert_allclose([12.5, 6.25], moved[2])


def test_mirrors_are_counted():
    assert is_mirrored(make_stage(MIRROR), 0)
    assert not is_mirrored(make_stage(MIRROR, make_field(0.5), MIRROR), 0)
    assert not is_mirrored(make_stage(SLANT), 0)


def test_only_fields_bend_lines():
    assert is_straight(make_stage(SLANT))
    assert not is_straight(make_stage(SLANT, make_field(0.5)))
