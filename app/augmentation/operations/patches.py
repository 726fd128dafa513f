"""Several parts of one picture, each an output of its own."""

from typing import Annotated, Literal

import numpy as np
from pydantic import ConfigDict, Field, model_validator

from app.augmentation.draws import F64, I64, MAX_PATCHES
from app.augmentation.frames import Frames
from app.augmentation.operation import Applied, Columns, Operation, Side, spread
from app.augmentation.operations.crops import check_box
from app.augmentation.operations.sizes import move_window
from app.augmentation.primitives import Warp
from app.core.errors import InvalidInputError

MAX_OVERLAP = 0.9
CORNERS_AND_CENTRE = 5

Tiles = Annotated[int, Field(ge=1, le=MAX_PATCHES)]
Overlap = Annotated[float, Field(ge=0, le=MAX_OVERLAP)]
Remainder = Literal["share", "drop"]


class Parts(Operation):
    """An operation that makes several outputs of each."""

    @model_validator(mode="after")
    def _check_chance(self) -> "Parts":
        if self.p < 1:
            raise ValueError("an operation that makes parts has no chance `p`: the number of outputs is known before")
        return self


class AppliedSlice(Applied):
    """How a picture was sliced, and which part this is; parts count along rows."""

    op: Literal["slice"] = "slice"
    rows: Tiles
    columns: Tiles
    overlap: Overlap
    remainder: Remainder
    part: Annotated[int, Field(ge=0, lt=MAX_PATCHES)]

    @model_validator(mode="after")
    def _check_part(self) -> "AppliedSlice":
        if self.part >= self.rows * self.columns:
            raise ValueError("the part is one of those that there are")
        return self


class Slice(Parts):
    """Slice the picture into `rows` times `columns` parts of one size, each an output."""

    applied = AppliedSlice

    op: Literal["slice"] = "slice"
    rows: Tiles = Field(2, description="Parts above each other.")
    columns: Tiles = Field(2, description="Parts beside each other.")
    overlap: Overlap = Field(0.0, description="What neighbours share, as a part of the side of each.")
    remainder: Remainder = Field(
        "share",
        description="When sides cannot be divided: neighbours `share` pixels, or the last pixels are `drop`ped.",
    )

    @model_validator(mode="after")
    def _check_count(self) -> "Slice":
        if not 2 <= self.rows * self.columns <= MAX_PATCHES:  # noqa: PLR2004 - a single part is the picture
            raise ValueError(f"a picture is sliced into 2 to {MAX_PATCHES} parts")
        return self

    @property
    def fan_out(self) -> int:
        """How many parts it makes."""
        return self.rows * self.columns

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return self.model_dump(include={"rows", "columns", "overlap", "remainder"})

    @classmethod
    def check(cls, columns: Columns, frames: Frames) -> None:
        rows, across = spread(columns["rows"], frames), spread(columns["columns"], frames)
        is_small = (rows > frames.heights) | (across > frames.widths)
        if is_small.any():
            row = int(np.argmax(is_small))
            size = f"{frames.heights[row]} x {frames.widths[row]} pixels"
            raise InvalidInputError(f"`slice` cannot make {rows[row]} x {across[row]} parts of {size}")

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        part, across = spread(columns["part"], frames), spread(columns["columns"], frames)
        rows = spread(columns["rows"], frames)
        tops, heights = _cut(frames.heights, rows, part // across, columns)
        lefts, widths = _cut(frames.widths, across, part % across, columns)
        return move_window(lefts, tops, heights, widths)


def _cut(sides: I64, counts: I64, places: I64, columns: Columns) -> tuple[I64, I64]:
    """Return where the parts at some places of sides begin, and how long they are."""
    lengths = sides / (counts - (counts - 1) * columns["overlap"])
    if columns["remainder"] == "share":
        parts = np.ceil(lengths - _ROUNDING).astype(np.int64)
        return places * (sides - parts) // np.maximum(1, counts - 1), parts
    parts = np.maximum(1, np.floor(lengths + _ROUNDING).astype(np.int64))
    return places * np.floor(parts * (1 - columns["overlap"]) + _ROUNDING).astype(np.int64), parts


_ROUNDING = 1e-6


class AppliedFiveCrop(Applied):
    """A size, and which part this is: upper left, upper right, lower left, lower right, centre."""

    op: Literal["five_crop"] = "five_crop"
    height: Side
    width: Side
    part: Annotated[int, Field(ge=0, lt=CORNERS_AND_CENTRE)]


class FiveCrop(Parts):
    """Take the four corners and the centre of the picture, each an output."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"op": "five_crop", "height": 24, "width": 24}]})
    applied = AppliedFiveCrop

    op: Literal["five_crop"] = "five_crop"
    height: Side = Field(description="Pixels; at most what the picture has.")
    width: Side = Field(description="Pixels; at most what the picture has.")

    @property
    def fan_out(self) -> int:
        """How many parts it makes."""
        return CORNERS_AND_CENTRE

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"height": self.height, "width": self.width}

    @classmethod
    def check(cls, columns: Columns, frames: Frames) -> None:
        check_box("five_crop", {**columns, "top": 0, "left": 0}, frames)

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Warp:
        heights, widths = spread(columns["height"], frames), spread(columns["width"], frames)
        free_y, free_x = frames.heights - heights, frames.widths - widths
        part = spread(columns["part"], frames)
        is_centre = part == CORNERS_AND_CENTRE - 1
        tops = np.where(is_centre, free_y // 2, part // 2 * free_y)
        lefts = np.where(is_centre, free_x // 2, part % 2 * free_x)
        return move_window(lefts, tops, heights, widths)
