import numpy as np
import pytest
from PIL import Image

from app.decoding.geometry import fit_image, read_orientation, set_upright, turn_pixels, turn_size
from tests.pictures import make_image, make_pixels

RGB = make_pixels(height=6, width=8)


def test_the_long_side_is_cut_evenly():
    wide = np.zeros((4, 12, 3), np.uint8)
    wide[:, 4:8] = 255

    assert {255} == set(np.asarray(fit_image(make_image(wide), (4, 4))).ravel().tolist())


def test_a_fitting_image_is_left_alone():
    image = make_image(RGB)

    assert fit_image(image, (6, 8)) is image


def test_shrinking_averages_and_does_not_drop_lines():
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[:, ::2] = 255

    shrunk = np.asarray(fit_image(make_image(stripes), (8, 8)))[2:-2, 2:-2]

    assert np.abs(shrunk.astype(int) - 128).max() <= 4


def test_enlarging_is_smooth():
    edge = np.repeat(np.array([0, 0, 0, 0, 255, 255, 255, 255], np.uint8)[None], 8, axis=0)[:, :, None]

    enlarged = np.asarray(fit_image(make_image(edge), (32, 32)))[16]

    assert len(set(enlarged.tolist())) > 4
    assert np.all(np.diff(enlarged[8:24].astype(int)) >= -24)


def test_an_orientation_that_is_none_leaves_a_picture_as_it_is():
    image = Image.new("L", (2, 3))
    image.getexif()[0x0112] = 99

    assert 1 == read_orientation(image)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pixels_are_turned_as_pictures_are(orientation):
    image = make_image(RGB)
    image.getexif()[0x0112] = orientation

    turned = turn_pixels(RGB, orientation)

    assert np.array_equal(np.asarray(set_upright(image)), turned)
    assert turned.flags.c_contiguous
    assert turn_size((6, 8), orientation) == turned.shape[:2]
