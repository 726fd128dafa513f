"""Shapes of blurs: what one point of a picture becomes."""

import math

import numpy as np

from app.augmentation.draws import F64

_REACH = 4
"""Standard deviations at which a bell ends: it leaves out 6e-5 of itself."""


def draw_bell(deviation: float) -> F64:
    """Return a normal distribution, sampled, in one direction.

    Args:
        deviation: In pixels, above 0.

    Returns:
        An odd count of weights with sum 1.
    """
    reach = max(1, math.ceil(_REACH * deviation))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    return np.asarray(weights / weights.sum())


def draw_line(length: float, degrees: float) -> F64:
    """Return a line through the middle, one pixel wide.

    Args:
        length: In pixels, at least 1.
        degrees: Direction, counter-clockwise from the horizontal as seen.

    Returns:
        Weights with sum 1, shape (side, side), side odd.
    """
    x, y = _around(math.ceil((length - 1) / 2))
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    along, across = np.abs(x * cos - y * sin), np.abs(x * sin + y * cos)
    weights = np.clip((length + 1) / 2 - along, 0, 1) * np.clip(1 - across, 0, 1)
    return np.asarray(weights / weights.sum())


def draw_disc(radius: float) -> F64:
    """Return a disc with a soft rim, one pixel wide.

    Args:
        radius: In pixels, at least 0.

    Returns:
        Weights with sum 1, shape (side, side), side odd.
    """
    x, y = _around(math.ceil(radius))
    weights = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1)
    return np.asarray(weights / weights.sum())


def draw_sharpening(factor: float) -> F64:
    """Return the difference of a picture from a smoother one, so many times, and the smoother one, shape (3, 3).

    Args:
        factor: The smoother one for 0, the picture for 1, a sharper one above.
    """
    smooth = np.ones((3, 3))
    smooth[1, 1] = 5
    weights = smooth * ((1 - factor) / 13)
    weights[1, 1] += factor
    return weights


def _around(reach: int) -> tuple[F64, F64]:
    """Return coordinates around the middle, rightwards (1, side) and downwards (side, 1)."""
    line = np.arange(-reach, reach + 1, dtype=np.float64)
    return line[None, :], line[:, None]
