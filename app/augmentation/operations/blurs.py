"""Blurs of lenses and of motion, and their opposite."""

from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator

from app.augmentation.draws import F64, between, whole_between
from app.augmentation.frames import Frames, Pixels
from app.augmentation.kernel_shapes import draw_disc, draw_line, draw_sharpening
from app.augmentation.operation import Applied, Bounds, Columns, Finite, Operation
from app.augmentation.primitives import Whole
from app.core.errors import InvalidInputError

MAX_DEVIATION = 32
MAX_LENGTH = 64
MAX_RADIUS = 32
MAX_MEDIAN = 31
MAX_DEEP_MEDIAN = 5
MAX_SHARPNESS = 8


class AppliedGaussianBlur(Applied):
    """A deviation."""

    op: Literal["gaussian_blur"] = "gaussian_blur"
    px: float = Field(ge=0, le=MAX_DEVIATION)


class GaussianBlur(Operation):
    """Blur by a normal distribution."""

    num_words = 1
    applied = AppliedGaussianBlur

    op: Literal["gaussian_blur"] = "gaussian_blur"
    px: Annotated[list[float], Bounds(0, MAX_DEVIATION)] = Field([0.5, 2.0], description="Standard deviation.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"px": between(uniform[:, 0], *self.px)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        deviations = columns["px"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_blur import blur_bell  # noqa: PLC0415 - plans are drawn without OpenCV

            return blur_bell(pixels, float(deviations[row]), has_alpha=frames.has_alpha)

        return Whole(apply)


class AppliedMotionBlur(Applied):
    """A line."""

    op: Literal["motion_blur"] = "motion_blur"
    px: float = Field(ge=1, le=MAX_LENGTH)
    degrees: Finite


class MotionBlur(Operation):
    """Blur along a line, as a moving camera does."""

    num_words = 2
    applied = AppliedMotionBlur

    op: Literal["motion_blur"] = "motion_blur"
    px: Annotated[list[float], Bounds(1, MAX_LENGTH)] = Field([3.0, 9.0], description="Length of the line.")
    degrees: Annotated[list[float], Bounds(-360, 360)] = Field(
        [0.0, 180.0], description="Its direction, counter-clockwise from the horizontal as seen."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"px": between(uniform[:, 0], *self.px), "degrees": between(uniform[:, 1], *self.degrees)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        lengths, degrees = columns["px"], columns["degrees"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_blur import blur_shape  # noqa: PLC0415 - as above

            line = draw_line(float(lengths[row]), float(degrees[row]))
            return blur_shape(pixels, line, has_alpha=frames.has_alpha)

        return Whole(apply)


class AppliedDefocus(Applied):
    """A radius."""

    op: Literal["defocus"] = "defocus"
    px: float = Field(ge=0, le=MAX_RADIUS)


class Defocus(Operation):
    """Blur by a disc, as a lens out of focus does."""

    num_words = 1
    applied = AppliedDefocus

    op: Literal["defocus"] = "defocus"
    px: Annotated[list[float], Bounds(0, MAX_RADIUS)] = Field([1.0, 3.0], description="Radius of the disc.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"px": between(uniform[:, 0], *self.px)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        radii = columns["px"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_blur import blur_shape  # noqa: PLC0415 - as above

            return blur_shape(pixels, draw_disc(float(radii[row])), has_alpha=frames.has_alpha)

        return Whole(apply)


class AppliedBoxBlur(Applied):
    """A radius."""

    op: Literal["box_blur"] = "box_blur"
    px: int = Field(ge=0, le=MAX_RADIUS)


class BoxBlur(Operation):
    """Blur by the mean of a square."""

    num_words = 1
    applied = AppliedBoxBlur

    op: Literal["box_blur"] = "box_blur"
    px: Annotated[list[int], Bounds(0, MAX_RADIUS)] = Field(
        [1, 3], description="Pixels from the middle of the square to its edge: 1 for three by three."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"px": whole_between(uniform[:, 0], *self.px)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        radii = columns["px"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_blur import blur_box  # noqa: PLC0415 - as above

            return blur_box(pixels, int(radii[row]), has_alpha=frames.has_alpha)

        return Whole(apply)


class AppliedMedianBlur(Applied):
    """A side."""

    op: Literal["median_blur"] = "median_blur"
    px: int = Field(ge=1, le=MAX_MEDIAN)

    @field_validator("px")
    @classmethod
    def _check_odd(cls, px: int) -> int:
        return _odd(px)


class MedianBlur(Operation):
    """Take the median of a square of pixels, of each colour by itself; transparency stays."""

    num_words = 1
    applied = AppliedMedianBlur

    op: Literal["median_blur"] = "median_blur"
    px: Annotated[list[int], Bounds(1, MAX_MEDIAN)] = Field(
        [3, 5], description=f"Side of the square, odd; at most {MAX_DEEP_MEDIAN} where pixels are not of 8 bits."
    )

    @field_validator("px")
    @classmethod
    def _check_odd(cls, px: list[int]) -> list[int]:
        return [_odd(side) for side in px]

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        low, high = self.px
        _check_depth(high, frames)
        return {"px": 2 * whole_between(uniform[:, 0], low // 2, high // 2) + 1}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        sides = columns["px"]
        _check_depth(int(np.max(sides, initial=0)), frames)

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_blur import take_median  # noqa: PLC0415 - as above

            return take_median(pixels, int(sides[row]), has_alpha=frames.has_alpha)

        return Whole(apply)


class AppliedSharpen(Applied):
    """A factor."""

    op: Literal["sharpen"] = "sharpen"
    factor: float = Field(ge=0, le=MAX_SHARPNESS)


class Sharpen(Operation):
    """Multiply the difference from a smoother picture; transparency stays."""

    num_words = 1
    applied = AppliedSharpen

    op: Literal["sharpen"] = "sharpen"
    factor: Annotated[list[float], Bounds(0, MAX_SHARPNESS)] = Field(
        [1.0, 2.0], description="1 changes nothing, less is smoother, more is sharper."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"factor": between(uniform[:, 0], *self.factor)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        factors = columns["factor"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_blur import sharpen  # noqa: PLC0415 - as above

            return sharpen(pixels, draw_sharpening(float(factors[row])), has_alpha=frames.has_alpha)

        return Whole(apply)


def _odd(side: int) -> int:
    if side % 2 == 0:
        raise ValueError("the side of a median is odd")
    return side


def _check_depth(side: int, frames: Frames) -> None:
    """Refuse what has no fast algorithm.

    Raises:
        InvalidInputError: If a median is too large for deep pixels.
    """
    if side > MAX_DEEP_MEDIAN and frames.depth != "uint8":
        raise InvalidInputError(
            f"`median_blur` of more than {MAX_DEEP_MEDIAN} px needs pixels of 8 bits; these are {frames.depth}"
        )
