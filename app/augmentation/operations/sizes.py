"""Moves that change a picture's size and lose nothing of it."""

from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from app.augmentation.draws import F64, I64
from app.augmentation.frames import Frames
from app.augmentation.operation import (
    MAX_SIDE,
    Applied,
    AppliedBordered,
    Bordered,
    Columns,
    Operation,
    Side,
    identity,
    read_fill,
    round_half_up,
    spread,
)
from app.augmentation.operations.affine import Factor, Factors, sample_factors
from app.augmentation.primitives import Fill, Interpolation, Warp

Margin = Annotated[int, Field(ge=0, le=MAX_SIDE)]
Between = Annotated[Interpolation, Field(description="Between pixels. Masks always take the nearest.")]


class AppliedScale(Applied):
    """How many times as large the picture is."""

    op: Literal["scale"] = "scale"
    factor_x: Factor
    factor_y: Factor
    interpolation: Interpolation


class Scale(Operation):
    """Make the picture larger (factor above 1) or smaller, all of it; the content's `zoom` keeps the size."""

    num_words = 2
    applied = AppliedScale

    op: Literal["scale"] = "scale"
    factor: Factors = Field([0.8, 1.25], description="How many times as large.")
    same: bool = Field(True, description="Whether width and height take the same factor, so that shapes stay.")
    interpolation: Between = "linear"

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {**sample_factors(uniform, self.factor, same=self.same), "interpolation": self.interpolation}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        heights = np.maximum(1, round_half_up(frames.heights * columns["factor_y"]))
        widths = np.maximum(1, round_half_up(frames.widths * columns["factor_x"]))
        return _stretch(heights, widths, columns, frames)


class AppliedResize(Applied):
    """A size."""

    op: Literal["resize"] = "resize"
    height: Side
    width: Side
    interpolation: Interpolation


class Resize(Operation):
    """Resize to `height` and `width`, or to one of them or to `px` of a side with the shape kept."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"op": "resize", "height": 224, "width": 224}, {"op": "resize", "side": "shorter", "px": 256}]
        }
    )
    applied = AppliedResize

    op: Literal["resize"] = "resize"
    height: Side | None = Field(None, description="Pixels.")
    width: Side | None = Field(None, description="Pixels.")
    side: Literal["shorter", "longer"] | None = Field(None, description="Which side becomes `px` long.")
    px: Side | None = Field(None, description="Length of that side.")
    interpolation: Between = "linear"

    @model_validator(mode="after")
    def _check_way(self) -> "Resize":
        by_size, by_side = bool(self.height or self.width), bool(self.side and self.px)
        if by_size == by_side or bool(self.side) != bool(self.px):
            raise ValueError("name `height`, `width` or both, or `side` and `px`")
        return self

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        heights, widths = frames.heights, frames.widths
        if self.height and self.width:
            factor_y, factor_x = self.height / heights, self.width / widths
        elif self.height or self.width:
            factor_y = factor_x = self.height / heights if self.height else (self.width or 1) / widths
        else:
            ends = np.minimum if self.side == "shorter" else np.maximum
            factor_y = factor_x = (self.px or 1) / ends(heights, widths)
        return {
            "height": np.clip(round_half_up(heights * factor_y), 1, MAX_SIDE),
            "width": np.clip(round_half_up(widths * factor_x), 1, MAX_SIDE),
            "interpolation": self.interpolation,
        }

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        heights, widths = spread(columns["height"], frames), spread(columns["width"], frames)
        return _stretch(heights, widths, columns, frames)


def _stretch(heights: I64, widths: I64, columns: Columns, frames: Frames) -> Warp:
    matrices = identity(len(frames))
    matrices[:, 0, 0], matrices[:, 1, 1] = widths / frames.widths, heights / frames.heights
    return Warp(matrices, heights, widths, None, columns["interpolation"])


class AppliedPad(AppliedBordered):
    """Pixels on each side."""

    op: Literal["pad"] = "pad"
    left: Margin
    top: Margin
    right: Margin
    bottom: Margin


class Pad(Bordered):
    """Put a border around the picture."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"op": "pad", "px": 4, "fill": "reflect"}, {"op": "pad", "fraction": 0.1}]}
    )
    applied = AppliedPad

    op: Literal["pad"] = "pad"
    px: Margin | None = Field(None, description="On each side.")
    fraction: Annotated[float, Field(ge=0, le=2)] | None = Field(
        None, description="Instead, as a part of the width left and right, and of the height above and below."
    )

    @model_validator(mode="after")
    def _check_unit(self) -> "Pad":
        if (self.px is None) == (self.fraction is None):
            raise ValueError("name `px` or `fraction`")
        return self

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        across, down = (
            np.minimum(round_half_up(np.asarray((self.fraction or 0.0) * sides)) + (self.px or 0), MAX_SIDE)
            for sides in (frames.widths, frames.heights)
        )
        return {"left": across, "top": down, "right": across, "bottom": down, **self.outside}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        return put_border(columns, frames)


class AppliedPadTo(AppliedBordered):
    """Pixels on each side."""

    op: Literal["pad_to"] = "pad_to"
    left: Margin
    top: Margin
    right: Margin
    bottom: Margin


class PadTo(Bordered):
    """Put a border around the picture until it is as large as said; a side that is longer already stays."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"op": "pad_to", "height": 32, "width": 32}]})
    applied = AppliedPadTo

    op: Literal["pad_to"] = "pad_to"
    height: Side = Field(description="Pixels.")
    width: Side = Field(description="Pixels.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        across, down = np.maximum(self.width - frames.widths, 0), np.maximum(self.height - frames.heights, 0)
        left, top = across // 2, down // 2
        return {"left": left, "top": top, "right": across - left, "bottom": down - top, **self.outside}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        return put_border(columns, frames)


def put_border(columns: Columns, frames: Frames) -> Warp:
    """Widen pictures by ``left``, ``top``, ``right`` and ``bottom`` pixels."""
    heights = frames.heights + columns["top"] + columns["bottom"]
    widths = frames.widths + columns["left"] + columns["right"]
    return move_window(
        -spread(columns["left"], frames), -spread(columns["top"], frames), heights, widths, read_fill(columns)
    )


def move_window(lefts: I64, tops: I64, heights: I64, widths: I64, fill: Fill | None = None) -> Warp:
    """See another part of the plane, as (left, top) and a size in pixels of the picture before; each of shape (n,)."""
    matrices = identity(len(lefts))
    matrices[:, 0, 2], matrices[:, 1, 2] = -lefts, -tops
    return Warp(matrices, heights, widths, fill)
