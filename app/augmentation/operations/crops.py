"""Parts of a picture."""

from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from app.augmentation.draws import F64, I64, between, whole_between
from app.augmentation.frames import Frames
from app.augmentation.nodes import Mask
from app.augmentation.operation import (
    Applied,
    Bounds,
    Columns,
    Operation,
    Side,
    identity,
    round_half_up,
    spread,
)
from app.augmentation.operations.sizes import Between, move_window
from app.augmentation.primitives import Interpolation, Warp
from app.core.errors import InvalidInputError

MAX_PLACE = 2**31 - 1
Place = Annotated[int, Field(ge=0, le=MAX_PLACE)]
TRIES = 10
"""Of a random part that lies within the picture."""


def check_box(op: str, columns: Columns, frames: Frames) -> None:
    """Check that a part lies within its picture.

    Args:
        op: What takes it.
        columns: ``top``, ``left``, ``height`` and ``width`` in pixels.
        frames: The pictures.

    Raises:
        InvalidInputError: If not.
    """
    top, left, height, width = (spread(columns[name], frames) for name in ("top", "left", "height", "width"))
    is_larger = (height > frames.heights) | (width > frames.widths)
    is_outside = (top + height > frames.heights) | (left + width > frames.widths) | (top < 0) | (left < 0)
    if not (is_larger | is_outside).any():
        return
    row = int(np.argmax(is_larger if is_larger.any() else is_outside))
    part, whole = f"{height[row]} x {width[row]}", f"{frames.heights[row]} x {frames.widths[row]}"
    if is_larger.any():
        raise InvalidInputError(f"`{op}` takes {part} pixels of a picture that has {whole}; pad or resize it first")
    raise InvalidInputError(f"`{op}` takes {part} pixels at {top[row]}, {left[row]} of a picture that has {whole}")


class AppliedCrop(Applied):
    """A part."""

    op: Literal["crop"] = "crop"
    top: Place
    left: Place
    height: Annotated[int, Field(ge=1, le=MAX_PLACE)]
    width: Annotated[int, Field(ge=1, le=MAX_PLACE)]


