"""Pixels brought to where histograms of the picture say."""

from collections.abc import Callable, Sequence

import numpy as np

from app.augmentation.cpu import relevel
from app.augmentation.draws import I64
from app.augmentation.fitting import LevelCurve
from app.augmentation.frames import Pixels

_MANY = 65536


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
    channels = [np.ascontiguousarray(pixels[:, :, [number]]) for number in range(colours)]
    curves = fit([count_levels(channel[:, :, 0] if is_seen is None else channel[is_seen]) for channel in channels])
    mapped = [relevel(channel, curve, has_alpha=False) for channel, curve in zip(channels, curves, strict=True)]
    return np.concatenate([*mapped, pixels[:, :, colours:]], axis=2)


def count_levels(pixels: Pixels) -> I64:
    """Count how often each level occurs, of any shape: 256 of uint8, else 65,536."""
    if pixels.dtype == np.float32:
        pixels = np.rint(np.clip(pixels, 0, 1) * np.float32(_MANY - 1)).astype(np.uint16)
    return np.bincount(pixels.ravel(), minlength=np.iinfo(pixels.dtype).max + 1)
