"""Between a network's images and the pixels outside of it."""

from typing import TypeAlias

import torch
from jaxtyping import UInt8
from torch import Tensor

from app.generators.base import Images

Pixels: TypeAlias = UInt8[Tensor, "batch height width channels"]


def to_pixels(images: Images) -> Pixels:
    """Map [-1, 1] to 0..255 by rounding to nearest; values outside are clipped. Channels come last."""
    levels = images.float().add(1.0).mul(127.5).round_().clamp_(0.0, 255.0)
    return levels.permute(0, 2, 3, 1).to(torch.uint8).contiguous()


def from_pixels(pixels: Pixels) -> Images:
    """Map 0..255 to [-1, 1]; channels come first."""
    return pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0