class Crop(Operation):
    """Take a part of the picture, of `height` and `width` or of a `fraction` of both sides."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"op": "crop", "height": 32, "width": 32}, {"op": "crop", "fraction": [0.8, 1.0]}]
        }
    )
    num_words = 3
    applied = AppliedCrop

    op: Literal["crop"] = "crop"
    height: Side | None = Field(None, description="Pixels; at most what the picture has.")
    width: Side | None = Field(None, description="Pixels; at most what the picture has.")
    fraction: Annotated[list[float], Bounds(0, 1)] | None = Field(
        None, description="Instead, the part of both sides that is left; one pixel at least."
    )
    position: Literal["random", "centre"] = Field("random", description="Where it is taken.")

    @model_validator(mode="after")
    def _check_unit(self) -> "Crop":
        if (self.height is None) != (self.width is None) or (self.height is None) == (self.fraction is None):
            raise ValueError("name `height` and `width`, or `fraction`")
        return self

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        fractions = between(uniform[:, 0], *(self.fraction or [1.0, 1.0]))
        sizes = {
            "height": self.height or np.maximum(1, round_half_up(fractions * frames.heights)),
            "width": self.width or np.maximum(1, round_half_up(fractions * frames.widths)),
        }
        free_y, free_x = frames.heights - sizes["height"], frames.widths - sizes["width"]
        if self.position == "centre":
            return {"top": free_y // 2, "left": free_x // 2, **sizes}
        return {
            "top": whole_between(uniform[:, 1], 0, free_y),
            "left": whole_between(uniform[:, 2], 0, free_x),
            **sizes,
        }

    @classmethod
    def check(cls, columns: Columns, frames: Frames) -> None:
        check_box("crop", columns, frames)

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        left, top, height, width = (spread(columns[name], frames) for name in ("left", "top", "height", "width"))
        return move_window(left, top, height, width)


class AppliedRandomResizedCrop(Applied):
    """A part, and the size that it is brought to."""

    op: Literal["random_resized_crop"] = "random_resized_crop"
    top: Place
    left: Place
    box_height: Annotated[int, Field(ge=1, le=MAX_PLACE)]
    box_width: Annotated[int, Field(ge=1, le=MAX_PLACE)]
    height: Side
    width: Side
    interpolation: Interpolation


class RandomResizedCrop(Operation):
    """Take a part of random area and shape, and bring it to `height` and `width`.

    Ten parts are drawn, and the first taken that is not larger than the picture. Should all be, it is the largest part
    in the middle whose shape is allowed.

    Source:
        Szegedy et al. 2015, "Going deeper with convolutions", section 6.
    """

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"op": "random_resized_crop", "height": 224, "width": 224}]}
    )
    num_words = 2 * TRIES + 2
    applied = AppliedRandomResizedCrop

    op: Literal["random_resized_crop"] = "random_resized_crop"
    height: Side = Field(description="Pixels of the result.")
    width: Side = Field(description="Pixels of the result.")
    fraction: Annotated[list[float], Bounds(0, 1)] = Field([0.08, 1.0], description="Part of the picture's area.")
    ratio: Annotated[list[float], Bounds(0.05, 20)] = Field(
        [3 / 4, 4 / 3], description="Width of the part by its height, evenly in logarithms."
    )
    interpolation: Between = "linear"

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        heights, widths, is_drawn = self._sample_sizes(uniform, frames)
        free_y, free_x = frames.heights - heights, frames.widths - widths
        return {
            "top": np.where(is_drawn, whole_between(uniform[:, -2], 0, free_y), free_y // 2),
            "left": np.where(is_drawn, whole_between(uniform[:, -1], 0, free_x), free_x // 2),
            "box_height": heights,
            "box_width": widths,
            "height": self.height,
            "width": self.width,
            "interpolation": self.interpolation,
        }

    def _sample_sizes(self, uniform: F64, frames: Frames) -> tuple[I64, I64, Mask]:
        """Draw heights and widths of parts, and tell which are drawn and not the largest."""
        low, high = self.ratio
        areas = between(uniform[:, 0:-2:2], *self.fraction) * (frames.heights * frames.widths)[:, None]
        ratios = np.exp(between(uniform[:, 1:-2:2], float(np.log(low)), float(np.log(high))))
        heights, widths = round_half_up(np.sqrt(areas / ratios)), round_half_up(np.sqrt(areas * ratios))
        fits = (heights > 0) & (heights <= frames.heights[:, None]) & (widths > 0) & (widths <= frames.widths[:, None])
        rows, first, is_drawn = np.arange(len(frames)), np.argmax(fits, axis=1), np.asarray(fits.any(axis=1))
        nearest = np.clip(frames.widths / frames.heights, low, high)
        largest_height = np.clip(round_half_up(frames.widths / nearest), 1, frames.heights)
        largest_width = np.clip(round_half_up(frames.heights * nearest), 1, frames.widths)
        return (
            np.where(is_drawn, heights[rows, first], largest_height),
            np.where(is_drawn, widths[rows, first], largest_width),
            is_drawn,
        )

    @classmethod
    def check(cls, columns: Columns, frames: Frames) -> None:
        box = {**columns, "height": columns["box_height"], "width": columns["box_width"]}
        check_box("random_resized_crop", box, frames)

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        heights, widths = spread(columns["height"], frames), spread(columns["width"], frames)
        factors_x, factors_y = widths / columns["box_width"], heights / columns["box_height"]
        matrices = identity(len(frames))
        matrices[:, 0, 0], matrices[:, 0, 2] = factors_x, -factors_x * columns["left"]
        matrices[:, 1, 1], matrices[:, 1, 2] = factors_y, -factors_y * columns["top"]
        return Warp(matrices, heights, widths, None, columns["interpolation"])
