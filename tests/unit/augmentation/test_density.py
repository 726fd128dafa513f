import numpy as np
import pytest

from app.augmentation.density import count_boxes


@pytest.mark.parametrize(
    ("footprint", "boxes"),
    [
        ((1.0, 1.0), [1, 1]),
        ((0.2, 0.3), [1, 1]),
        ((1.3, 1.3), [1, 1]),
        ((1.5, 1.5), [2, 2]),
        ((2.4, 1.3), [2, 2]),
        ((8.0, 8.0), [8, 8]),
        ((8.0, 1.0), [8, 1]),
        ((1.0, 4.1), [1, 4]),
    ],
)
def test_boxes_leave_about_one_pixel_for_each(footprint, boxes):
    assert boxes == count_boxes(np.array(footprint)).tolist()


def test_boxes_of_many_are_those_of_each():
    footprints = np.random.default_rng(0).uniform(0.1, 20, (100, 2))

    np.testing.assert_array_equal([count_boxes(one) for one in footprints], count_boxes(footprints))
