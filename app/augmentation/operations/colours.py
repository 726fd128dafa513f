"""Light and colour: matrices of colours, which fold into one."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from app.augmentation.colouring import affine, chain, gain, saturate, stretch, turn_hue
from app.augmentation.draws import F64, between
from app.augmentation.fitting import fit_contrast
from app.augmentation.frames import Frames
from app.augmentation.operation import Applied, Bounds, Columns, Operation
from app.augmentation.operations.histograms import adapting
from app.augmentation.primitives import Colour, Whole

Factor = Annotated[float, Field(ge=0, le=4)]
FactorRange = Annotated[list[float], Bounds(0, 4)]
Degrees = Annotated[float, Field(ge=-180, le=180)]


class AppliedBrightness(Applied):
    """A gain."""

    op: Literal["brightness"] = "brightness"
    factor: Factor


class Brightness(Operation):
    """Multiply all levels: 0 makes black, 1 changes nothing."""

    num_words = 1
    applied = AppliedBrightness

    op: Literal["brightness"] = "brightness"
    factor: FactorRange = Field([0.8, 1.2], description="Gain.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"factor": between(uniform[:, 0], *self.factor)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        return Colour(gain(columns["factor"], frames.colours))


class AppliedLighten(Applied):
    """A shift."""

    op: Literal["lighten"] = "lighten"
    fraction: float = Field(ge=-1, le=1)


class Lighten(Operation):
    """Add to all levels; negative numbers darken."""

    num_words = 1
    applied = AppliedLighten

    op: Literal["lighten"] = "lighten"
    fraction: Annotated[list[float], Bounds(-1, 1)] = Field([-0.2, 0.2], description="What is added; white is 1.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"fraction": between(uniform[:, 0], *self.fraction)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        fractions = columns["fraction"]
        return Colour(gain(np.ones(len(frames)), frames.colours, fractions[:, None]))


class AppliedContrast(Applied):
    """A factor, and about what."""

    op: Literal["contrast"] = "contrast"
    factor: Factor
    about: Literal["middle", "mean"]


class Contrast(Operation):
    """Bring levels away from grey or to it: 0 makes it all grey, 1 changes nothing."""

    num_words = 1
    applied = AppliedContrast

    op: Literal["contrast"] = "contrast"
    factor: FactorRange = Field([0.8, 1.2], description="How far levels are from the grey, to how far they were.")
    about: Literal["middle", "mean"] = Field(
        "middle", description="Which grey: half of white, or the mean of what is seen of the picture."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"factor": between(uniform[:, 0], *self.factor), "about": self.about}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour | Whole:
        factors = columns["factor"]
        if columns["about"] == "middle":
            return Colour(stretch(factors, frames.colours))
        return adapting(frames, lambda counts, row: [fit_contrast(counts, factors[row])] * frames.colours)


class AppliedSaturation(Applied):
    """A factor."""

    op: Literal["saturation"] = "saturation"
    factor: Factor


class Saturation(Operation):
    """Bring colours away from their own grey or to it: 0 makes a grey picture, 1 changes nothing."""

    num_words = 1
    applied = AppliedSaturation

    op: Literal["saturation"] = "saturation"
    factor: FactorRange = Field([0.8, 1.2], description="How far colours are from grey, to how far they were.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"factor": between(uniform[:, 0], *self.factor)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        return Colour(saturate(columns["factor"], frames.colours))


class AppliedHue(Applied):
    """An angle."""

    op: Literal["hue"] = "hue"
    degrees: Degrees


class Hue(Operation):
    """Turn colours, red to green to blue: one matrix in the plane of chroma, so that luma and greys stay."""

    num_words = 1
    applied = AppliedHue
    needs_rgb = True

    op: Literal["hue"] = "hue"
    degrees: Annotated[list[float], Bounds(-180, 180)] = Field([-18.0, 18.0], description="Angle.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"degrees": between(uniform[:, 0], *self.degrees)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        return Colour(turn_hue(columns["degrees"], frames.colours))


class AppliedColourJitter(Applied):
    """Three factors and an angle."""

    op: Literal["colour_jitter"] = "colour_jitter"
    brightness_factor: Factor
    contrast_factor: Factor
    saturation_factor: Factor
    hue_degrees: Degrees


class ColourJitter(Operation):
    """Change brightness, contrast about the middle, saturation and hue, in this order, as one matrix."""

    num_words = 4
    applied = AppliedColourJitter
    needs_rgb = True

    op: Literal["colour_jitter"] = "colour_jitter"
    brightness_factor: FactorRange = Field([0.8, 1.2], description="As in `brightness`.")
    contrast_factor: FactorRange = Field([0.8, 1.2], description="As in `contrast`.")
    saturation_factor: FactorRange = Field([0.8, 1.2], description="As in `saturation`.")
    hue_degrees: Annotated[list[float], Bounds(-180, 180)] = Field([-18.0, 18.0], description="As in `hue`.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {
            "brightness_factor": between(uniform[:, 0], *self.brightness_factor),
            "contrast_factor": between(uniform[:, 1], *self.contrast_factor),
            "saturation_factor": between(uniform[:, 2], *self.saturation_factor),
            "hue_degrees": between(uniform[:, 3], *self.hue_degrees),
        }

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        colours = frames.colours
        return Colour(
            chain(
                gain(columns["brightness_factor"], colours),
                stretch(columns["contrast_factor"], colours),
                saturate(columns["saturation_factor"], colours),
                turn_hue(columns["hue_degrees"], colours),
            )
        )


class AppliedGreyscale(Applied):
    """Nothing."""

    op: Literal["greyscale"] = "greyscale"


class Greyscale(Operation):
    """Give all colours the level of their grey; there are as many channels as before."""

    applied = AppliedGreyscale

    op: Literal["greyscale"] = "greyscale"

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        return Colour(saturate(np.zeros(len(frames)), frames.colours))


class AppliedInvert(Applied):
    """Nothing."""

    op: Literal["invert"] = "invert"


class Invert(Operation):
    """Make a negative: black becomes white."""

    applied = AppliedInvert

    op: Literal["invert"] = "invert"

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Colour:
        negative = np.broadcast_to(-np.eye(frames.colours), (len(frames), frames.colours, frames.colours))
        return Colour(affine(negative, 1.0))
