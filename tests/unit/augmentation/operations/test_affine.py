import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from app.augmentation.frames import frames_of
from app.augmentation.operations.affine import Affine, Shear, Shift, Zoom
from tests.augmenting import apply, augment_once, make_picture, make_plan

PICTURE = make_picture(height=12, width=16)
FRAMES = frames_of(PICTURE, 1)
OUTSIDE = {"fill": "constant", "value": 0.0, "interpolation": "linear"}


def where(warp, x, y):
    """Return where a point goes."""
    moved = warp.matrices[0] @ np.array([x, y, 1])
    return (moved[:2] / moved[2]).tolist()


def test_a_shift_by_pixels_moves_pixels_and_leaves_black_behind():
    expected = np.zeros_like(PICTURE)
    expected[:-2, 3:] = PICTURE[2:, :-3]

    np.testing.assert_array_equal(expected, augment_once("shift", PICTURE, px_x=[3, 3], px_y=[-2, -2]))


def test_a_shift_by_more_than_the_picture_leaves_only_the_fill():
    shifted = augment_once("shift", PICTURE, px_x=[40, 40], value=1.0)

    assert (255,) == tuple(np.unique(shifted))


@pytest.mark.parametrize("px", [5, -37])
def test_a_shift_that_wraps_rolls_the_picture(px):
    expected = np.roll(PICTURE, px, axis=1)

    np.testing.assert_array_equal(expected, augment_once("shift", PICTURE, px_x=[px, px], fill="wrap"))


def test_a_shift_by_fractions_is_by_whole_pixels_of_each_picture():
    columns = Shift(fraction_x=[0.2, 0.2], fraction_y=[-0.25, -0.25]).sample(np.full((1, 2), 0.5), FRAMES)

    assert (3, -3) == (columns["px_x"].item(), columns["px_y"].item())


def test_a_shift_without_ranges_goes_both_ways_by_a_tenth():
    steps = make_plan([{"op": "shift"}], PICTURE, copies=200).steps

    assert {-2, -1, 0, 1, 2} == set(steps[0].columns["px_x"].tolist())
    assert {-1, 0, 1} == set(steps[0].columns["px_y"].tolist())


def test_a_shift_of_one_axis_leaves_the_other():
    columns = Shift(fraction_x=[0.5, 0.5]).sample(np.full((1, 2), 0.9), FRAMES)

    assert (8, 0) == (columns["px_x"].item(), columns["px_y"].item())


def test_a_shift_in_two_units_is_refused():
    with pytest.raises(ValidationError, match="not both"):
        Shift(fraction_x=[0.1, 0.1], px_x=[1, 1])


def test_a_zoom_by_two_keeps_the_size_and_doubles_distances_from_the_centre():
    warp = Zoom.build({"factor_x": 2.0, "factor_y": 0.5, **OUTSIDE}, FRAMES)

    assert ([8.0, 6.0], [12.0, 6.5]) == (where(warp, 8, 6), where(warp, 10, 7))
    assert (12, 16) == (warp.heights[0], warp.widths[0])


def test_a_zoom_takes_one_factor_for_both_axes_unless_told():
    both = make_plan([{"op": "zoom"}], PICTURE, copies=9).steps[0].columns
    each = make_plan([{"op": "zoom", "same": False}], PICTURE, copies=9).steps[0].columns

    assert both["factor_x"].tolist() == both["factor_y"].tolist()
    assert not np.any(each["factor_x"] == each["factor_y"])


def test_a_zoom_out_shows_the_fill_around_the_picture():
    zoomed = augment_once("zoom", np.full((12, 16, 1), 200, np.uint8), factor=[0.5, 0.5])[:, :, 0]

    assert 0 == zoomed[:2].max()
    assert 200 == zoomed[4:8, 5:11].min()


def test_a_zoom_in_agrees_with_opencv():
    expected = cv2.resize(PICTURE, None, fx=3, fy=3, interpolation=cv2.INTER_LINEAR)[12:24, 16:32]

    zoomed = augment_once("zoom", PICTURE, factor=[3.0, 3.0]).astype(int)

    assert 1 >= np.abs(zoomed - expected).max()


@pytest.mark.parametrize(
    ("degrees_x", "degrees_y", "expected"),
    [(45.0, 0.0, [14.0, 0.0]), (0.0, 45.0, [8.0, 0.0]), (45.0, 45.0, [14.0, -6])],
)
def test_a_slant_leans_the_top_right_and_lifts_the_right(degrees_x, degrees_y, expected):
    warp = Shear.build({"degrees_x": degrees_x, "degrees_y": degrees_y, **OUTSIDE}, FRAMES)

    np.testing.assert_allclose(expected, where(warp, 8, 0), atol=1e-12)


def test_slants_keep_areas():
    warp = Shear.build({"degrees_x": 75.0, "degrees_y": 75.0, **OUTSIDE}, FRAMES)

    assert 1 == pytest.approx(np.linalg.det(warp.matrices[0]))


def test_an_affine_move_is_its_parts_in_order():
    angles, outside = {"degrees_x": 10.0, "degrees_y": -5.0}, OUTSIDE
    steps = [
        {"op": "shear", **angles, **outside},
        {"op": "rotate", "degrees": 30.0, **outside},
        {"op": "zoom", "factor_x": 1.25, "factor_y": 1.25, **outside},
        {"op": "shift", "px_x": 3, "px_y": -2, "fill": "constant", "value": 0.0},
    ]
    whole = {"op": "affine", "degrees": 30.0, "factor": 1.25, "px_x": 3, "px_y": -2, **angles, **outside}

    np.testing.assert_array_equal(apply(PICTURE, *steps), apply(PICTURE, whole))


def test_an_affine_move_draws_each_part_in_its_range():
    operation = Affine(degrees=[10, 20], factor=[2, 3], fraction_x=[0.5, 1], fraction_y=[0, 0], degrees_y=[1, 2])

    columns = operation.sample(np.full((1, 6), 0.5), FRAMES)

    expected = {"degrees": 15, "factor": 2.5, "px_x": 12, "px_y": 0, "degrees_x": 0, "degrees_y": 1.5}
    assert expected == {name: columns[name].item() for name in expected}
