import numpy as np
import pytest
from pydantic import ValidationError

from app.augmentation.operations.patches import AppliedSlice, FiveCrop, Slice
from app.core.errors import InvalidInputError
from tests.augmenting import augment, make_picture, make_plan, trace_of

PICTURE = make_picture(height=12, width=18)


def test_slices_put_together_are_the_picture():
    parts = augment([{"op": "slice", "rows": 2, "columns": 3}], PICTURE)

    rows = [np.concatenate(parts[3 * row : 3 * row + 3], axis=1) for row in range(2)]
    np.testing.assert_array_equal(PICTURE, np.concatenate(rows))


def test_slices_of_all_copies_follow_one_another():
    parts = augment([{"op": "slice", "rows": 1, "columns": 2}, {"op": "flip", "p": 0.5}], PICTURE, copies=3)

    assert [(12, 9)] * 6 == [part.shape[:2] for part in parts]


def test_slices_that_share_the_remainder_are_of_one_size_and_cover_the_picture():
    parts = augment([{"op": "slice", "rows": 5, "columns": 1}], PICTURE)

    starts = [0, 2, 4, 6, 9]
    assert all(np.array_equal(PICTURE[y : y + 3], part) for y, part in zip(starts, parts, strict=True))


def test_slices_that_drop_the_remainder_share_nothing():
    parts = augment([{"op": "slice", "rows": 5, "columns": 1, "remainder": "drop"}], PICTURE)

    np.testing.assert_array_equal(PICTURE[:10], np.concatenate(parts))


@pytest.mark.parametrize("remainder", ["share", "drop"])
def test_slices_overlap_by_the_part_that_is_named(remainder):
    parts = augment([{"op": "slice", "rows": 1, "columns": 2, "overlap": 0.5, "remainder": remainder}], PICTURE)

    assert [(12, 12), (12, 12)] == [part.shape[:2] for part in parts]
    np.testing.assert_array_equal(parts[0][:, 6:], parts[1][:, :6])


def test_each_slice_knows_its_number():
    plan = make_plan([{"op": "flip"}, {"op": "slice"}], PICTURE)

    assert [0, 1, 2, 3] == [trace_of(plan, row)[1]["part"] for row in range(4)]
    assert [["flip", "slice"]] * 4 == [[step["op"] for step in trace_of(plan, row)] for row in range(4)]


def test_slices_of_slices_draw_by_numbers_of_their_own():
    plan = make_plan([{"op": "slice"}, {"op": "slice"}, {"op": "rotate"}], PICTURE)

    assert list(range(16)) == plan.rows.patches.tolist()
    assert 16 == len(set(plan.steps[2].columns["degrees"].tolist()))


@pytest.mark.parametrize("parameters", [{"rows": 1, "columns": 1}, {"rows": 20, "columns": 20}, {"p": 0.5}])
def test_slices_that_make_no_sense_are_refused(parameters):
    with pytest.raises(ValidationError, match=r"2 to 256|no chance"):
        Slice(**parameters)


def test_more_slices_than_pixels_are_refused():
    with pytest.raises(InvalidInputError, match="13 x 2 parts of 12 x 18 pixels"):
        augment([{"op": "slice", "rows": 13}], PICTURE)


def test_a_part_that_there_is_not_is_refused():
    with pytest.raises(ValidationError, match="one of those"):
        AppliedSlice(rows=2, columns=2, overlap=0.0, remainder="drop", part=4)


def test_five_crops_are_the_corners_and_the_centre():
    parts = augment([{"op": "five_crop", "height": 4, "width": 6}], PICTURE)

    corners = [PICTURE[:4, :6], PICTURE[:4, -6:], PICTURE[-4:, :6], PICTURE[-4:, -6:], PICTURE[4:8, 6:12]]
    assert all(np.array_equal(expected, part) for expected, part in zip(corners, parts, strict=True))


def test_five_crops_larger_than_the_picture_are_refused():
    with pytest.raises(InvalidInputError, match="`five_crop` takes 13 x 6"):
        augment([{"op": "five_crop", "height": 13, "width": 6}], PICTURE)


def test_five_crops_have_no_chance():
    with pytest.raises(ValidationError, match="no chance"):
        FiveCrop(height=1, width=1, p=0.5)
