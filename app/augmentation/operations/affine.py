"""Moves of the content within a picture whose size stays."""

from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from app.augmentation.draws import F64, I64, between, whole_between
from app.augmentation.frames import Frames
from app.augmentation.operation import (
    MAX_SIDE,
    AppliedBordered,
    AppliedFilled,
    Bordered,
    Bounds,
    Columns,
    Filled,
    at_centre,
    identity,
    read_fill,
    round_half_up,
    spread,
)
from app.augmentation.primitives import Warp

MIN_FACTOR, MAX_FACTOR = 0.05, 20.0
MAX_SHEAR = 75.0

Factors = Annotated[list[float], Bounds(MIN_FACTOR, MAX_FACTOR)]
Factor = Annotated[float, Field(ge=MIN_FACTOR, le=MAX_FACTOR)]
Fractions = Annotated[list[float], Bounds(-1, 1)]
Move = Annotated[int, Field(ge=-2 * MAX_SIDE, le=2 * MAX_SIDE)]
Shear75 = Annotated[float, Field(ge=-MAX_SHEAR, le=MAX_SHEAR)]


class AppliedZoom(AppliedFilled):
    """How many times as large the content is."""

    op: Literal["zoom"] = "zoom"
    factor_x: Factor
    factor_y: Factor


class Zoom(Filled):
    """Enlarge (factor above 1) or shrink the content around the centre; the size stays, see `scale`."""

    num_words = 2
    applied = AppliedZoom

    op: Literal["zoom"] = "zoom"
    factor: Factors = Field([0.8, 1.25], description="How many times as large.")
    same: bool = Field(True, description="Whether width and height take the same factor, so that shapes stay.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {**sample_factors(uniform, self.factor, same=self.same), **self.outside}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        matrices = identity(len(frames))
        matrices[:, 0, 0], matrices[:, 1, 1] = columns["factor_x"], columns["factor_y"]
        return _in_place(at_centre(matrices, frames), columns, frames)


def sample_factors(uniform: F64, factor: list[float], *, same: bool) -> Columns:
    """Draw factors of both axes; ``uniform`` has shape (n, 2)."""
    factor_x = between(uniform[:, 0], *factor)
    return {"factor_x": factor_x, "factor_y": factor_x if same else between(uniform[:, 1], *factor)}


class AppliedShift(AppliedBordered):
    """Pixels to the right and down."""

    op: Literal["shift"] = "shift"
    px_x: Move
    px_y: Move


class Shift(Bordered):
    """Move the content by whole pixels, so that nothing is blurred; positive is right and down."""

    num_words = 2
    applied = AppliedShift
    default: ClassVar[list[float]] = [-0.1, 0.1]

    op: Literal["shift"] = "shift"
    fraction_x: Fractions | None = Field(
        None, description="Of the width, to the right. With no range given, this and `fraction_y` are [-0.1, 0.1]."
    )
    fraction_y: Fractions | None = Field(None, description="Of the height, down.")
    px_x: Annotated[list[int], Bounds(-MAX_SIDE, MAX_SIDE)] | None = Field(None, description="Instead, in pixels.")
    px_y: Annotated[list[int], Bounds(-MAX_SIDE, MAX_SIDE)] | None = Field(None, description="Instead, in pixels.")

    @model_validator(mode="after")
    def _check_units(self) -> "Shift":
        if (self.fraction_x and self.px_x) or (self.fraction_y and self.px_y):
            raise ValueError("a shift along an axis is a fraction or in pixels, not both")
        return self

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        is_bare = not (self.fraction_x or self.fraction_y or self.px_x or self.px_y)
        moves = [
            _sample_shift(uniform[:, axis], self.default if is_bare else fraction, px, sides)
            for axis, (fraction, px, sides) in enumerate(
                [(self.fraction_x, self.px_x, frames.widths), (self.fraction_y, self.px_y, frames.heights)]
            )
        ]
        return {"px_x": moves[0], "px_y": moves[1], **self.outside}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        matrices = identity(len(frames))
        matrices[:, 0, 2], matrices[:, 1, 2] = columns["px_x"], columns["px_y"]
        return Warp(matrices, frames.heights, frames.widths, read_fill(columns))


def _sample_shift(uniform: F64, fraction: list[float] | None, px: list[int] | None, sides: I64) -> I64:
    if px is not None:
        return whole_between(uniform, *px)
    return round_half_up(between(uniform, *(fraction or [0.0, 0.0])) * sides)


class AppliedShear(AppliedFilled):
    """Two angles."""

    op: Literal["shear"] = "shear"
    degrees_x: Shear75
    degrees_y: Shear75


class Shear(Filled):
    """Slant around the centre: first along x, then along y; areas and the size stay."""

    num_words = 2
    applied = AppliedShear

    op: Literal["shear"] = "shear"
    degrees_x: Annotated[list[float], Bounds(-MAX_SHEAR, MAX_SHEAR)] = Field(
        [-15.0, 15.0], description="Angle along x; positive leans the top to the right."
    )
    degrees_y: Annotated[list[float], Bounds(-MAX_SHEAR, MAX_SHEAR)] = Field(
        [0.0, 0.0], description="Angle along y; positive lifts the right side."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        angles = {
            "degrees_x": between(uniform[:, 0], *self.degrees_x),
            "degrees_y": between(uniform[:, 1], *self.degrees_y),
        }
        return {**angles, **self.outside}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        return _in_place(at_centre(_shear(columns, frames), frames), columns, frames)


class AppliedAffine(AppliedFilled):
    """All parts of the move."""

    op: Literal["affine"] = "affine"
    degrees: Annotated[float, Field(ge=-360, le=360)]
    factor: Factor
    px_x: Move
    px_y: Move
    degrees_x: Shear75
    degrees_y: Shear75


class Affine(Filled):
    """Slant, then turn, then zoom around the centre, then shift by whole pixels; the size stays."""

    num_words = 6
    applied = AppliedAffine

    op: Literal["affine"] = "affine"
    degrees: Annotated[list[float], Bounds(-360, 360)] = Field(
        [-15.0, 15.0], description="Angle of the turn, counter-clockwise as seen."
    )
    factor: Factors = Field([0.9, 1.1], description="How many times as large the content becomes.")
    fraction_x: Fractions = Field([-0.05, 0.05], description="Shift as a part of the width, to the right.")
    fraction_y: Fractions = Field([-0.05, 0.05], description="Shift as a part of the height, down.")
    degrees_x: Annotated[list[float], Bounds(-MAX_SHEAR, MAX_SHEAR)] = Field(
        [-5.0, 5.0], description="Angle of the slant along x; positive leans the top to the right."
    )
    degrees_y: Annotated[list[float], Bounds(-MAX_SHEAR, MAX_SHEAR)] = Field(
        [0.0, 0.0], description="Angle of the slant along y; positive lifts the right side."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        drawn: dict[str, Any] = {
            "degrees": between(uniform[:, 0], *self.degrees),
            "factor": between(uniform[:, 1], *self.factor),
            "px_x": round_half_up(between(uniform[:, 2], *self.fraction_x) * frames.widths),
            "px_y": round_half_up(between(uniform[:, 3], *self.fraction_y) * frames.heights),
            "degrees_x": between(uniform[:, 4], *self.degrees_x),
            "degrees_y": between(uniform[:, 5], *self.degrees_y),
        }
        return {**drawn, **self.outside}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        angles, factors = np.deg2rad(columns["degrees"]), spread(columns["factor"], frames)
        turned = identity(len(frames))
        turned[:, 0, 0] = turned[:, 1, 1] = factors * np.cos(angles)
        turned[:, 0, 1], turned[:, 1, 0] = factors * np.sin(angles), -factors * np.sin(angles)
        matrices = at_centre(turned @ _shear(columns, frames), frames)
        matrices[:, 0, 2] += columns["px_x"]
        matrices[:, 1, 2] += columns["px_y"]
        return _in_place(matrices, columns, frames)


def _shear(columns: Columns, frames: Frames) -> F64:
    """Return matrices of a slant along x and then one along y, whose determinant is 1 whatever the angles."""
    slope_x, slope_y = (-np.tan(np.deg2rad(columns[name])) for name in ("degrees_x", "degrees_y"))
    matrices = identity(len(frames))
    matrices[:, 0, 1], matrices[:, 1, 0] = slope_x, slope_y
    matrices[:, 1, 1] += slope_x * slope_y
    return matrices


def _in_place(matrices: F64, columns: Columns, frames: Frames) -> Warp:
    return Warp(matrices, frames.heights, frames.widths, read_fill(columns), columns["interpolation"])
