"""Pictures upright, and fitted to a size."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

# Antialiased when shrinking, little ringing when enlarging line art, and the filter of the usual FID protocols.
FILTER: Final = Image.Resampling.BICUBIC

UPRIGHT: Final = 1
_ORIENTATION_TAG: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PIXEL_TURNS: Final[Mapping[int, Callable[[Any], Any]]] = {
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: pixels.swapaxes(0, 1)[:, ::-1],
    7: lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    8: lambda pixels: pixels.swapaxes(0, 1)[::-1],
}
_SIDEWAYS: Final = 5  # from here on, rows become columns


def read_orientation(image: Image.Image) -> int:
    """Return how a picture is to be turned, 1 to 8 as in EXIF; 1 where the file does not say, or says nonsense."""
    orientation = image.getexif().get(_ORIENTATION_TAG, UPRIGHT)
    return orientation if orientation in _TURNS else UPRIGHT


def set_upright(image: Image.Image) -> Image.Image:
    """Turn a picture as its file says."""
    turn = _TURNS.get(read_orientation(image))
    return image.transpose(turn) if turn is not None else image


def turn_pixels(pixels: Pixels, orientation: int) -> Pixels:
    """Turn pixels (H, W, C) that are stored with this orientation, 1 to 8, as ``set_upright`` turns a picture."""
    turn = _PIXEL_TURNS.get(orientation)
    if turn is None:
        return pixels
    turned: Pixels = np.ascontiguousarray(turn(pixels))
    return turned


def turn_size(size: tuple[int, int], orientation: int) -> tuple[int, int]:
    """Return height and width once turned; and, of what is upright, as they are stored."""
    return size if orientation < _SIDEWAYS else (size[1], size[0])


def fit_image(image: Image.Image, image_size: tuple[int, int]) -> Image.Image:
    """Scale the short side to the wanted size and cut the centre out of the long one, in a single resampling."""
    height, width = image_size
    if image.size == (width, height):
        return image
    scale = max(width / image.width, height / image.height)
    box_width, box_height = min(width / scale, image.width), min(height / scale, image.height)
    left, top = (image.width - box_width) / 2, (image.height - box_height) / 2
    right, bottom = min(left + box_width, image.width), min(top + box_height, image.height)
    return image.resize((width, height), FILTER, box=(left, top, right, bottom))


def draft_for(image: Image.Image, image_size: tuple[int, int]) -> None:
    """Let a JPEG shrink while it decodes, to no less than twice what the filter will make of it."""
    image.draft(None, (2 * max(image_size), 2 * max(image_size)))
