import numpy as np
import pytest
from pydantic import ValidationError

from app.augmentation.frames import frames_of
from app.augmentation.operations.crops import Crop, RandomResizedCrop
from app.core.errors import InvalidInputError
from tests.augmenting import apply, augment, augment_once, make_picture, make_plan

PICTURE = make_picture(height=20, width=30)
BOX = {"top": 3, "left": 5, "height": 10, "width": 12}


def test_a_crop_is_a_slice():
    np.testing.assert_array_equal(PICTURE[3:13, 5:17], apply(PICTURE, {"op": "crop", **BOX}), strict=True)


def test_a_crop_in_the_centre_is_there():
    cropped = augment_once("crop", PICTURE, height=10, width=11, position="centre")

    np.testing.assert_array_equal(PICTURE[5:15, 9:20], cropped)


def test_a_random_crop_is_at_any_place():
    columns = make_plan([{"op": "crop", "height": 18, "width": 29}], PICTURE, copies=100).steps[0].columns

    assert {0, 1, 2} == set(columns["top"].tolist())
    assert {0, 1} == set(columns["left"].tolist())


def test_a_crop_by_fraction_leaves_that_part_of_both_sides():
    assert (10, 15) == augment_once("crop", PICTURE, fraction=[0.5, 0.5]).shape[:2]


def test_a_crop_of_nothing_leaves_a_pixel():
    assert (1, 1) == augment_once("crop", PICTURE, fraction=[0.0, 0.0]).shape[:2]


def test_a_crop_larger_than_the_picture_is_refused_with_both_sizes():
    with pytest.raises(InvalidInputError, match="`crop` takes 21 x 8 pixels of a picture that has 20 x 30; pad"):
        augment_once("crop", PICTURE, height=21, width=8)


def test_a_crop_outside_of_the_picture_is_refused():
    with pytest.raises(InvalidInputError, match="10 x 12 pixels at 11, 5 of a picture that has 20 x 30"):
        apply(PICTURE, {"op": "crop", **BOX, "top": 11})


def test_a_crop_is_not_held_against_outputs_that_it_is_not_applied_to():
    larger = {"op": "sequence", "ops": [{"op": "pad", "px": 9}, {"op": "crop", "height": 24, "width": 24}]}

    outputs = augment([{"op": "one_of", "ops": [larger, {"op": "flip"}]}], PICTURE, copies=12)

    assert {(24, 24), (20, 30)} == {output.shape[:2] for output in outputs}


@pytest.mark.parametrize("parameters", [{}, {"height": 3}, {"height": 3, "width": 3, "fraction": [0.5, 0.5]}])
def test_a_crop_names_its_size_in_one_way(parameters):
    with pytest.raises(ValidationError, match="or `fraction`"):
        Crop(**parameters)


def test_a_resized_crop_has_area_and_shape_in_their_ranges():
    policy = [{"op": "random_resized_crop", "height": 8, "width": 8, "fraction": [0.2, 0.5], "ratio": [0.5, 2.0]}]
    picture = np.zeros((400, 600, 1), np.uint8)

    columns = make_plan(policy, picture, copies=300).steps[0].columns

    heights, widths = columns["box_height"], columns["box_width"]
    areas, ratios = heights * widths / picture.size, widths / heights
    assert (0.2, 0.5, 0.5, 2.0) == pytest.approx((areas.min(), areas.max(), ratios.min(), ratios.max()), rel=0.05)
    assert 0.8 <= np.median(ratios) <= 1.2
    assert np.all(columns["top"] + heights <= 400)
    assert np.all(columns["left"] + widths <= 600)


@pytest.mark.parametrize(("ratio", "box"), [([4.0, 5.0], (6, 0, 8, 30)), ([0.1, 0.2], (0, 13, 20, 4))])
def test_a_resized_crop_that_never_fits_is_the_largest_in_the_centre(ratio, box):
    operation = RandomResizedCrop(height=4, width=4, fraction=[1.0, 1.0], ratio=ratio)

    columns = operation.sample(np.full((1, 22), 0.5), frames_of(PICTURE, 1))

    assert box == tuple(columns[name].item() for name in ("top", "left", "box_height", "box_width"))


def test_a_resized_crop_of_its_own_size_is_a_slice():
    box = {"top": 3, "left": 5, "box_height": 10, "box_width": 12}
    step = {"op": "random_resized_crop", **box, "height": 10, "width": 12, "interpolation": "linear"}

    np.testing.assert_array_equal(PICTURE[3:13, 5:17], apply(PICTURE, step))


def test_a_resized_crop_outside_of_the_picture_is_refused():
    step = {"op": "random_resized_crop", "top": 3, "left": 25, "box_height": 10, "box_width": 12}

    with pytest.raises(InvalidInputError, match="at 3, 25"):
        apply(PICTURE, {**step, "height": 10, "width": 12, "interpolation": "linear"})
