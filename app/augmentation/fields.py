"""Fields: random numbers by a key, and smooth fields given by a few points, of elastic and grid distortions."""

from typing import Literal

import numpy as np

from app.augmentation.draws import F64, I64
from app.core.seeds import philox


def draw_uniform(keys: I64, words: int) -> F64:
    """Draw numbers in (0, 1) by the keys of fields.

    Args:
        keys: From ``draws.field_key``, shape (n,).
        words: Numbers per key; a longer draw starts with the shorter one.

    Returns:
        Shape (n, words).
    """
    blocks = -(-words // 4)
    counter = np.zeros((4, len(keys) * blocks), np.uint32)
    counter[0] = np.tile(np.arange(blocks, dtype=np.uint32), len(keys))
    wide = np.repeat(keys.astype(np.uint64), blocks)
    drawn = philox(counter, (wide & np.uint64(0xFFFFFFFF), wide >> np.uint64(32))).T
    return (drawn.reshape(len(keys), blocks * 4)[:, :words].astype(np.float64) + 0.5) * 2.0**-32


def sample_grid(grid: F64, points: F64, size: tuple[int, int], spline: Literal["linear", "cubic"]) -> F64:
    """Interpolate a field whose grid spans a picture from edge to edge; beyond, its edge goes on.

    Args:
        grid: Shape (rows, columns, 2).
        points: As (x, y) in pixels, shape (..., 2).
        size: Height and width of the picture.
        spline: Linear, or cubic after Catmull and Rom.

    Returns:
        Shape (..., 2).

    Source:
        Keys 1981, "Cubic convolution interpolation for digital image processing", equation 4 with a = -1/2.
    """
    rows, columns = grid.shape[:2]
    down, weights_down = _taps(points[..., 1] * ((rows - 1) / size[0]), rows, spline)
    across, weights_across = _taps(points[..., 0] * ((columns - 1) / size[1]), columns, spline)
    found = np.zeros(points.shape)
    for i in range(len(down)):
        line = np.zeros(points.shape)
        for j in range(len(across)):
            line += grid[down[i], across[j]] * weights_across[j][..., None]
        found += line * weights_down[i][..., None]
    return found


def _taps(places: F64, count: int, spline: str) -> tuple[list[I64], list[F64]]:
    """Return the grid's points beside each place, and their weights."""
    places = np.clip(places, 0, count - 1)
    base = np.minimum(np.floor(places), count - 2).astype(np.int64)
    t = places - base
    if spline == "linear":
        return [base, base + 1], [1 - t, t]
    weights = [
        ((-0.5 * t + 1) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1,
        ((-1.5 * t + 2) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]
    return [np.clip(base + offset, 0, count - 1) for offset in range(-1, 3)], weights
