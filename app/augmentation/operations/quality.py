"""What codecs and small sizes leave of a picture."""

from typing import Annotated, Literal

from pydantic import Field

from app.augmentation.draws import F64, between, whole_between
from app.augmentation.frames import Frames, Pixels
from app.augmentation.operation import Applied, Bounds, Columns, Operation
from app.augmentation.primitives import Whole

MIN_FACTOR = 0.01
MAX_BLOCK = 256


class AppliedJpegArtefacts(Applied):
    """A quality."""

    op: Literal["jpeg_artefacts"] = "jpeg_artefacts"
    quality: int = Field(ge=1, le=100)


class JpegArtefacts(Operation):
    """Encode as JPEG and decode; transparency stays, and deep pixels get the error that their 8 bits suffer."""

    num_words = 1
    applied = AppliedJpegArtefacts

    op: Literal["jpeg_artefacts"] = "jpeg_artefacts"
    quality: Annotated[list[int], Bounds(1, 100)] = Field([30, 80], description="Quality: 1 worst to 100 best.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"quality": whole_between(uniform[:, 0], *self.quality)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        qualities = columns["quality"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_quality import code_jpeg  # noqa: PLC0415 - plans are drawn without OpenCV

            return code_jpeg(pixels, int(qualities[row]), has_alpha=frames.has_alpha)

        return Whole(apply)


class AppliedDownscale(Applied):
    """A factor and an interpolation."""

    op: Literal["downscale"] = "downscale"
    factor: float = Field(ge=MIN_FACTOR, le=1)
    interpolation: Literal["nearest", "linear"]


class Downscale(Operation):
    """Shrink and enlarge again: what a smaller picture would show."""

    num_words = 1
    applied = AppliedDownscale

    op: Literal["downscale"] = "downscale"
    factor: Annotated[list[float], Bounds(MIN_FACTOR, 1)] = Field(
        [0.25, 0.75], description="Size of the small picture."
    )
    interpolation: Literal["nearest", "linear"] = Field(
        "linear", description="`nearest` shows the small picture's pixels, `linear` is smooth."
    )

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"factor": between(uniform[:, 0], *self.factor), "interpolation": self.interpolation}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        factors, interpolation = columns["factor"], columns["interpolation"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_quality import shrink_and_enlarge  # noqa: PLC0415 - as above

            return shrink_and_enlarge(pixels, float(factors[row]), interpolation, has_alpha=frames.has_alpha)

        return Whole(apply)


class AppliedPixelate(Applied):
    """A block's side."""

    op: Literal["pixelate"] = "pixelate"
    px: int = Field(ge=1, le=MAX_BLOCK)


class Pixelate(Operation):
    """Show square blocks of one colour each, their mean."""

    num_words = 1
    applied = AppliedPixelate

    op: Literal["pixelate"] = "pixelate"
    px: Annotated[list[int], Bounds(1, MAX_BLOCK)] = Field([2, 8], description="Side of a block.")

    def sample(self, uniform: F64, frames: Frames) -> Columns:
        return {"px": whole_between(uniform[:, 0], *self.px)}

    @classmethod
    def build(cls, columns: Columns, frames: Frames) -> Whole:
        sides = columns["px"]

        def apply(pixels: Pixels, row: int) -> Pixels:
            from app.augmentation.kernels_quality import fill_blocks  # noqa: PLC0415 - as above

            return fill_blocks(pixels, int(sides[row]), has_alpha=frames.has_alpha)

        return Whole(apply)
