import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from app.augmentation.operations.sizes import Pad, Resize
from app.core.errors import LimitExceededError
from tests.augmenting import augment, augment_once, make_picture

PICTURE = make_picture(height=10, width=15)
MODES = {"constant": "constant", "edge": "edge", "reflect": "reflect", "wrap": "wrap"}


@pytest.mark.parametrize(("factor", "expected"), [(2.0, (20, 30)), (0.5, (5, 8)), (0.05, (1, 1)), (1.0, (10, 15))])
def test_a_scale_changes_the_size(factor, expected):
    assert expected == augment_once("scale", PICTURE, factor=[factor, factor]).shape[:2]


def test_a_picture_scaled_up_agrees_with_opencv_up_to_its_edges():
    expected = cv2.resize(PICTURE, (45, 30), interpolation=cv2.INTER_LINEAR).astype(int)

    assert 1 >= np.abs(augment_once("scale", PICTURE, factor=[3.0, 3.0]) - expected).max()


def test_a_white_picture_stays_white_at_any_size():
    white = np.full((10, 15, 1), 255, np.uint8)

    assert all(
        255 == one.min() for one in augment([{"op": "scale", "factor": [0.1, 9.0], "same": False}], white, copies=9)
    )


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"height": 7, "width": 9}, (7, 9)),
        ({"height": 20}, (20, 30)),
        ({"width": 3}, (2, 3)),
        ({"side": "shorter", "px": 6}, (6, 9)),
        ({"side": "longer", "px": 6}, (4, 6)),
    ],
)
def test_a_resize_brings_to_the_size_that_is_named(parameters, expected):
    assert expected == augment_once("resize", PICTURE, **parameters).shape[:2]


def test_a_resize_by_half_is_the_mean_of_boxes():
    picture = make_picture(height=16, width=24).astype(np.float32)
    boxes = picture.reshape(8, 2, 12, 2, 3).mean(axis=(1, 3)) / 255

    np.testing.assert_allclose(boxes, augment_once("resize", picture / 255, height=8), atol=1e-6)


@pytest.mark.parametrize("parameters", [{}, {"side": "longer"}, {"px": 3}, {"height": 3, "side": "longer", "px": 3}])
def test_a_resize_names_its_size_in_one_way(parameters):
    with pytest.raises(ValidationError, match="name `height`"):
        Resize(**parameters)


@pytest.mark.parametrize("px", [3, 22])
@pytest.mark.parametrize("fill", MODES)
def test_a_border_is_as_numpy_makes_it(fill, px):
    expected = np.pad(PICTURE, [(px, px), (px, px), (0, 0)], mode=MODES[fill])

    np.testing.assert_array_equal(expected, augment_once("pad", PICTURE, px=px, fill=fill), strict=True)


@pytest.mark.parametrize("fill", MODES)
def test_a_border_of_a_single_pixel_has_its_colour(fill):
    padded = augment_once("pad", np.full((1, 1, 1), 7, np.uint8), px=2, fill=fill, value=7 / 255)

    np.testing.assert_array_equal(np.full((5, 5, 1), 7), padded)


def test_a_border_by_fractions_follows_each_side():
    assert (14, 21) == augment_once("pad", PICTURE, fraction=0.2).shape[:2]


def test_a_border_is_transparent_where_the_picture_has_transparency():
    picture = make_picture(channels=4)
    picture[:, :, 3] = 255

    padded = augment_once("pad", picture, has_alpha=True, px=1, value=1.0)

    assert 0 == padded[0].max()
    np.testing.assert_array_equal(picture, padded[1:-1, 1:-1])


@pytest.mark.parametrize("parameters", [{}, {"px": 1, "fraction": 0.1}])
def test_a_border_has_one_unit(parameters):
    with pytest.raises(ValidationError, match="`px` or `fraction`"):
        Pad(**parameters)


def test_a_picture_is_padded_to_a_size_around_the_centre():
    expected = np.pad(PICTURE, [(1, 2), (0, 0), (0, 0)])

    np.testing.assert_array_equal(expected, augment_once("pad_to", PICTURE, height=13, width=12))


def test_sides_that_cannot_be_moved_are_refused():
    with pytest.raises(LimitExceededError, match="32766"):
        augment_once("pad", np.zeros((1, 40000, 1), np.uint8), px=1)
