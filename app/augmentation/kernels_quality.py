"""Pictures made worse by codecs and small sizes."""

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from app.augmentation.frames import RGB, Pixels
from app.augmentation.kernels import WHITES, by_planes, over_colours, over_neighbours

_BYTE = np.dtype(np.uint8)
_HALF_CHROMA = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420


def code_jpeg(pixels: Pixels, quality: int, *, has_alpha: bool) -> Pixels:
    """Encode a picture as JPEG with chroma at half the size (4:2:0), and decode it.

    Three colours are coded as red, green and blue, others each as a grey picture. Deep pixels keep their own levels,
    and get the error that the codec makes on their 8 bits.

    Args:
        pixels: Shape (H, W, C).
        quality: In [1, 100].
        has_alpha: Whether the last channel is transparency.
    """
    return over_colours(pixels, lambda colours: _code_deep(colours, quality), has_alpha=has_alpha)


def _code_deep(pixels: Pixels, quality: int) -> Pixels:
    if pixels.dtype == _BYTE:
        return _code(pixels, quality)
    white = WHITES[pixels.dtype]
    levels = pixels.astype(np.float32) / np.float32(white)
    shallow = np.rint(np.clip(levels, 0, 1) * 255).astype(np.uint8)
    levels += (_code(shallow, quality).astype(np.float32) - shallow) / np.float32(255)
    np.clip(levels, 0, 1, out=levels)
    return levels if pixels.dtype.kind == "f" else np.rint(levels * np.float32(white)).astype(pixels.dtype)


def _code(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    if pixels.shape[2] == RGB:
        swapped = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
        coded = _code_image(swapped, quality, cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(coded, cv2.COLOR_BGR2RGB), np.uint8)
    planes = [np.ascontiguousarray(pixels[:, :, c]) for c in range(pixels.shape[2])]
    return np.stack([_code_image(plane, quality, cv2.IMREAD_GRAYSCALE) for plane in planes], axis=2)


def _code_image(image: NDArray[Any], quality: int, kind: int) -> NDArray[Any]:
    """Encode and decode, both with the discrete cosine transform that is exact but for rounding."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, _HALF_CHROMA]
    _, data = cv2.imencode(".jpg", image, options)
    return np.asarray(cv2.imdecode(data, kind))


def shrink_and_enlarge(
    pixels: Pixels, factor: float, interpolation: Literal["nearest", "linear"], *, has_alpha: bool
) -> Pixels:
    """Shrink a picture, and enlarge it again.

    Args:
        pixels: Shape (H, W, C).
        factor: The small picture's size, in (0, 1].
        interpolation: With ``linear``, a pixel of the small picture is the mean of what it covers.
        has_alpha: Whether the last channel is transparency.
    """
    height, width = pixels.shape[:2]
    small = max(1, round(height * factor)), max(1, round(width * factor))
    if small == (height, width):
        return pixels
    if interpolation == "nearest":
        rows, columns = _through(height, small[0]), _through(width, small[1])
        return np.ascontiguousarray(pixels.take(rows, axis=0).take(columns, axis=1))
    return over_neighbours(pixels, lambda part: _smooth(part, small), has_alpha=has_alpha)


def fill_blocks(pixels: Pixels, side: int, *, has_alpha: bool) -> Pixels:
    """Give the pixels of each square block their mean; edge pixels are repeated in blocks that end beyond.

    Args:
        pixels: Shape (H, W, C).
        side: Of a block.
        has_alpha: Whether the last channel is transparency.
    """
    if side == 1:
        return pixels
    return over_neighbours(pixels, lambda part: _fill_blocks(part, side), has_alpha=has_alpha)


def _fill_blocks(pixels: Pixels, side: int) -> Pixels:
    height, width = pixels.shape[:2]
    below, beside = -height % side, -width % side
    whole = by_planes(pixels, lambda part: cv2.copyMakeBorder(part, 0, below, 0, beside, cv2.BORDER_REPLICATE))
    small = (width + beside) // side, (height + below) // side
    means = by_planes(whole, lambda part: cv2.resize(part, small, interpolation=cv2.INTER_AREA))
    enlarged = by_planes(means, lambda part: cv2.resize(part, whole.shape[1::-1], interpolation=cv2.INTER_NEAREST))
    return np.ascontiguousarray(enlarged[:height, :width])


def _smooth(pixels: Pixels, small: tuple[int, int]) -> Pixels:
    size = pixels.shape[1::-1]
    shrunk = by_planes(pixels, lambda part: cv2.resize(part, small[::-1], interpolation=cv2.INTER_AREA))
    return by_planes(shrunk, lambda part: cv2.resize(part, size, interpolation=cv2.INTER_LINEAR))


def _through(size: int, small: int) -> NDArray[np.int64]:
    """Return which pixel each of ``size`` becomes through a line of ``small``, by the nearest both ways."""
    shrunk = _nearest(small, size)
    return shrunk[_nearest(size, small)]


def _nearest(count: int, size: int) -> NDArray[np.int64]:
    """Return which of ``size`` pixels are nearest to ``count`` that span as much."""
    return np.asarray((2 * np.arange(count) + 1) * size // (2 * count), np.int64)
