"""Pictures blurred and sharpened by OpenCV. Beyond its edges a picture is mirrored, the last pixel not repeated."""

import cv2
import numpy as np

from app.augmentation.draws import F64
from app.augmentation.frames import Pixels
from app.augmentation.kernel_shapes import draw_bell
from app.augmentation.kernels import by_planes, clip, over_colours, over_neighbours

_TINY = 0.1  # a bell of this deviation leaves all but 1e-21 where it is


def blur_bell(pixels: Pixels, deviation: float, *, has_alpha: bool) -> Pixels:
    """Blur by a normal distribution.

    Args:
        pixels: Shape (H, W, C).
        deviation: In pixels.
        has_alpha: Whether the last channel is transparency.
    """
    if deviation < _TINY:
        return pixels
    bell = draw_bell(deviation).astype(
        np.float32
    )  # twice as fast as OpenCV's own blur, and as exact as rounding allows
    return over_neighbours(
        pixels, lambda part: clip(cv2.sepFilter2D(part, -1, bell, bell).reshape(part.shape)), has_alpha=has_alpha
    )


def blur_box(pixels: Pixels, radius: int, *, has_alpha: bool) -> Pixels:
    """Blur by the mean of a square.

    Args:
        pixels: Shape (H, W, C).
        radius: Pixels from the middle to the edge; the side is twice as long, and one.
        has_alpha: Whether the last channel is transparency.
    """
    side = 2 * radius + 1
    return over_neighbours(
        pixels, lambda part: clip(cv2.blur(part, (side, side)).reshape(part.shape)), has_alpha=has_alpha
    )


def blur_shape(pixels: Pixels, shape: F64, *, has_alpha: bool) -> Pixels:
    """Blur by a shape that is the same upside down.

    Args:
        pixels: Shape (H, W, C).
        shape: What a point becomes, with sum 1, shape (side, side), side odd.
        has_alpha: Whether the last channel is transparency.
    """
    return over_neighbours(pixels, lambda part: _convolve(part, shape), has_alpha=has_alpha)


def sharpen(pixels: Pixels, weights: F64, *, has_alpha: bool) -> Pixels:
    """Weigh the neighbours of each colour.

    Args:
        pixels: Shape (H, W, C).
        weights: Shape (3, 3).
        has_alpha: Whether the last channel is transparency.
    """
    return over_colours(pixels, lambda part: _convolve(part, weights), has_alpha=has_alpha)


def take_median(pixels: Pixels, side: int, *, has_alpha: bool) -> Pixels:
    """Take the median of a square, of each colour by itself; edge pixels are repeated.

    Args:
        pixels: Shape (H, W, C).
        side: Of the square, odd; at most 5 where pixels are not uint8.
        has_alpha: Whether the last channel is transparency.
    """
    if side == 1:
        return pixels
    return over_colours(pixels, lambda part: by_planes(part, lambda plane: _median(plane, side)), has_alpha=has_alpha)


def _median(pixels: Pixels, side: int) -> Pixels:
    """Take the median, of channels that OpenCV knows as a picture: one, three or four."""
    if pixels.ndim == 3 and pixels.shape[2] == 2:  # noqa: PLR2004 - height, width, channel
        return np.stack([cv2.medianBlur(np.ascontiguousarray(pixels[:, :, c]), side) for c in range(2)], axis=2)
    return cv2.medianBlur(pixels, side)


def _convolve(pixels: Pixels, weights: F64) -> Pixels:
    return clip(cv2.filter2D(pixels, -1, weights.astype(np.float32)).reshape(pixels.shape))
