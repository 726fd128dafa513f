"""Parts of pictures erased, at random places and in grids."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.augmentation.draws import F64, I64, between, field_key, whole_between
from app.augmentation.frames import Frames, Pixels
from app.augmentation.operation import MAX_SIDE, Applied, Bounds, Columns, Key, Level, Operation
from app.augmentation.primitives import Whole

MAX_HOLES = 16
MAX_ASPECT = 20
MAX_CELLS = 64
_WORDS_PER_HOLE = 5
_WORDS_BEFORE = 3

_Covering = Annotated[
    Literal["constant", "noise", "mean"],
    Field(
        description="What is seen instead: a `constant` level, and transparency becomes 0; uniform `noise`; "
        "the picture's `mean` colour. These two leave transparency as it is."
    ),
]
_Value = Annotated[float, Field(ge=0, le=1, description="Level of a constant: black 0 to white 1.")]
_Box = Annotated[list[Annotated[int, Field(ge=0, le=MAX_SIDE)]], Field(min_length=4, max_length=4)]


class _Erasing(Operation):
    """Shows something else instead of parts of a picture."""

    fill: _Covering = "constant"
    value: _Value = 0.0


class _AppliedErasing(Applied):
    """What erased parts show."""

    fill: Literal["constant", "noise", "mean"]
    value: Level
    key: Key


class AppliedErase(_AppliedErasing):
    """Rectangles, as left, top, right, bottom in pixels."""

    op: Literal["erase"] = "erase"
    boxes: list[_Box] = Field(max_length=MAX_HOLES)


class Erase(_Erasing):
    """Erase rectangles: random erasing, cutout, and coarse dropout with a higher count.

    Source:
        Zhong et al. 2020, "Random erasing data augmentation", algorithm 1, without drawing again what does not fit.
    """

    num_words = _WORDS_BEFORE + _WORDS_PER_HOLE * MAX_HOLES
    applied = AppliedErase

    op: Literal["erase"] = "erase"
    fraction: Annotated[list[float], Bounds(0, 1)] = Field(
        [0.02, 0.2], description="Area of each rectangle by that of the picture."
    )
    aspect: Annotated[list[float], Bounds(1, MAX_ASPECT)] = Field(
        [1.0, 3.0], description="Longer side by shorter; which is the longer is left to chance."
    )
    count: Annotated[list[int], Bounds(1, MAX_HOLES)] = Field([1, 1], description="Rectangles.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        counts = whole_between(uniform[:, 0], *self.count)
        places = uniform[:, _WORDS_BEFORE:].reshape(len(frames), MAX_HOLES, _WORDS_PER_HOLE)[:, : self.count[1]]
        drawn = self._draw_boxes(places, frames)
        boxes: NDArray[np.object_] = np.empty(len(frames), np.object_)
        for number, count in enumerate(counts.tolist()):
            boxes[number] = drawn[number, :count]
        return {"boxes": boxes, "fill": self.fill, "value": self.value, "key": field_key(uniform[:, 1:3])}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        boxes, fill, keys = columns["boxes"], columns["fill"], columns["key"]
        values = np.broadcast_to(columns["value"], len(frames))

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_erasing import Blank, erase_boxes  # noqa: PLC0415 - plans are drawn without

            found = np.asarray(boxes[row], np.int64).reshape(-1, 4)
            blank = Blank(fill, float(values[row]), int(keys[row]))
            return erase_boxes(pixels, found, blank, has_alpha=frames.has_alpha)

        return Whole(apply)

    def _draw_boxes(self, uniform: F64, frames: Frames) -> I64:
        """Draw rectangles that lie wholly in the pictures.

        Args:
            uniform: Shape (n, holes, words per hole).
            frames: The pictures.

        Returns:
            As left, top, right, bottom, shape (n, holes, 4).
        """
        heights, widths = frames.heights[:, None], frames.widths[:, None]
        area = between(uniform[..., 0], *self.fraction) * (heights * widths)
        aspect = between(uniform[..., 1], *self.aspect)
        aspect = np.where(uniform[..., 2] < 0.5, aspect, 1 / aspect)  # noqa: PLR2004 - as often wide as high
        down = np.clip(area / np.clip(np.sqrt(area * aspect), 1, widths), 1, heights)
        across = np.rint(np.clip(area / down, 1, widths)).astype(np.int64)  # wider than drawn where that is too high
        down = np.rint(down).astype(np.int64)
        left, top = (
            whole_between(uniform[..., 3 + axis], 0, room)
            for axis, room in enumerate((widths - across, heights - down))
        )
        return np.stack([left, top, left + across, top + down], axis=-1)


class AppliedGridDropout(_AppliedErasing):
    """A grid."""

    op: Literal["grid_dropout"] = "grid_dropout"
    cells: int = Field(ge=1, le=MAX_CELLS)
    fraction: Level
    shift_x: Level
    shift_y: Level


class GridDropout(_Erasing):
    """Erase squares that stand in a grid.

    Source:
        Chen et al. 2020, "GridMask data augmentation", section 3.2, without turns.
    """

    num_words = 6
    applied = AppliedGridDropout

    op: Literal["grid_dropout"] = "grid_dropout"
    cells: Annotated[list[int], Bounds(1, MAX_CELLS)] = Field(
        [3, 8], description="Cells of the grid along the picture's shorter side."
    )
    fraction: Annotated[list[float], Bounds(0, 1)] = Field([0.25, 0.25], description="Share of each cell's area.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {
            "cells": whole_between(uniform[:, 0], *self.cells),
            "fraction": between(uniform[:, 1], *self.fraction),
            "shift_x": uniform[:, 2],
            "shift_y": uniform[:, 3],
            "fill": self.fill,
            "value": self.value,
            "key": field_key(uniform[:, 4:]),
        }

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        sides = np.minimum(frames.heights, frames.widths) / columns["cells"]
        holes, keys = np.sqrt(columns["fraction"]), columns["key"]
        shifts = np.stack([columns["shift_x"], columns["shift_y"]], axis=1).tolist()
        fill, values = columns["fill"], np.broadcast_to(columns["value"], len(frames))

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_erasing import Blank, erase_grid  # noqa: PLC0415 - as above

            blank = Blank(fill, float(values[row]), int(keys[row]))
            return erase_grid(
                pixels, float(sides[row]), float(holes[row]), shifts[row], blank, has_alpha=frames.has_alpha
            )

        return Whole(apply)
