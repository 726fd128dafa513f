"""Points that move with the pixels of a picture: forth and back through what is resampled."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from app.augmentation.draws import F64
from app.augmentation.fields import sample_grid
from app.augmentation.primitives import Displacement
from app.augmentation.program import Resample

_Field: TypeAlias = Callable[[F64], F64]

_HORIZON = 1e-9
_CLOSE = 1e-3
"""Pixels."""
_PLAIN_STEPS, _MOST_STEPS = 6, 48
_STEP = 0.01
_FOLDED = 0.05


def move_points(points: F64, matrix: F64) -> F64:
    """Move points by a matrix; those at or behind its horizon end up far away.

    Args:
        points: As (x, y), shape (..., 2).
        matrix: Homogeneous, shape (3, 3).

    Returns:
        Shape (..., 2).
    """
    moved = points @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved[..., :2] / np.maximum(moved[..., 2:], _HORIZON))


def trace_back(stage: Resample, place: int, points: F64) -> F64:
    """Return where points of a resampled picture come from, exactly.

    Args:
        stage: What is computed.
        place: Number of the output in it.
        points: As (x, y) in pixels of the picture after, shape (..., 2).

    Returns:
        In pixels of the picture before, shape (..., 2).
    """
    for piece in reversed(stage.pieces):
        if isinstance(piece, np.ndarray):
            points = move_points(points, np.linalg.inv(piece[place]))
        else:
            displacement, rows = piece
            points = points + _field_of(displacement, int(rows[place]))(points)
    return points


def trace_forth(stage: Resample, place: int, points: F64) -> F64:
    """Return where points of a picture go when it is resampled, to within 0.01 pixels.

    Where a field folds a picture over itself, a point is seen several times, and one of these is returned.

    Args:
        stage: What is computed.
        place: Number of the output in it.
        points: As (x, y) in pixels of the picture before, shape (..., 2).

    Returns:
        In pixels of the picture after, shape (..., 2).
    """
    for piece in stage.pieces:
        if isinstance(piece, np.ndarray):
            points = move_points(points, piece[place])
        else:
            displacement, rows = piece
            field = _field_of(displacement, int(rows[place]))
            points = _settle(field, points.reshape(-1, 2)).reshape(points.shape)
    return points


def is_mirrored(stage: Resample, place: int) -> bool:
    """Tell whether left and right of what is seen are swapped."""
    matrices = [piece[place] for piece in stage.pieces if isinstance(piece, np.ndarray)]
    return bool(np.prod([np.sign(np.linalg.det(matrix)) for matrix in matrices]) < 0)


def is_straight(stage: Resample) -> bool:
    """Tell whether lines stay lines."""
    return all(isinstance(piece, np.ndarray) for piece in stage.pieces)


def _field_of(displacement: Displacement, row: int) -> _Field:
    size = int(displacement.heights[row]), int(displacement.widths[row])
    return lambda points: sample_grid(displacement.offsets[row], points, size, displacement.spline)


def _settle(field: _Field, points: F64) -> F64:
    """Return the points whose offset leads to these: by repetition, and by Newton's method where that is slow."""
    found = points - field(points)
    late = np.arange(len(points))
    for step in range(_MOST_STEPS):
        errors = found[late] + field(found[late]) - points[late]
        is_far = np.abs(errors).max(axis=1) > _CLOSE
        if not is_far.any():
            break
        late, errors = late[is_far], errors[is_far]
        found[late] -= errors if step < _PLAIN_STEPS else _newton(field, found[late], errors)
    return found


def _newton(field: _Field, points: F64, errors: F64) -> F64:
    """Return the steps to take back; the error itself where the field folds."""
    here = field(points)
    across, down = ((field(points + _STEP * axis) - here) / _STEP + axis for axis in np.eye(2))
    determinants = across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]
    is_folded = np.abs(determinants) < _FOLDED
    safe = np.where(is_folded, 1, determinants)
    steps = np.stack(
        [
            errors[:, 0] * down[:, 1] - errors[:, 1] * down[:, 0],
            errors[:, 1] * across[:, 0] - errors[:, 0] * across[:, 1],
        ],
        axis=1,
    )
    return np.where(is_folded[:, None], errors, steps / safe[:, None])
