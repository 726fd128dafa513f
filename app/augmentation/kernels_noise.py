"""Noise on pixels, by OpenCV: random numbers from the bank times a gain, as float32, and one saturating sum.

Where pixels are whole numbers, noise is rounded to whole numbers before the sum, halves to even. Another device that
does the same gets the same pixels.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.augmentation.frames import Pixels
from app.augmentation.kernels import DEPTHS, WHITES, clip, level_of, over_colours
from app.augmentation.noise_bank import I16, SCALE, read_bank

F32 = NDArray[np.float32]

_MAX_TABLE = 256  # of OpenCV


def add_noise(pixels: Pixels, key: int, deviation: float, *, per_channel: bool, has_alpha: bool) -> Pixels:
    """Add normal noise.

    Args:
        pixels: Shape (H, W, C).
        key: Of the noise.
        deviation: Of the noise; white is 1.
        per_channel: Whether each channel has noise of its own.
        has_alpha: Whether the last channel is transparency.
    """
    gain = np.float32(deviation * WHITES[pixels.dtype] / SCALE)

    def add(colours: Pixels) -> Pixels:
        noise = _read(key, colours.shape, per_channel=per_channel).astype(np.float32)
        noise *= gain
        return _add(colours, noise)

    return over_colours(pixels, add, has_alpha=has_alpha)


def add_scaled_noise(
    pixels: Pixels, key: int, spread: Callable[[NDArray[Any]], NDArray[Any]], *, per_channel: bool, has_alpha: bool
) -> Pixels:
    """Add normal noise whose deviation hangs on the level.

    Args:
        pixels: Shape (H, W, C).
        key: Of the noise.
        spread: From levels to deviations; white is 1.
        per_channel: Whether each channel has noise of its own.
        has_alpha: Whether the last channel is transparency.
    """

    def add(colours: Pixels) -> Pixels:
        noise = _read(key, colours.shape, per_channel=per_channel).astype(np.float32)
        noise *= _spread(colours, spread)
        return _add(colours, noise)

    return over_colours(pixels, add, has_alpha=has_alpha)


def replace(pixels: Pixels, masks: list[tuple[NDArray[np.bool_], float]], *, has_alpha: bool) -> Pixels:
    """Set the colours of some pixels.

    Args:
        pixels: Shape (H, W, C).
        masks: Which pixels, shape (H, W), and their level.
        has_alpha: Whether the last channel is transparency.
    """

    def fill(colours: Pixels) -> Pixels:
        filled = colours.copy()
        for mask, level in masks:
            cv2.copyTo(np.full_like(filled, level_of(level, filled.dtype)), mask.view(np.uint8), filled)
        return filled

    return over_colours(pixels, fill, has_alpha=has_alpha)


def _read(key: int, shape: tuple[int, ...], *, per_channel: bool) -> I16:
    """Read noise for each number, or for each pixel."""
    if per_channel or shape[2] == 1:
        return read_bank(key, shape)
    plane = read_bank(key, shape[:2])
    return np.asarray(cv2.merge([plane] * shape[2]), np.int16).reshape(shape)


def _spread(colours: Pixels, spread: Callable[[NDArray[Any]], NDArray[Any]]) -> F32:
    """Return the deviation at each number, for numbers of the table."""
    white = WHITES[colours.dtype]
    if colours.dtype.kind == "f":
        return np.asarray(spread(colours), np.float32) / np.float32(SCALE)
    table = (spread(np.arange(white + 1) / white) * (white / SCALE)).astype(np.float32)
    if len(table) > _MAX_TABLE:
        return table[colours]
    return np.asarray(cv2.LUT(colours, table), np.float32).reshape(colours.shape)


def _add(colours: Pixels, noise: F32) -> Pixels:
    flat = colours.shape[0], -1
    total = cv2.add(colours.reshape(flat), noise.reshape(flat), dtype=DEPTHS[colours.dtype])
    return clip(total).reshape(colours.shape)
