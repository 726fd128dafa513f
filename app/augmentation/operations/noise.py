"""Noise of sensors and of transmission."""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.augmentation.draws import F64, between, field_key
from app.augmentation.frames import Frames, Pixels
from app.augmentation.noise_bank import read_bank, thresholds_of
from app.augmentation.operation import Applied, Bounds, Columns, Key, Level, Operation
from app.augmentation.primitives import Whole

MAX_PHOTONS = 1e6


class _AppliedDeviation(Applied):
    """A deviation and a field of noise."""

    deviation: Level
    per_channel: bool
    key: Key


class _Deviating(Operation):
    """Draws a deviation and a field of noise."""

    num_words = 3

    deviation: Annotated[list[float], Bounds(0, 1)]
    per_channel: bool = Field(True, description="Whether each channel has noise of its own.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        deviation = between(uniform[:, 0], *self.deviation)
        return {"deviation": deviation, "per_channel": self.per_channel, "key": field_key(uniform[:, 1:])}


class AppliedGaussianNoise(_AppliedDeviation):
    """A deviation and a field of noise."""

    op: Literal["gaussian_noise"] = "gaussian_noise"


class GaussianNoise(_Deviating):
    """Add normal noise, the same everywhere: that of a sensor's electronics."""

    applied = AppliedGaussianNoise

    op: Literal["gaussian_noise"] = "gaussian_noise"
    deviation: Annotated[list[float], Bounds(0, 1)] = Field([0.01, 0.05], description="Deviation; white is 1.")

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        deviations, keys, per_channel = columns["deviation"], columns["key"], columns["per_channel"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_noise import add_noise  # noqa: PLC0415 - plans are drawn without OpenCV

            return add_noise(
                pixels, int(keys[row]), float(deviations[row]), per_channel=per_channel, has_alpha=frames.has_alpha
            )

        return Whole(apply)


class AppliedShotNoise(Applied):
    """A number of photons and a field of noise."""

    op: Literal["shot_noise"] = "shot_noise"
    photons: float = Field(ge=1, le=MAX_PHOTONS)
    key: Key


class ShotNoise(Operation):
    """Add the noise of counted photons: normal, with the variance of a Poisson distribution, level by photons."""

    num_words = 3
    applied = AppliedShotNoise

    op: Literal["shot_noise"] = "shot_noise"
    photons: Annotated[list[float], Bounds(1, MAX_PHOTONS)] = Field(
        [100.0, 1000.0], description="Photons that a white pixel counts in each channel; fewer are noisier."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"photons": between(uniform[:, 0], *self.photons), "key": field_key(uniform[:, 1:])}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        photons, keys = columns["photons"], columns["key"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_noise import add_scaled_noise  # noqa: PLC0415 - as above

            count = float(photons[row])
            return add_scaled_noise(
                pixels,
                int(keys[row]),
                lambda levels: np.sqrt(levels / count),
                per_channel=True,
                has_alpha=frames.has_alpha,
            )

        return Whole(apply)


class AppliedSpeckle(_AppliedDeviation):
    """A deviation and a field of noise."""

    op: Literal["speckle"] = "speckle"


class Speckle(_Deviating):
    """Multiply by normal noise around 1: that of radar and ultrasound."""

    applied = AppliedSpeckle

    op: Literal["speckle"] = "speckle"
    deviation: Annotated[list[float], Bounds(0, 1)] = Field(
        [0.05, 0.2], description="Deviation; the level itself is 1."
    )

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        deviations, keys, per_channel = columns["deviation"], columns["key"], columns["per_channel"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_noise import add_scaled_noise  # noqa: PLC0415 - as above

            deviation = float(deviations[row])
            return add_scaled_noise(
                pixels,
                int(keys[row]),
                lambda levels: levels * deviation,
                per_channel=per_channel,
                has_alpha=frames.has_alpha,
            )

        return Whole(apply)


class AppliedSaltAndPepper(Applied):
    """A share of pixels, the share of white ones among them, and a field of noise."""

    op: Literal["salt_and_pepper"] = "salt_and_pepper"
    fraction: Level
    salt: Level
    key: Key


class SaltAndPepper(Operation):
    """Make single pixels white or black: dead ones, and errors of transmission."""

    num_words = 4
    applied = AppliedSaltAndPepper

    op: Literal["salt_and_pepper"] = "salt_and_pepper"
    fraction: Annotated[list[float], Bounds(0, 1)] = Field([0.005, 0.03], description="Share of the pixels.")
    salt: Annotated[list[float], Bounds(0, 1)] = Field([0.5, 0.5], description="Share of white ones among these.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {
            "fraction": between(uniform[:, 0], *self.fraction),
            "salt": between(uniform[:, 1], *self.salt),
            "key": field_key(uniform[:, 2:]),
        }

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        keys = columns["key"]
        salt, pepper = columns["fraction"] * columns["salt"], columns["fraction"] * (1 - columns["salt"])
        lows, highs = thresholds_of(pepper), -thresholds_of(salt)

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_noise import replace  # noqa: PLC0415 - as above

            field = read_bank(int(keys[row]), pixels.shape[:2])
            masks = [(field >= int(highs[row]), 1.0), (field < int(lows[row]), 0.0)]
            return replace(pixels, masks, has_alpha=frames.has_alpha)

        return Whole(apply)


class AppliedPixelDropout(Applied):
    """A share of pixels, the level that they get, and a field of noise."""

    op: Literal["pixel_dropout"] = "pixel_dropout"
    fraction: Level
    value: Level
    key: Key


class PixelDropout(Operation):
    """Set single pixels to one level."""

    num_words = 3
    applied = AppliedPixelDropout

    op: Literal["pixel_dropout"] = "pixel_dropout"
    fraction: Annotated[list[float], Bounds(0, 1)] = Field([0.01, 0.1], description="Share of the pixels.")
    value: Level = Field(0.0, description="Their level: black 0 to white 1.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        fraction = between(uniform[:, 0], *self.fraction)
        return {"fraction": fraction, "value": self.value, "key": field_key(uniform[:, 1:])}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        values, keys = np.broadcast_to(columns["value"], len(frames)), columns["key"]
        limits = thresholds_of(columns["fraction"])

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_noise import replace  # noqa: PLC0415 - as above

            mask: NDArray[np.bool_] = read_bank(int(keys[row]), pixels.shape[:2]) < int(limits[row])
            return replace(pixels, [(mask, float(values[row]))], has_alpha=frames.has_alpha)

        return Whole(apply)
