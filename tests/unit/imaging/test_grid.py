import io

import numpy as np
import pytest
from PIL import Image

from app.imaging.grid import BACKGROUND, GAP_PX, cut_sheet, draw_sheet, encode_grid, sheet_bytes, sheet_shape


@pytest.mark.parametrize(
    ("num_images", "size", "expected"),
    [(1, 28, (1, 1, 4)), (64, 28, (8, 8, 4)), (1024, 28, (32, 32, 1)), (10, 28, (3, 4, 4)), (2, 1024, (1, 2, 1))],
)
def test_sheets_are_nearly_square_and_small_images_are_enlarged(num_images, size, expected):
    assert expected == sheet_shape(num_images, size, size)


def test_images_keep_their_pixels_between_gaps():
    images = np.stack([np.full((28, 28, 3), value, dtype=np.uint8) for value in (10, 200, 30)])

    sheet = draw_sheet(images)

    cell = 28 * 4 + GAP_PX
    assert (2 * cell + GAP_PX, 2 * cell + GAP_PX, 3) == sheet.shape
    assert (10, 200, 30) == tuple(
        sheet[y, x, 0] for y, x in ((GAP_PX, GAP_PX), (GAP_PX, cell + GAP_PX), (cell + GAP_PX, GAP_PX))
    )
    assert (BACKGROUND, BACKGROUND) == (sheet[0, 0, 0], sheet[-GAP_PX - 1, -GAP_PX - 1, 0])


def test_the_size_of_a_sheet_is_known_before_it_is_drawn():
    images = np.zeros((5, 9, 30, 1), dtype=np.uint8)

    assert draw_sheet(images).nbytes == sheet_bytes(*images.shape)


@pytest.mark.parametrize("columns", [None, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_cut_out_of_their_sheet_again(columns, channels):
    images = np.random.default_rng(0).integers(0, 256, size=(8, 28, 20, channels), dtype=np.uint8)

    sheet = draw_sheet(images, columns=columns)

    chosen = cut_sheet(sheet, [7, 0, 3], num_images=8, image=(28, 20), columns=columns)
    assert np.array_equal(images[[7, 0, 3]], chosen)


def test_a_sheet_of_another_size_is_not_cut():
    sheet = draw_sheet(np.zeros((8, 28, 20, 1), np.uint8))

    assert None is cut_sheet(sheet, [0], num_images=64, image=(28, 20))


def test_a_grid_is_a_marked_png():
    image = Image.open(io.BytesIO(encode_grid(np.zeros((4, 8, 8, 1), dtype=np.uint8), '{"seed":1}')))

    assert ("PNG", '{"seed":1}') == (image.format, image.info["fount"])
