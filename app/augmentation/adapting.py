"""Pixels brought to where histograms of the picture say."""

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from app.augmentation.cpu import relevel
from app.augmentation.draws import I64
from app.augmentation.fitting import LevelCurve
from app.augmentation.frames import Pixels

_FEW, _MANY = 256, 65536
_EXACT = 2**24  # whole numbers that a float32 holds; OpenCV counts in these


def adapt(pixels: Pixels, fit: Callable[[Sequence[I64]], Sequence[LevelCurve]], *, has_alpha: bool) -> Pixels:
    """Map the levels of each channel by a curve of its own.

    Args:
        pixels: Shape (H, W, C).
        fit: Takes the histograms of all colours; returns as many curves.
        has_alpha: Whether the last channel is transparency, which stays; pixels without any opacity are not counted.

    Returns:
        A new picture; the same one where nothing is to be seen.
    """
    colours = pixels.shape[2] - has_alpha
    is_seen = pixels[:, :, -1] > 0 if has_alpha else None
    if is_seen is not None and not is_seen.any():
        return pixels
    channels = cv2.split(pixels)
    curves = fit([count_levels(one if is_seen is None else one[is_seen]) for one in channels[:colours]])
    mapped = [relevel(channels[c][:, :, None], curve, has_alpha=False) for c, curve in enumerate(curves)]
    return cv2.merge([*mapped, *channels[colours:]]).reshape(pixels.shape)


def count_levels(pixels: Pixels) -> I64:
    """Count how often each level occurs, of any shape: 256 of uint8, else 65,536."""
    if pixels.dtype == np.uint8 and pixels.size <= _EXACT:
        return cv2.calcHist([pixels], [0], None, [_FEW], [0, _FEW]).ravel().astype(np.int64)
    if pixels.dtype == np.float32:
        pixels = np.rint(np.clip(pixels, 0, 1) * np.float32(_MANY - 1)).astype(np.uint16)
    return np.bincount(pixels.ravel(), minlength=np.iinfo(pixels.dtype).max + 1)
