"""Moves that bend: perspective, and smooth fields."""

from typing import Annotated, Literal, TypeAlias

import numpy as np
from pydantic import Field

from app.augmentation.draws import F64, between, field_key
from app.augmentation.fields import draw_uniform
from app.augmentation.frames import Frames
from app.augmentation.operation import (
    Applied,
    AppliedFilled,
    Bounds,
    Columns,
    Filled,
    Key,
    Operation,
    identity,
    read_fill,
    spread,
)
from app.augmentation.primitives import Displacement, Interpolation, Warp

MAX_INWARD = 0.2
MAX_CELLS = 16
MAX_BEND = 256.0
MAX_STRETCH = 0.45
STEEPEST = 0.9
"""Slope of an elastic field that is still allowed; with 1, two points could meet."""

Cells = Annotated[int, Field(ge=2, le=MAX_CELLS)]
Grid: TypeAlias = F64
"""Shape (n, rows, columns, 2)."""


class AppliedPerspective(AppliedFilled):
    """How far the corners moved inward: x and y of the upper left, upper right, lower right, lower left."""

    op: Literal["perspective"] = "perspective"
    fractions: list[Annotated[float, Field(ge=0, le=MAX_INWARD)]] = Field(min_length=8, max_length=8)


class Perspective(Filled):
    """Move each corner inward by its own part of both sides, as if the picture were seen from aside; the size stays.

    Up to 0.2, no part of the frame lies beyond the horizon, wherever the corners are.
    """

    num_words = 8
    applied = AppliedPerspective

    op: Literal["perspective"] = "perspective"
    fraction: Annotated[list[float], Bounds(0, MAX_INWARD)] = Field([0.0, 0.1], description="Part of the sides.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"fractions": between(uniform, *self.fraction), **self.outside}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        inward = columns["fractions"].reshape(len(frames), 4, 2) * np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
        sides = np.stack([frames.widths, frames.heights], axis=1)
        corners = (np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) + inward) * sides[:, None]
        to_square = identity(len(frames))
        to_square[:, 0, 0], to_square[:, 1, 1] = 1 / frames.widths, 1 / frames.heights
        matrices = square_to_corners(corners) @ to_square
        return Warp(matrices, frames.heights, frames.widths, read_fill(columns), columns["interpolation"])


def square_to_corners(corners: F64) -> F64:
    """Return the projective maps of the unit square to convex quadrilaterals.

    Args:
        corners: Where (0, 0), (1, 0), (1, 1) and (0, 1) go; shape (n, 4, 2).

    Returns:
        Shape (n, 3, 3).

    Source:
        Heckbert 1989, "Fundamentals of texture mapping and image warping", section 2.2.3.
    """
    first, second, third, fourth = (corners[:, number] for number in range(4))
    one, other, rest = second - third, fourth - third, first - second + third - fourth
    area = _cross(one, other)
    g, h = _cross(rest, other) / area, _cross(one, rest) / area
    matrices = identity(len(corners))
    matrices[:, :2, 0] = second - first + g[:, None] * second
    matrices[:, :2, 1] = fourth - first + h[:, None] * fourth
    matrices[:, :2, 2] = first
    matrices[:, 2, 0], matrices[:, 2, 1] = g, h
    return matrices


def _cross(one: F64, other: F64) -> F64:
    return np.asarray(one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0])


class AppliedElastic(AppliedFilled):
    """The field: its key, how far it moves, and how fine it is."""

    op: Literal["elastic"] = "elastic"
    key: Key
    px: Annotated[float, Field(ge=0, le=MAX_BEND)]
    cells: Cells


class Elastic(Filled):
    """Bend by a smooth random field, as if the picture were on rubber; the size stays.

    The points of a grid move along both axes, evenly within `px`, and what lies between by cubic interpolation. A field
    that is too steep is made weaker until it folds nowhere: the sum along both axes of 15/8 times the largest step
    between neighbours, by the width of a cell, is at most 0.9. So about 0.13 times the width of a cell is reached.
    """

    num_words = 3
    applied = AppliedElastic

    op: Literal["elastic"] = "elastic"
    px: Annotated[list[float], Bounds(0, MAX_BEND)] = Field([0.0, 4.0], description="How far a point moves at most.")
    cells: Cells = Field(4, description="Of the grid along each side: more are finer.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        drawn = {"key": field_key(uniform[:, :2]), "px": between(uniform[:, 2], *self.px)}
        return {**drawn, "cells": self.cells, **self.outside}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Displacement:
        cells = int(np.max(columns["cells"]))
        drawn = draw_uniform(spread(columns["key"], frames), 2 * (cells + 1) ** 2) * 2 - 1
        offsets = (
            drawn.reshape(len(frames), cells + 1, cells + 1, 2) * spread(columns["px"], frames)[:, None, None, None]
        )
        offsets *= np.minimum(1, STEEPEST / np.maximum(_slope(offsets, cells, frames), STEEPEST))[:, None, None, None]
        return Displacement(offsets, frames.heights, frames.widths, read_fill(columns), columns["interpolation"])


def _slope(offsets: Grid, cells: int, frames: Frames) -> F64:
    """Bound how much faster than its points a cubic field moves, shape (n,).

    Between neighbours, the derivative after Catmull and Rom is at most 3/2 of the largest step, and the weights of the
    other axis sum to at most 5/4 in magnitude.
    """
    across = np.abs(np.diff(offsets, axis=2)).max(axis=(1, 2)) * (cells / frames.widths)[:, None]
    down = np.abs(np.diff(offsets, axis=1)).max(axis=(1, 2)) * (cells / frames.heights)[:, None]
    return np.asarray(15 / 8 * (across + down).max(axis=1))


class AppliedGridDistortion(Applied):
    """The lines: their key, how far they move, and how many cells they make."""

    op: Literal["grid_distortion"] = "grid_distortion"
    key: Key
    fraction: Annotated[float, Field(ge=0, le=MAX_STRETCH)]
    cells: Cells
    interpolation: Interpolation


class GridDistortion(Operation):
    """Widen and narrow the rows and columns of a grid; the edges and the size stay.

    Each line moves by at most `fraction` of a cell. Below one half, no line passes its neighbour.
    """

    num_words = 3
    applied = AppliedGridDistortion

    op: Literal["grid_distortion"] = "grid_distortion"
    cells: Cells = Field(5, description="Of the grid along each side.")
    fraction: Annotated[list[float], Bounds(0, MAX_STRETCH)] = Field(
        [0.0, 0.3], description="How far a line moves at most, as a part of a cell."
    )
    interpolation: Interpolation = Field("linear", description="Between pixels. Masks always take the nearest.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        drawn = {"key": field_key(uniform[:, :2]), "fraction": between(uniform[:, 2], *self.fraction)}
        return {**drawn, "cells": self.cells, "interpolation": self.interpolation}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Displacement:
        cells = int(np.max(columns["cells"]))
        drawn = draw_uniform(spread(columns["key"], frames), 2 * (cells - 1)) * 2 - 1
        sides = np.stack([frames.widths, frames.heights], axis=1)
        moves = (
            drawn.reshape(len(frames), cells - 1, 2)
            * (sides * spread(columns["fraction"], frames)[:, None] / cells)[:, None]
        )
        offsets = np.zeros((len(frames), cells + 1, cells + 1, 2))
        offsets[:, :, 1:-1, 0] = moves[:, None, :, 0]
        offsets[:, 1:-1, :, 1] = moves[:, :, None, 1]
        return Displacement(offsets, frames.heights, frames.widths, None, columns["interpolation"], "linear")
