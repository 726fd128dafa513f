"""Levels brought to where a picture's own histograms say. Pixels without any opacity are not counted."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from app.augmentation.draws import F64, I64, between
from app.augmentation.fitting import LevelCurve, fit_equal, fit_normal, fit_stretch
from app.augmentation.frames import Frames, Pixels
from app.augmentation.operation import Applied, Bounds, Columns, Level, Operation
from app.augmentation.primitives import Whole

MAX_CELLS = 16


class AppliedEqualise(Applied):
    """Nothing."""

    op: Literal["equalise"] = "equalise"


class Equalise(Operation):
    """Spread the levels of each channel so that all are about as frequent."""

    applied = AppliedEqualise

    op: Literal["equalise"] = "equalise"

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        return adapting(frames, lambda counts, _: [fit_equal(each) for each in counts])


class AppliedAutoContrast(Applied):
    """A fraction."""

    op: Literal["auto_contrast"] = "auto_contrast"
    cutoff_fraction: float = Field(ge=0, le=0.49)


class AutoContrast(Operation):
    """Stretch each channel, so that its darkest level becomes black and its lightest white."""

    num_words = 1
    applied = AppliedAutoContrast

    op: Literal["auto_contrast"] = "auto_contrast"
    cutoff_fraction: Annotated[list[float], Bounds(0, 0.49)] = Field(
        [0.0, 0.0], description="Of the pixels, left out at either end."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"cutoff_fraction": between(uniform[:, 0], *self.cutoff_fraction)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        cutoffs = columns["cutoff_fraction"]
        return adapting(frames, lambda counts, row: [fit_stretch(each, cutoffs[row]) for each in counts])


class AppliedNormalise(Applied):
    """A mean and a deviation."""

    op: Literal["normalise"] = "normalise"
    mean: Level
    deviation: Level


class Normalise(Operation):
    """Bring mean and standard deviation of each channel to given levels; what is then beyond black or white is cut."""

    num_words = 2
    applied = AppliedNormalise

    op: Literal["normalise"] = "normalise"
    mean: Annotated[list[float], Bounds(0, 1)] = Field([0.5, 0.5], description="Mean level after; white is 1.")
    deviation: Annotated[list[float], Bounds(0, 1)] = Field(
        [0.25, 0.25], description="Standard deviation after; white is 1."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"mean": between(uniform[:, 0], *self.mean), "deviation": between(uniform[:, 1], *self.deviation)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        means, deviations = columns["mean"], columns["deviation"]
        return adapting(frames, lambda counts, row: [fit_normal(each, means[row], deviations[row]) for each in counts])


class AppliedClahe(Applied):
    """A limit and a number of cells."""

    op: Literal["clahe"] = "clahe"
    clip: float = Field(ge=1, le=40)
    cells: int = Field(ge=1, le=MAX_CELLS)


class Clahe(Operation):
    """Equalise by parts with a limit on contrast: luma of pictures in red, green and blue, else each channel."""

    num_words = 1
    applied = AppliedClahe

    op: Literal["clahe"] = "clahe"
    clip: Annotated[list[float], Bounds(1, 40)] = Field(
        [1.0, 4.0], description="The most that one level counts, in multiples of an even share."
    )
    cells: int = Field(8, ge=1, le=MAX_CELLS, description="Parts, down and across.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"clip": between(uniform[:, 0], *self.clip), "cells": self.cells}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        clips, cells = columns["clip"], np.broadcast_to(columns["cells"], len(frames))
        return Whole(lambda pixels, row: _equalise_locally(pixels, clips[row], int(cells[row]), frames))


def adapting(frames: Frames, fit: Callable[[Sequence[I64], int], Sequence[LevelCurve]]) -> Whole:
    """Map the levels of each channel by a curve of its own.

    Args:
        frames: The pictures.
        fit: Takes the histograms of all colours and the number of the output; returns as many curves.
    """

    def run(pixels: Pixels, row: int) -> Pixels:
        from app.augmentation.adapting import adapt  # noqa: PLC0415 - OpenCV, where there are pixels only

        return adapt(pixels, lambda counts: fit(counts, row), has_alpha=frames.has_alpha)

    return Whole(run)


def _equalise_locally(pixels: Pixels, clip: float, cells: int, frames: Frames) -> Pixels:
    from app.augmentation.local_contrast import equalise_locally  # noqa: PLC0415 - OpenCV, where there are pixels only

    return equalise_locally(pixels, clip, cells, has_alpha=frames.has_alpha)
