"""What the functions of OpenCV share that change pixels in place; imported only where pixels are computed."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.augmentation.frames import WHITE, Pixels
from app.augmentation.resampling import MAX_CHANNELS, through_alpha

DEPTHS: dict[np.dtype[Any], int] = {
    np.dtype(np.uint8): cv2.CV_8U,
    np.dtype(np.uint16): cv2.CV_16U,
    np.dtype(np.float32): cv2.CV_32F,
}
"""OpenCV's numbers of the kinds of pixels. The name of a kind is slow to come by."""
WHITES = {kind: WHITE[kind.name] for kind in DEPTHS}


def over_colours(pixels: Pixels, function: Callable[[Pixels], Pixels], *, has_alpha: bool) -> Pixels:
    """Apply a function to the colours; transparency stays.

    Args:
        pixels: Shape (H, W, C).
        function: Takes and returns contiguous pixels.
        has_alpha: Whether the last channel is transparency.
    """
    if not has_alpha:
        return function(pixels if pixels.flags.c_contiguous else np.ascontiguousarray(pixels))
    return np.concatenate([function(np.ascontiguousarray(pixels[:, :, :-1])), pixels[:, :, -1:]], axis=2)


def over_neighbours(pixels: Pixels, function: Callable[[Pixels], Pixels], *, has_alpha: bool) -> Pixels:
    """Apply a function that mixes neighbours; hidden colours stay hidden, and transparency is mixed like colours."""
    return through_alpha(pixels, function) if has_alpha else function(np.ascontiguousarray(pixels))


def by_planes(pixels: Pixels, function: Callable[[Pixels], NDArray[Any]]) -> Pixels:
    """Apply a function of OpenCV that knows four channels at most, and drops a single one."""
    if pixels.shape[2] <= MAX_CHANNELS:
        done = function(pixels)
        return done.reshape(*done.shape[:2], pixels.shape[2])
    return np.stack([function(np.ascontiguousarray(pixels[:, :, c])) for c in range(pixels.shape[2])], axis=2)


def clip(pixels: Pixels) -> Pixels:
    """Keep levels of float32 in their range, where the last bit may leave it; whole numbers cannot."""
    return np.clip(pixels, 0, 1, out=pixels) if pixels.dtype.kind == "f" else pixels


def level_of(level: float, kind: np.dtype[Any]) -> float:
    """Return a level, white is 1, as a pixel has it."""
    return level if kind.kind == "f" else round(level * WHITES[kind])
