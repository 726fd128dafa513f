"""Squared Euclidean distances between many rows, a block at a time, so that memory stays bounded."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from app.evaluation.arrays import Features

BLOCK_ENTRIES = 2**22  # 32 MiB of float64

Distances = Float64[np.ndarray, " n"]
Block = Float64[np.ndarray, "rows columns"]


def squared_norms(rows: Features) -> Distances:
    """Return each row's squared length."""
    norms: Distances = np.einsum("nd,nd->n", rows, rows)
    return norms


def squared_distance_blocks(
    rows: Float64[np.ndarray, "n d"], columns: Float64[np.ndarray, "m d"]
) -> Iterator[tuple[slice, Block]]:
    """Yield the squared distances from some rows to all columns, until every row was covered once.

    From products, ``|x|^2 + |y|^2 - 2 xy``: the error is a few units of float64 rounding of the squared lengths, so
    rows far from the origin should be centred first. The caller may overwrite a block.

    Args:
        rows: Points whose distances are wanted.
        columns: Points that they are measured to.
    """
    column_norms = squared_norms(columns)
    step = max(1, BLOCK_ENTRIES // max(1, len(columns)))
    for start in range(0, len(rows), step):
        part = slice(start, min(start + step, len(rows)))
        block = rows[part] @ columns.T
        block *= -2.0
        block += squared_norms(rows[part])[:, None]
        block += column_norms
        yield part, np.maximum(block, 0.0, out=block)


def squared_neighbour_distances(rows: Features, neighbours: int) -> Distances:
    """Return each row's squared distance to its k-th nearest other row.

    Args:
        rows: Points.
        neighbours: k, at least 1 and below the number of rows.
    """
    radii = np.empty(len(rows))
    for part, block in squared_distance_blocks(rows, rows):
        local = np.arange(part.stop - part.start)
        block[local, local + part.start] = np.inf
        block.partition(neighbours - 1, axis=1)
        radii[part] = block[:, neighbours - 1]
    return radii
