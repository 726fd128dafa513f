"""Contact sheets: many samples in one picture, enlarged so that small ones can be judged by eye."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

GAP_PX = 2
BACKGROUND = 40
MAX_SCALE = 4
TARGET_PX = 1024
MAX_SHEET_BYTES = 192 * 2**20


def sheet_shape(num_images: int, height: int, width: int, columns: int | None = None) -> tuple[int, int, int]:
    """Lay out a sheet, as near to square as the images allow where the number of columns is not given.

    Args:
        num_images: How many images, at least 1.
        height: Height of one image, in pixels.
        width: Width of one image, in pixels.
        columns: Images per row, at least 1.

    Returns:
        Rows, columns, and the whole-number factor by which images are enlarged.
    """
    if columns is None:
        columns = max(math.ceil(math.sqrt(num_images * height / width)), 1)
    columns = min(columns, num_images)
    rows = -(-num_images // columns)
    room = TARGET_PX // max(rows * height, columns * width)
    return rows, columns, min(max(room, 1), MAX_SCALE)


def sheet_bytes(num_images: int, height: int, width: int, channels: int) -> int:
    """Return how many bytes the pixels of a sheet take, so that too large a one is refused before it is computed."""
    rows, columns, scale = sheet_shape(num_images, height, width)
    return (rows * (height * scale + GAP_PX) + GAP_PX) * (columns * (width * scale + GAP_PX) + GAP_PX) * channels


def draw_sheet(images: Pixels, *, columns: int | None = None) -> Pixels:
    """Draw a contact sheet, row by row.

    Args:
        images: Shape (n, h, w, c), at least one image.
        columns: Images per row, for example one row per class.

    Returns:
        The sheet; images are enlarged by repeating pixels, with thin gaps between them.
    """
    num_images, height, width, channels = images.shape
    rows, columns, scale = sheet_shape(num_images, height, width, columns)
    tall, wide = height * scale, width * scale
    sheet = np.full(
        (rows * (tall + GAP_PX) + GAP_PX, columns * (wide + GAP_PX) + GAP_PX, channels), BACKGROUND, dtype=np.uint8
    )
    for number, image in enumerate(images):
        row, column = divmod(number, columns)
        top, left = GAP_PX + row * (tall + GAP_PX), GAP_PX + column * (wide + GAP_PX)
        sheet[top : top + tall, left : left + wide] = image.repeat(scale, axis=0).repeat(scale, axis=1)
    return sheet


def cut_sheet(
    sheet: Pixels, numbers: Sequence[int], *, num_images: int, image: tuple[int, int], columns: int | None = None
) -> Pixels | None:
    """Take images out of a contact sheet.

    Args:
        sheet: What ``draw_sheet`` drew, shape (h, w, c).
        numbers: Which images, at least one.
        num_images: How many are on it.
        image: Height and width of one, in pixels.
        columns: As for ``draw_sheet``.

    Returns:
        The images, shape (n, height, width, c); None if a sheet of so many images has another size.
    """
    height, width = image
    rows, columns, scale = sheet_shape(num_images, height, width, columns)
    tall, wide = height * scale, width * scale
    if sheet.shape[:2] != (rows * (tall + GAP_PX) + GAP_PX, columns * (wide + GAP_PX) + GAP_PX):
        return None
    places = [divmod(number, columns) for number in numbers]
    corners = [(GAP_PX + row * (tall + GAP_PX), GAP_PX + column * (wide + GAP_PX)) for row, column in places]
    return np.stack([sheet[top : top + tall : scale, left : left + wide : scale] for top, left in corners])


def encode_grid(images: Pixels, mark: str, *, columns: int | None = None) -> bytes:
    """Draw a contact sheet and encode it as PNG, marked as synthetic."""
    from app.imaging.codec import encode_png  # noqa: PLC0415 - the client draws sheets, and has no compressors

    return encode_png(draw_sheet(images, columns=columns), mark)
