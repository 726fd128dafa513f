"""Small random turns, shifts and stretches of a batch: the augmentation of every classifier here."""

import dataclasses
import math
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

Images: TypeAlias = Float[Tensor, "batch channels height width"]


@dataclasses.dataclass(frozen=True)
class AffineRanges:
    """How far an image may be moved, to both sides.

    Attributes:
        degrees: Rotation.
        scale: Change of size, as a fraction: 0.1 is 90 to 110 percent.
        shift: Shift along each axis, as a fraction of that side.
        shear: Horizontal shear, in degrees.
    """

    degrees: float = 10.0
    scale: float = 0.1
    shift: float = 0.1
    shear: float = 0.0


def affine_batch(
    images: Images, *, degrees: float, scale: float, shift: float, shear: float, generator: torch.Generator
) -> Images:
    """Move each image by its own random rotation, scale, shift and shear; bilinear, borders are continued.

    Args:
        images: Images in any range.
        degrees: Largest rotation.
        scale: Largest change of size, a fraction in [0, 1).
        shift: Largest shift, as a fraction of the side.
        shear: Largest shear, in degrees.
        generator: Source of the numbers, five per image, on the CPU: the same on every device.
    """
    height, width = images.shape[2:]
    angle, slant, size, right, down = (2.0 * torch.rand(5, len(images), generator=generator) - 1.0).unbind()
    angle = angle * math.radians(degrees)
    lean = torch.tan(slant * math.radians(shear))
    zoom = 1.0 / (1.0 + size * scale)
    cosine, sine = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    # grid coordinates run from -1 to 1 on both axes, so on images that are not square a turn must be squeezed
    squeeze = height / width
    rows = [
        torch.stack([cosine, (cosine * lean - sine) * squeeze, 2.0 * shift * right], dim=1),
        torch.stack([sine / squeeze, sine * lean + cosine, 2.0 * shift * down], dim=1),
    ]
    matrices = torch.stack(rows, dim=1).to(images.device, images.dtype)
    grid = torch.nn.functional.affine_grid(matrices, list(images.shape), align_corners=False)
    return torch.nn.functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
