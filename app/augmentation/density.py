"""How much of a picture becomes one pixel, and how much of that is averaged before pixels are interpolated."""

import numpy as np

from app.augmentation.draws import F64, I64


def count_boxes(footprints: F64) -> I64:
    """Return how many pixels across and down become one: powers of two, alike unless one is twice the other.

    Args:
        footprints: Shape (..., 2).
    """
    logs = np.log2(np.maximum(footprints, 1.0))
    is_alike = np.abs(logs[..., :1] - logs[..., 1:]) <= 1
    chosen = np.where(is_alike, logs.mean(axis=-1, keepdims=True), logs)
    return np.asarray(2 ** np.rint(chosen), np.int64)
