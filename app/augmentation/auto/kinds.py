"""What published policies apply: operations whose strength is one number, 0 where they change nothing.

Papers say in units of their own how strong an operation is. Here it is the tangent of a slant, a part of the side or
pixels of a shift, degrees of a turn, the distance of a factor from 1, bits that are dropped, levels of 256 that are
inverted.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from app.augmentation.draws import F64
from app.augmentation.frames import Frames
from app.augmentation.operation import Columns, Operation, round_half_up
from app.augmentation.operations.affine import Shear, Shift
from app.augmentation.operations.blurs import Sharpen
from app.augmentation.operations.colours import Brightness, Contrast, Invert, Saturation
from app.augmentation.operations.curves import Posterise, Solarise
from app.augmentation.operations.histograms import AutoContrast, Equalise
from app.augmentation.operations.turns import Rotate


@dataclasses.dataclass(frozen=True)
class Kind:
    """An operation of published policies.

    Attributes:
        operation: Which.
        columns: Takes strengths, shape (n,), and the pictures before; returns drawn parameters.
        has_sign: Whether a strength may be negative; its sign is drawn.
        has_strength: Whether it takes a strength.
    """

    operation: type[Operation]
    columns: Callable[[F64, Frames], Mapping[str, Any]]
    has_sign: bool = True
    has_strength: bool = True

    def draw(self, strengths: F64, frames: Frames, outside: Columns) -> Columns:
        """Return drawn parameters.

        Args:
            strengths: Shape (n,).
            frames: The pictures before.
            outside: ``fill``, ``value`` and ``interpolation``, for operations that take them.
        """
        fields = self.operation.applied.model_fields
        taken = {name: value for name, value in outside.items() if name in fields}
        return {**self.columns(strengths, frames), **taken}


def _factors(strengths: F64, _frames: Frames) -> Columns:
    return {"factor": 1 + strengths}


def _stretches(strengths: F64, _frames: Frames) -> Columns:
    return {"cutoff_fraction": 0 * strengths}


def _nothing(_strengths: F64, _frames: Frames) -> Columns:
    return {}


def _slant(strengths: F64) -> F64:
    return np.asarray(np.rad2deg(np.arctan(strengths)))


def _zeros(frames: Frames) -> Any:
    return np.zeros(len(frames), np.int64)


KINDS: Mapping[str, Kind] = {
    "shear_x": Kind(Shear, lambda by, _frames: {"degrees_x": _slant(by), "degrees_y": 0.0 * by}),
    "shear_y": Kind(Shear, lambda by, _frames: {"degrees_x": 0.0 * by, "degrees_y": _slant(by)}),
    "shift_x": Kind(Shift, lambda by, frames: {"px_x": round_half_up(by * frames.widths), "px_y": _zeros(frames)}),
    "shift_y": Kind(Shift, lambda by, frames: {"px_x": _zeros(frames), "px_y": round_half_up(by * frames.heights)}),
    "shift_px_x": Kind(Shift, lambda by, frames: {"px_x": round_half_up(by), "px_y": _zeros(frames)}),
    "shift_px_y": Kind(Shift, lambda by, frames: {"px_x": _zeros(frames), "px_y": round_half_up(by)}),
    "rotate": Kind(Rotate, lambda by, _frames: {"degrees": by}),
    "brightness": Kind(Brightness, _factors),
    "saturation": Kind(Saturation, _factors),
    "contrast": Kind(Contrast, lambda by, _frames: {"factor": 1 + by, "about": "mean"}),
    "sharpness": Kind(Sharpen, _factors),
    "posterise": Kind(Posterise, lambda by, _frames: {"bits": np.maximum(8 - round_half_up(by), 1)}, has_sign=False),
    "solarise": Kind(Solarise, lambda by, _frames: {"threshold": np.clip((256 - by) / 255, 0, 1)}, has_sign=False),
    "auto_contrast": Kind(AutoContrast, _stretches, has_sign=False, has_strength=False),
    "equalise": Kind(Equalise, _nothing, has_sign=False, has_strength=False),
    "invert": Kind(Invert, _nothing, has_sign=False, has_strength=False),
}

STANDARD: Mapping[str, float] = {
    "shear_x": 0.3,
    "shear_y": 0.3,
    "shift_x": 150 / 331,
    "shift_y": 150 / 331,
    "rotate": 30.0,
    "brightness": 0.9,
    "saturation": 0.9,
    "contrast": 0.9,
    "sharpness": 0.9,
    "posterise": 4.0,
    "solarise": 256.0,
}
"""Strengths at the highest level of AutoAugment and RandAugment.

Factors are drawn above 1 or below it, so that level 0 changes nothing, as most libraries read the table; the authors'
own program goes from the least factor at level 0 to the largest.

Source:
    Cubuk et al. 2019, "AutoAugment: learning augmentation strategies from data", table 6: slants to 0.3, shifts to 150
    of 331 pixels, turns to 30 degrees, factors from 0.1 to 1.9, 4 to 8 bits, thresholds from 0 to 256.
"""

WIDE: Mapping[str, float] = {
    "shear_x": 0.99,
    "shear_y": 0.99,
    "shift_px_x": 32.0,
    "shift_px_y": 32.0,
    "rotate": 135.0,
    "brightness": 0.99,
    "saturation": 0.99,
    "contrast": 0.99,
    "sharpness": 0.99,
    "posterise": 6.0,
    "solarise": 256.0,
}
"""Strengths at the highest level of TrivialAugment.

Source:
    Müller and Hutter 2021, "TrivialAugment: tuning-free yet state-of-the-art data augmentation", table 1, "Wide":
    slants to 0.99, shifts to 32 pixels, turns to 135 degrees, factors from 0.01 to 1.99, 2 to 8 bits, thresholds from 0
    to 256.
"""
