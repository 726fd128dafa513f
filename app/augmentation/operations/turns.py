"""Turns and mirrors."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from app.augmentation.draws import F64, I64, between, whole_between
from app.augmentation.frames import Frames
from app.augmentation.nodes import Mask
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
    spread,
)
from app.augmentation.primitives import Warp

Quarters = Annotated[int, Field(ge=0, le=3)]
SYMMETRIES = 8


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
        is_horizontal = spread(columns["axis"], frames) == "horizontal"
        matrices[is_horizontal, 0, 0], matrices[~is_horizontal, 1, 1] = -1, -1
        matrices[:, 0, 2] = np.where(is_horizontal, frames.widths, 0)
        matrices[:, 1, 2] = np.where(is_horizontal, 0, frames.heights)
        return Warp(matrices, frames.heights, frames.widths)


class AppliedTurn(Applied):
    """A number of quarter turns."""

    op: Literal["turn"] = "turn"
    quarters: Quarters


class Turn(Operation):
    """Turn by a multiple of 90 degrees, counter-clockwise as seen; sides swap with odd ones."""

    num_words = 1
    applied = AppliedTurn

    op: Literal["turn"] = "turn"
    quarters: list[Quarters] = Field(
        [0, 1, 2, 3], min_length=1, max_length=4, description="Quarter turns to choose from."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"quarters": np.array(self.quarters)[whole_between(uniform[:, 0], 0, len(self.quarters) - 1)]}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        return _turn(spread(columns["quarters"], frames), np.zeros(len(frames), np.bool_), frames)


class AppliedTranspose(Applied):
    """Nothing to choose."""

    op: Literal["transpose"] = "transpose"


class Transpose(Operation):
    """Swap rows and columns: mirror at the diagonal from the upper left corner."""

    applied = AppliedTranspose

    op: Literal["transpose"] = "transpose"

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        return _turn(np.ones(len(frames), np.int64), np.ones(len(frames), np.bool_), frames)


class AppliedD4(Applied):
    """A number of quarter turns, and 4 more when a swap of left and right comes first."""

    op: Literal["d4"] = "d4"
    symmetry: int = Field(ge=0, lt=SYMMETRIES)


class D4(Operation):
    """Apply any of the eight turns and mirrors of a square; sides swap with four of them."""

    num_words = 1
    applied = AppliedD4

    op: Literal["d4"] = "d4"

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"symmetry": whole_between(uniform[:, 0], 0, SYMMETRIES - 1)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        symmetry = spread(columns["symmetry"], frames)
        return _turn(symmetry % 4, symmetry >= SYMMETRIES // 2, frames)


def _turn(quarters: I64, is_mirrored: Mask, frames: Frames) -> Warp:
    """Swap left and right where said, then turn by quarters counter-clockwise."""
    matrices = identity(len(frames))
    cos, sin = np.array([1, 0, -1, 0])[quarters], np.array([0, 1, 0, -1])[quarters]
    sign = np.where(is_mirrored, -1, 1)
    matrices[:, 0, 0], matrices[:, 0, 1] = sign * cos, sin
    matrices[:, 1, 0], matrices[:, 1, 1] = -sign * sin, cos
    heights = np.where(quarters % 2, frames.widths, frames.heights)
    widths = np.where(quarters % 2, frames.heights, frames.widths)
    before, after = np.stack([frames.widths, frames.heights], 1) / 2, np.stack([widths, heights], 1) / 2
    matrices[:, :2, 2] = after - np.einsum("nij,nj->ni", matrices[:, :2, :2], before)
    return Warp(matrices, heights, widths)
