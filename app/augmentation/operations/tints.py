"""Tints: the colour of light, and of old prints."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from app.augmentation.colouring import gain, light_gains, tone
from app.augmentation.draws import F64, between
from app.augmentation.frames import Frames
from app.augmentation.operation import Applied, Bounds, Columns, Level, Operation
from app.augmentation.primitives import Colour

_MIRED = 1e6


class AppliedTemperature(Applied):
    """A temperature."""

    op: Literal["temperature"] = "temperature"
    kelvin: float = Field(ge=2500, le=15000)


class Temperature(Operation):
    """Light a picture anew: warmer than daylight below 6500 K, colder above. Greys of one channel stay."""

    num_words = 1
    applied = AppliedTemperature
    needs_rgb = True

    op: Literal["temperature"] = "temperature"
    kelvin: Annotated[list[float], Bounds(2500, 15000)] = Field(
        [5000.0, 8500.0], description="Temperature of the light, drawn evenly in its reciprocal, as eyes see it."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        low, high = self.kelvin
        return {"kelvin": np.clip(_MIRED / between(uniform[:, 0], _MIRED / low, _MIRED / high), low, high)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        gains = light_gains(columns["kelvin"]) if frames.is_rgb else np.ones((len(frames), frames.colours))
        return Colour(gain(gains, frames.colours))


class AppliedSepia(Applied):
    """A fraction."""

    op: Literal["sepia"] = "sepia"
    fraction: Level


class Sepia(Operation):
    """Give a picture the brown of old prints. Greys of one channel stay."""

    num_words = 1
    applied = AppliedSepia
    needs_rgb = True

    op: Literal["sepia"] = "sepia"
    fraction: Annotated[list[float], Bounds(0, 1)] = Field([1.0, 1.0], description="Of the way to brown.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"fraction": between(uniform[:, 0], *self.fraction)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        return Colour(tone(columns["fraction"], frames.colours))
