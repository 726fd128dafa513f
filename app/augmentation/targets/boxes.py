"""Boxes whose edges are followed: outlines, what is left inside of a frame, and what windows hide."""

import numpy as np

from app.augmentation.draws import F64
from app.augmentation.targets.documents import Size

_CORNERS = 4
_SPACING = 4
"""Pixels."""
_MOST_POINTS = 2**15
_MOST_PER_EDGE, _LEAST_PER_EDGE = 64, 4
_TINY = 1e-9


def outline(boxes: F64, per_edge: int = 1) -> F64:
    """Return points on the edges of boxes.

    Args:
        boxes: As (left, top, right, bottom), shape (n, 4).
        per_edge: Points, the corner at one end included.

    Returns:
        Shape (n, 4 * per_edge, 2).
    """
    return _divide(boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]], per_edge)


def refine(outlines: F64) -> F64:
    """Return outlines with enough points to follow edges that bend; those that have them stay."""
    if outlines.shape[1] > _CORNERS or not len(outlines):
        return outlines
    longest = np.abs(np.roll(outlines, -1, axis=1) - outlines).max()
    most = min(_MOST_PER_EDGE, _MOST_POINTS // (_CORNERS * len(outlines)))
    return _divide(outlines, int(np.clip(np.ceil(longest / _SPACING), _LEAST_PER_EDGE, max(most, _LEAST_PER_EDGE))))


def hull(outlines: F64) -> F64:
    """Return the upright boxes around outlines, shape (n, 4)."""
    return np.concatenate([outlines.min(axis=1), outlines.max(axis=1)], axis=1)


def areas(boxes: F64) -> F64:
    """Return the areas of boxes, shape (n,)."""
    return np.asarray(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1))


def cut(outlines: F64, visibilities: F64, size: Size) -> tuple[F64, F64]:
    """Cut what has moved to its frame.

    Args:
        outlines: Shape (n, points, 2).
        visibilities: What share of each is seen without the cut, shape (n,).
        size: Of the frame.

    Returns:
        Outlines, of the upright box where a part is cut off, and visibilities.
    """
    whole = hull(outlines)
    part = np.clip(whole, 0, np.tile(size[::-1], 2))
    return _replace(outlines, visibilities, part, areas(part))


def uncover(outlines: F64, visibilities: F64, window: F64, covers: F64) -> tuple[F64, F64]:
    """Cut what has moved to a window, less what lies above.

    Args:
        outlines: Shape (n, points, 2).
        visibilities: What share of each is seen without the cut, shape (n,).
        window: As (left, top, right, bottom), shape (4,).
        covers: Windows above it, shape (m, 4).

    Returns:
        Outlines, of the upright box around what is left where a part is cut off, and visibilities.
    """
    seen = [_see(box, window, covers) for box in hull(outlines)]
    part = np.array([box for box, _ in seen]).reshape(-1, 4)
    return _replace(outlines, visibilities, part, np.array([area for _, area in seen]))


def _divide(outlines: F64, per_edge: int) -> F64:
    """Divide each line of outlines into so many."""
    along = (np.arange(per_edge) / per_edge)[:, None]
    starts, ends = outlines[:, :, None], np.roll(outlines, -1, axis=1)[:, :, None]
    return np.asarray((starts + along * (ends - starts)).reshape(len(outlines), outlines.shape[1] * per_edge, 2))


def _replace(outlines: F64, visibilities: F64, part: F64, seen: F64) -> tuple[F64, F64]:
    """Put boxes in the place of the outlines of which less is seen."""
    whole = areas(hull(outlines))
    is_cut = seen < whole * (1 - _TINY)
    shares = np.divide(seen, whole, out=np.ones(len(whole)), where=is_cut)
    kept = np.where(is_cut[:, None, None], outline(part, outlines.shape[1] // _CORNERS), outlines)
    return kept, visibilities * shares


def _see(box: F64, window: F64, covers: F64) -> tuple[F64, float]:
    """Return the upright box around what is seen of a box, and the area that is seen."""
    low, high = np.maximum(box[:2], window[:2]), np.minimum(box[2:], window[2:])
    high = np.maximum(low, high)
    x, y = (
        np.unique(np.clip([low[axis], high[axis], *covers[:, axis], *covers[:, axis + 2]], low[axis], high[axis]))
        for axis in (0, 1)
    )
    middle_x, middle_y = (x[:-1] + x[1:]) / 2, (y[:-1] + y[1:]) / 2
    seen = np.ones((len(middle_y), len(middle_x)), np.bool_)
    for left, top, right, bottom in covers:
        across, down = (left < middle_x) & (middle_x < right), (top < middle_y) & (middle_y < bottom)
        seen &= ~(down[:, None] & across)
    if not seen.any():
        return np.concatenate([low, low]), 0.0
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    around = np.array([x[columns[0]], y[rows[0]], x[columns[-1] + 1], y[rows[-1] + 1]])
    return around, float((np.diff(y)[:, None] * np.diff(x) * seen).sum())
