"""JPEG by libjpeg-turbo itself, without Pillow between: the same pixels in less time. Runs in children only."""

from typing import Final

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

SCALES: Final = (8, 4, 2)
_SPACES: Final = {"L": "GRAY", "RGB": "RGB"}


def choose_scale(size: tuple[int, int], enough: tuple[int, int]) -> int:
    """Choose at which part of its size a picture may be decoded: 1, 2, 4 or 8 of its pixels become one.

    Args:
        size: Height and width, each at least 1.
        enough: Height and width, each at least 1, that it must not fall below.
    """
    most = min(size[0] // enough[0], size[1] // enough[1])
    return next((scale for scale in SCALES if scale <= most), 1)


def decode_jpeg(image: Image.Image, data: bytes, scale: int) -> NDArray[np.uint8] | None:
    """Decode a grey or RGB file.

    Args:
        image: What Pillow read of its header.
        data: The whole file.
        scale: 1, 2, 4 or 8.

    Returns:
        Pixels (H, W, C) as they are stored, neither turned nor converted; None where the file is of another colour
        space, or something in it is not as it should be: Pillow then says what it thinks of that.
    """
    space = _SPACES.get(image.mode)
    if space is None:
        return None
    height, width = -(-image.height // scale), -(-image.width // scale)
    try:
        pixels = simplejpeg.decode_jpeg(data, space, min_height=height, min_width=width)
    except ValueError:
        return None
    return pixels if pixels.shape[:2] == (height, width) else None
