"""Turns and mirrors."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from app.augmentation.draws import F64, between, whole_between
from app.augmentation.frames import Frames
from app.augmentation.operation import (
    Applied,
    AppliedFilled,
    Bounds,
    Columns,
    Filled,
    Finite,
    Operation,
    at_centre,
    identity,
    read_fill,
)
from app.augmentation.primitives import Warp


class AppliedRotate(AppliedFilled):
    """An angle."""

    op: Literal["rotate"] = "rotate"
    degrees: Finite


class Rotate(Filled):
    """Turn around the centre, counter-clockwise as seen; the size stays."""

    num_words = 1
    applied = AppliedRotate

    op: Literal["rotate"] = "rotate"
    degrees: Annotated[list[float], Bounds(-360, 360)] = Field([-15.0, 15.0], description="Angle.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"degrees": between(uniform[:, 0], *self.degrees), **self.outside}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        angles = np.deg2rad(columns["degrees"])
        matrices = identity(len(frames))
        matrices[:, 0, 0] = matrices[:, 1, 1] = np.cos(angles)
        matrices[:, 0, 1], matrices[:, 1, 0] = np.sin(angles), -np.sin(angles)
        return Warp(
            at_centre(matrices, frames), frames.heights, frames.widths, read_fill(columns), columns["interpolation"]
        )


class AppliedFlip(Applied):
    """An axis."""

    op: Literal["flip"] = "flip"
    axis: Literal["horizontal", "vertical"]


class Flip(Operation):
    """Mirror: `horizontal` swaps left and right, `vertical` top and bottom."""

    applied = AppliedFlip

    op: Literal["flip"] = "flip"
    axis: Literal["horizontal", "vertical"] = Field("horizontal", description="Which way.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"axis": self.axis}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        matrices = identity(len(frames))
        is_horizontal = np.broadcast_to(np.asarray(columns["axis"]) == "horizontal", len(frames))
        matrices[is_horizontal, 0, 0], matrices[~is_horizontal, 1, 1] = -1, -1
        matrices[:, 0, 2] = np.where(is_horizontal, frames.widths, 0)
        matrices[:, 1, 2] = np.where(is_horizontal, 0, frames.heights)
        return Warp(matrices, frames.heights, frames.widths)


class AppliedTurn(Applied):
    """A number of quarter turns."""

    op: Literal["turn"] = "turn"
    quarters: int = Field(ge=0, le=3)


class Turn(Operation):
    """Turn by a multiple of 90 degrees, counter-clockwise as seen; sides swap with odd ones."""

    num_words = 1
    applied = AppliedTurn

    op: Literal["turn"] = "turn"
    quarters: list[int] = Field([0, 1, 2, 3], min_length=1, max_length=4, description="Quarter turns to choose from.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"quarters": np.array(self.quarters)[whole_between(uniform[:, 0], 0, len(self.quarters) - 1)]}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        quarters = np.asarray(columns["quarters"])
        matrices = identity(len(frames))
        cos, sin = np.array([1, 0, -1, 0])[quarters], np.array([0, 1, 0, -1])[quarters]
        matrices[:, 0, 0] = matrices[:, 1, 1] = cos
        matrices[:, 0, 1], matrices[:, 1, 0] = sin, -sin
        heights = np.where(quarters % 2, frames.widths, frames.heights)
        widths = np.where(quarters % 2, frames.heights, frames.widths)
        before, after = np.stack([frames.widths, frames.heights], 1) / 2, np.stack([widths, heights], 1) / 2
        matrices[:, :2, 2] = after - np.einsum("nij,nj->ni", matrices[:, :2, :2], before)
        return Warp(matrices, heights, widths)
