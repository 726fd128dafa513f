"""Curves: each level by itself, which fold into one table."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from app.augmentation.draws import F64, between, whole_between
from app.augmentation.frames import Frames
from app.augmentation.operation import Applied, Bounds, Columns, Level, Operation
from app.augmentation.primitives import Curve

_BITS = {"uint8": 8, "uint16": 16, "float32": 16}


class AppliedGamma(Applied):
    """An exponent."""

    op: Literal["gamma"] = "gamma"
    exponent: float = Field(ge=0.1, le=10)


class Gamma(Operation):
    """Raise levels to a power: below 1 lightens, above darkens; black and white stay."""

    num_words = 1
    applied = AppliedGamma

    op: Literal["gamma"] = "gamma"
    exponent: Annotated[list[float], Bounds(0.1, 10)] = Field([0.8, 1.25], description="The power.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"exponent": between(uniform[:, 0], *self.exponent)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Curve:
        exponents = columns["exponent"]
        return Curve(lambda levels, row: np.power(levels, exponents[row]))


class AppliedPosterise(Applied):
    """A number of bits."""

    op: Literal["posterise"] = "posterise"
    bits: int = Field(ge=1, le=8)


class Posterise(Operation):
    """Keep the highest bits of each level, of 8 or of 16; numbers with a point are taken as 16."""

    num_words = 1
    applied = AppliedPosterise

    op: Literal["posterise"] = "posterise"
    bits: Annotated[list[int], Bounds(1, 8)] = Field([4, 8], description="How many are kept.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"bits": whole_between(uniform[:, 0], *self.bits)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Curve:
        bits = _BITS[frames.depth]
        white, steps = 2.0**bits - 1, 2.0 ** (bits - columns["bits"])
        return Curve(lambda levels, row: np.floor(np.rint(levels * white) / steps[row]) * steps[row] / white)


class AppliedSolarise(Applied):
    """A level."""

    op: Literal["solarise"] = "solarise"
    threshold: Level


class Solarise(Operation):
    """Invert what is light: levels from a threshold up."""

    num_words = 1
    applied = AppliedSolarise

    op: Literal["solarise"] = "solarise"
    threshold: Annotated[list[float], Bounds(0, 1)] = Field([0.5, 1.0], description="Level; white is 1.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"threshold": between(uniform[:, 0], *self.threshold)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Curve:
        thresholds = columns["threshold"]
        return Curve(lambda levels, row: np.where(levels >= thresholds[row], 1 - levels, levels))


class AppliedThreshold(Applied):
    """A level."""

    op: Literal["threshold"] = "threshold"
    threshold: Level


class Threshold(Operation):
    """Make each channel black below a level, and white from it up."""

    num_words = 1
    applied = AppliedThreshold

    op: Literal["threshold"] = "threshold"
    threshold: Annotated[list[float], Bounds(0, 1)] = Field([0.4, 0.6], description="Level; white is 1.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"threshold": between(uniform[:, 0], *self.threshold)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Curve:
        thresholds = columns["threshold"]
        return Curve(lambda levels, row: np.where(levels >= thresholds[row], 1.0, 0.0))


class AppliedLevels(Applied):
    """Two levels."""

    op: Literal["levels"] = "levels"
    black: float = Field(ge=0, le=0.49)
    white: float = Field(ge=0.51, le=1)


class Levels(Operation):
    """Stretch levels: one becomes black, another white."""

    num_words = 2
    applied = AppliedLevels

    op: Literal["levels"] = "levels"
    black: Annotated[list[float], Bounds(0, 0.49)] = Field([0.0, 0.1], description="Level that becomes black.")
    white: Annotated[list[float], Bounds(0.51, 1)] = Field([0.9, 1.0], description="Level that becomes white.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"black": between(uniform[:, 0], *self.black), "white": between(uniform[:, 1], *self.white)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Curve:
        blacks, spreads = columns["black"], columns["white"] - columns["black"]
        return Curve(lambda levels, row: (levels - blacks[row]) / spreads[row])


class AppliedToneCurve(Applied):
    """Two shifts."""

    op: Literal["tone_curve"] = "tone_curve"
    dark_fraction: float = Field(ge=-0.3, le=0.3)
    light_fraction: float = Field(ge=-0.3, le=0.3)


class ToneCurve(Operation):
    """Bend levels between black and white, which stay: the dark and the light ones each on their own."""

    num_words = 2
    applied = AppliedToneCurve

    op: Literal["tone_curve"] = "tone_curve"
    fraction: Annotated[list[float], Bounds(-0.3, 0.3)] = Field(
        [-0.15, 0.15], description="How far a handle of the curve, at a third and at two, is moved up; white is 1."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {
            "dark_fraction": between(uniform[:, 0], *self.fraction),
            "light_fraction": between(uniform[:, 1], *self.fraction),
        }

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Curve:
        dark, light = columns["dark_fraction"], columns["light_fraction"]
        return Curve(lambda levels, row: _bend(levels, dark[row], light[row]))


def _bend(levels: F64, dark: float, light: float) -> F64:
    """Evaluate a cubic of Bézier whose handles lie on the diagonal, but for their shifts."""
    rest = 1 - levels
    return np.asarray(levels + 3 * levels * rest * (rest * dark + levels * light))
