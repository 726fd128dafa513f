"""What is known of pictures before they are computed: sizes and kind of pixels."""

import dataclasses
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from app.augmentation.draws import I64

Pixels: TypeAlias = NDArray[Any]
"""Shape (H, W, C), uint8, uint16 or float32. White is 255, 65535 or 1.0."""

Depth: TypeAlias = Literal["uint8", "uint16", "float32"]
WHITE: dict[str, float] = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}
RGB = 3


@dataclasses.dataclass(frozen=True)
class Frames:
    """Pictures of one kind; each has a size of its own.

    Attributes:
        heights: Pixels, shape (n,).
        widths: Pixels, shape (n,).
        channels: Of each pixel, transparency included.
        has_alpha: Whether the last channel is transparency.
        depth: Kind of its numbers.
    """

    heights: I64
    widths: I64
    channels: int
    has_alpha: bool = False
    depth: Depth = "uint8"

    @property
    def colours(self) -> int:
        """Channels without transparency."""
        return self.channels - self.has_alpha

    @property
    def is_rgb(self) -> bool:
        """Whether colours are red, green and blue."""
        return self.colours == RGB

    @property
    def is_grey_or_rgb(self) -> bool:
        """Whether colours are what eyes see, and no other bands."""
        return self.colours in {1, RGB}

    def __len__(self) -> int:
        """Count the pictures."""
        return len(self.heights)

    def take(self, indices: I64) -> "Frames":
        """Return some pictures, a picture as often as it is named."""
        return dataclasses.replace(self, heights=self.heights[indices], widths=self.widths[indices])

    def resized(self, heights: I64, widths: I64) -> "Frames":
        """Return the pictures at other sizes."""
        return dataclasses.replace(self, heights=heights, widths=widths)


def frames_of(pixels: Pixels, count: int, *, has_alpha: bool = False) -> Frames:
    """Describe one picture, so many times.

    Raises:
        ValueError: If its numbers are of no kind that is augmented.
    """
    height, width, channels = pixels.shape
    depth = pixels.dtype.name
    if depth not in WHITE:
        raise ValueError(f"pixels are uint8, uint16 or float32, not {depth}")
    sizes = np.full(count, height, np.int64), np.full(count, width, np.int64)
    return Frames(*sizes, channels, has_alpha, cast("Depth", depth))
