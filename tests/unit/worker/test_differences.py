import pytest
import torch

from app.schemas.jobs import PixelDifferences
from app.worker.differences import LOW_PRECISION, ROUNDING, Bound, compare_pixels


def make_pixels(*values):
    return torch.tensor(values, dtype=torch.uint8).reshape(1, 1, -1, 1)


def test_differences_are_counted_by_grey_levels_either_way():
    found = compare_pixels(make_pixels(0, 10, 10, 255, 7, 0), make_pixels(0, 11, 8, 0, 7, 3))

    assert PixelDifferences((2, 1, 1, 2), 255, (1 + 2 + 255 + 3) / 6) == found


def test_what_is_within_the_bound_needs_no_explanation():
    assert Bound(1, 0.5).explain(PixelDifferences((9, 1, 0, 0), 1, 0.1)) is None


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (PixelDifferences((9, 0, 1, 0), 2, 0.2), "a value differs by 2 grey levels; 1 are allowed"),
        (PixelDifferences((2, 8, 0, 0), 1, 0.8), "values differ by 0.80 grey levels on average; 0.5 are allowed"),
    ],
    ids=["one", "many"],
)
def test_what_is_beyond_the_bound_is_explained(found, sentence):
    assert sentence == Bound(1, 0.5).explain(found)


def test_low_precision_may_move_pixels_further_than_rounding():
    assert max(ROUNDING, LOW_PRECISION) == LOW_PRECISION
