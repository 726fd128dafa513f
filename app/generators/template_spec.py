"""What a template says: an image, and per class what is drawn, with a range for everything that varies."""

from collections.abc import Callable
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from app.generators.base import ArchitectureConfig
from app.repository.manifest import ClassName, ShortText

LARGEST_SIDE = 256

Shape: TypeAlias = Literal[
    "arrow",
    "circle",
    "cross",
    "diamond",
    "heart",
    "hexagon",
    "line",
    "pentagon",
    "rectangle",
    "square",
    "star",
    "triangle",
]


def _check_order(bounds: list[float]) -> list[float]:
    if bounds[0] > bounds[1]:
        raise ValueError("the lower end of a range comes first")
    return bounds


def _within(low: float, high: float) -> Callable[[list[float]], list[float]]:
    def check(bounds: list[float]) -> list[float]:
        if not low <= min(bounds) <= max(bounds) <= high:
            raise ValueError(f"both ends of the range are from {low:g} to {high:g}")
        return bounds

    return check


Range: TypeAlias = Annotated[list[float], Field(min_length=2, max_length=2), AfterValidator(_check_order)]
Colour: TypeAlias = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Colours: TypeAlias = Annotated[list[Colour], Field(min_length=1, max_length=64)]
Point: TypeAlias = Annotated[list[Annotated[float, Field(ge=-1, le=1)]], Field(min_length=2, max_length=2)]
Line: TypeAlias = Annotated[list[Point], Field(min_length=2, max_length=64)]
Glyphs: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=8, pattern=r"^[^\x00-\x20\x7f-\xa0]+$")]


class Canvas(ArchitectureConfig):
    """The image."""

    height: int = Field(ge=8, le=LARGEST_SIDE)
    width: int = Field(ge=8, le=LARGEST_SIDE)
    channels: Literal[1, 3]


class Ground(ArchitectureConfig):
    """What is behind the drawing."""

    colours: Colours = Field(["#000000"], description="One is chosen.")
    jitter: float = Field(0.0, ge=0, le=1, description="Most that a channel differs from it, of its full range.")


class Pen(ArchitectureConfig):
    """How a class is drawn. Lengths are relative, so that one template serves any image size."""

    size: Annotated[Range, AfterValidator(_within(0.02, 2.0))] = Field(
        [0.5, 0.8], description="Of the drawing, relative to the shorter side of the image."
    )
    aspect: Annotated[Range, AfterValidator(_within(0.25, 4.0))] = Field(
        [1.0, 1.0], description="Width over height, relative to the natural one; the area stays."
    )
    offset: Annotated[Range, AfterValidator(_within(-0.5, 0.5))] = Field(
        [0.0, 0.0], description="Of the centre from the middle, right and down, relative to the sides."
    )
    rotation_deg: Annotated[Range, AfterValidator(_within(-360.0, 360.0))] = Field(
        [0.0, 0.0], description="Counterclockwise."
    )
    shear: Annotated[Range, AfterValidator(_within(-1.0, 1.0))] = Field(
        [0.0, 0.0], description="How far the top leans to the right, relative to the height."
    )
    line: Annotated[Range, AfterValidator(_within(0.005, 0.5))] = Field(
        [0.1, 0.1], description="Width of lines, relative to the size; for strokes, and shapes that are not filled."
    )
    filled: bool = Field(True, description="Fill shapes, or draw their outline.")
    colours: Colours = Field(["#ffffff"], description="One is chosen.")
    jitter: float = Field(0.0, ge=0, le=1, description="Most that a channel differs from it, of its full range.")


class Finish(ArchitectureConfig):
    """What a camera would do to it."""

    blur_px: Annotated[Range, AfterValidator(_within(0.0, 16.0))] = Field([0.0, 0.0], description="Gaussian radius.")
    noise: Annotated[Range, AfterValidator(_within(0.0, 0.5))] = Field(
        [0.0, 0.0], description="Standard deviation of each channel of each pixel, of its full range."
    )


class DrawnClass(ArchitectureConfig):
    """One class: exactly one of shape, text and strokes."""

    name: ClassName
    shape: Shape | None = None
    text: Annotated[list[Glyphs], Field(min_length=1, max_length=64)] | None = Field(
        None, description="One is chosen, and set in the default font of Pillow."
    )
    strokes: Annotated[list[Line], Field(min_length=1, max_length=64)] | None = Field(
        None, description="Lines through points, each from -1 to 1, right and up."
    )
    pen: Pen = Pen()

    @model_validator(mode="after")
    def _check_kind(self) -> "DrawnClass":
        if sum(kind is not None for kind in (self.shape, self.text, self.strokes)) != 1:
            raise ValueError("a class has exactly one of shape, text and strokes")
        return self


class TemplateSpec(ArchitectureConfig):
    """A whole template."""

    description: ShortText | None = None
    license: ShortText | None = Field(None, description="Licence of the pictures, for the card.")
    image: Canvas
    ground: Ground = Ground()
    finish: Finish = Finish()
    classes: list[DrawnClass] = Field(min_length=1, max_length=500)

    @model_validator(mode="after")
    def _check_names(self) -> "TemplateSpec":
        if len({drawn.name for drawn in self.classes}) != len(self.classes):
            raise ValueError("class names differ from each other")
        return self

    @property
    def class_names(self) -> list[str]:
        """Names of the classes, in the order of their numbers."""
        return [drawn.name for drawn in self.classes]
