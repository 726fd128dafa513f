"""The contact sheet that a version is published with: always the same samples in the same places.

Whoever loads the version can compute them again: the sheet is its golden record.
"""

import numpy as np
from numpy.typing import NDArray

SHEET_SEED = 0
PER_CLASS = 10
MAX_CLASSES = 16
UNCONDITIONAL = 64


def sheet_labels(num_classes: int) -> NDArray[np.int64] | None:
    """Return the class of each cell: ten in a row of each of the first classes; None without classes."""
    if num_classes == 0:
        return None
    return np.repeat(np.arange(min(num_classes, MAX_CLASSES)), PER_CLASS)


def sheet_columns(num_classes: int) -> int | None:
    """Return how many cells are in a row; None where the sheet is as near to square as it can be."""
    return PER_CLASS if num_classes else None


def count_cells(num_classes: int) -> int:
    """Return how many samples a sheet shows: numbers 0, 1, 2, … of its seed, row by row."""
    return min(num_classes, MAX_CLASSES) * PER_CLASS if num_classes else UNCONDITIONAL


def choose_cells(num_classes: int, most: int) -> NDArray[np.int64]:
    """Choose cells to compare, the first of every class before the second of any.

    Args:
        num_classes: Of the model; 0 when unconditional.
        most: How many, at most.
    """
    cells = np.arange(count_cells(num_classes))
    if num_classes:
        cells = cells.reshape(-1, PER_CLASS).T.ravel()
    return cells[:most]
