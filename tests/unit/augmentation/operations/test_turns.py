import numpy as np
import pytest
from pydantic import ValidationError

from app.augmentation.operations.turns import Turn
from tests.augmenting import apply, augment, augment_once, make_picture, make_plan

PICTURE = make_picture(height=7, width=11)


@pytest.mark.parametrize("quarters", range(4))
def test_turns_are_numpys(quarters):
    expected = np.rot90(PICTURE, quarters)

    np.testing.assert_array_equal(expected, apply(PICTURE, {"op": "turn", "quarters": quarters}))


def test_a_turn_chooses_among_those_that_are_named():
    columns = make_plan([{"op": "turn", "quarters": [1, 3]}], PICTURE, copies=20).steps[0].columns

    assert {1, 3} == set(columns["quarters"].tolist())


def test_a_turn_by_five_quarters_is_refused():
    with pytest.raises(ValidationError):
        Turn(quarters=[5])


@pytest.mark.parametrize(("axis", "expected"), [("horizontal", PICTURE[:, ::-1]), ("vertical", PICTURE[::-1])])
def test_flips_are_numpys(axis, expected):
    np.testing.assert_array_equal(expected, augment_once("flip", PICTURE, axis=axis))


def test_a_transposed_picture_has_rows_for_columns():
    np.testing.assert_array_equal(PICTURE.swapaxes(0, 1), augment_once("transpose", PICTURE))


@pytest.mark.parametrize("symmetry", range(8))
def test_symmetries_are_numpys(symmetry):
    expected = np.rot90(PICTURE[:, ::-1] if symmetry >= 4 else PICTURE, symmetry % 4)

    np.testing.assert_array_equal(expected, apply(PICTURE, {"op": "d4", "symmetry": symmetry}))


def test_all_eight_symmetries_are_drawn():
    outputs = augment([{"op": "d4"}], PICTURE, copies=60)

    assert 8 == len({output.tobytes() for output in outputs})


def test_a_rotation_is_counter_clockwise_as_seen():
    picture = np.zeros((9, 9, 1), np.uint8)
    picture[4, 7] = 255

    turned = augment_once("rotate", picture, degrees=[90.0, 90.0])

    assert (1, 4, 0) == np.unravel_index(turned.argmax(), turned.shape)
