"""Fields: random numbers by a key, and smooth fields given by a few points, of elastic and grid distortions."""

import numpy as np

from app.augmentation.draws import F64, I64
from app.augmentation.primitives import Spline
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


def sample_grid(grid: F64, points: F64, size: tuple[int, int], spline: Spline) -> F64:
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
    flat = np.ascontiguousarray(grid.reshape(-1, 2).T)
    down, weights_down = _taps(points[..., 1] * ((rows - 1) / size[0]), rows, spline)
    across, weights_across = _taps(points[..., 0] * ((columns - 1) / size[1]), columns, spline)
    found = np.zeros((2, *points.shape[:-1]))
    for i in range(len(down)):
        first = down[i] * columns
        for j in range(len(across)):
            weights = weights_down[i] * weights_across[j]
            for axis in (0, 1):
                found[axis] += flat[axis].take(first + across[j]) * weights
    return np.moveaxis(found, 0, -1)


def sample_lattice(grid: F64, xs: F64, ys: F64, size: tuple[int, int], spline: Spline) -> F64:
    """Interpolate the same field at all crossings of columns and rows: two products of matrices.

    Args:
        grid: Shape (rows, columns, 2).
        xs: Of the columns, in pixels, shape (w,).
        ys: Of the rows, in pixels, shape (h,).
        size: Height and width of the picture.
        spline: As in ``sample_grid``.

    Returns:
        Shape (h, w, 2).
    """
    rows, columns = grid.shape[:2]
    down = _weigh(ys * ((rows - 1) / size[0]), rows, spline)
    across = _weigh(xs * ((columns - 1) / size[1]), columns, spline)
    return np.stack([down @ grid[:, :, axis] @ across.T for axis in (0, 1)], axis=2)


def _weigh(places: F64, count: int, spline: Spline) -> F64:
    """Return the weights of all points of a line at each place, shape (n, count)."""
    weights, rows = np.zeros((len(places), count)), np.arange(len(places))
    for taps, shares in zip(*_taps(places, count, spline), strict=True):
        weights[rows, taps] += shares
    return weights


def _taps(places: F64, count: int, spline: Spline) -> tuple[list[I64], list[F64]]:
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
