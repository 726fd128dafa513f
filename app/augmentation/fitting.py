"""Curves that bring the levels of a channel to where its own histogram says.

A histogram counts the 256 levels of uint8, else 65,536, shape (256 or 65536,); its curve takes levels from 0 to 1.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from app.augmentation.colouring import luma_weights
from app.augmentation.draws import F64, I64

LevelCurve: TypeAlias = Callable[[F64], F64]


def fit_equal(counts: I64) -> LevelCurve:
    """Make levels about as frequent as each other: the darkest that occurs becomes black, the lightest white.

    Source:
        Gonzalez and Woods 2018, "Digital Image Processing", equation 3-15, less the pixels of the darkest level.
    """
    white = len(counts) - 1
    until = np.cumsum(counts)
    darkest = counts[counts > 0][0]
    others = int(until[-1] - darkest)
    if others == 0:
        return _keep
    numbers = (2 * white * (until - darkest) + others) // (2 * others)
    return partial(_look_up, np.clip(numbers, 0, white) / white)


def fit_stretch(counts: I64, cutoff: float) -> LevelCurve:
    """Make the darkest level black and the lightest white.

    Args:
        counts: Histogram.
        cutoff: Fraction of the pixels that is left out at either end, in [0, 0.5).
    """
    white = len(counts) - 1
    left_out = int(cutoff * int(counts.sum()))
    low = int(np.searchsorted(np.cumsum(counts), left_out, side="right"))
    high = white - int(np.searchsorted(np.cumsum(counts[::-1]), left_out, side="right"))
    if high <= low:
        return _keep
    return partial(_scale, white / (high - low), -low / (high - low))


def fit_normal(counts: I64, mean: float, deviation: float) -> LevelCurve:
    """Bring mean and standard deviation to given ones; a channel of one level takes the mean only."""
    before = mean_of(counts)
    spread = float(np.sqrt(((_levels(counts) - before) ** 2 * counts).sum() / counts.sum()))
    factor = deviation / spread if spread > 0 else 1.0
    return partial(_scale, factor, mean - factor * before)


def fit_contrast(counts: Sequence[I64], factor: float) -> LevelCurve:
    """Bring levels away from the mean grey of all channels, or to it."""
    grey = float(luma_weights(len(counts)) @ np.array([mean_of(each) for each in counts]))
    return partial(_scale, factor, grey - factor * grey)


def mean_of(counts: I64) -> float:
    """Return the mean level, from 0 to 1."""
    return float((_levels(counts) * counts).sum() / counts.sum())


def _levels(counts: I64) -> F64:
    return np.arange(len(counts)) / (len(counts) - 1)


def _keep(levels: F64) -> F64:
    return levels


def _scale(factor: float, shift: float, levels: F64) -> F64:
    return factor * levels + shift


def _look_up(table: F64, levels: F64) -> F64:
    white = len(table) - 1
    return np.asarray(table[np.rint(np.clip(levels, 0, 1) * white).astype(np.intp)])
