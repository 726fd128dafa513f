"""Layers that three architectures or more are made of: norm-free residual blocks, and how they are initialised.

Source:
    Huang et al. 2024, "The GAN is dead; long live the GAN! A modern GAN baseline" (R3GAN), section 4: bottleneck
    blocks (1x1, grouped 3x3, 1x1), no normalisation, bilinear resampling, initialisation after Zhang et al. 2019
    ("Fixup"). Here the finest level works on 2x2 pixel patches: small images cost a quarter, and lose nothing.
"""

import functools
from collections.abc import Callable
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from app.generators.base import ArchitectureConfig, Pyramid

LEAK = 0.2
PATCH = 2


class ResidualConfig(ArchitectureConfig):
    """Widths and depth of residual networks."""

    base_width: int = Field(64, ge=16, le=512, multiple_of=16, description="Channels at half the image size.")
    max_width: int = Field(256, ge=16, le=1024, multiple_of=16, description="Most channels at any level.")
    blocks_per_level: int = Field(1, ge=1, le=8, description="Residual blocks at each level.")
    expansion: Literal[1, 2, 4] = Field(2, description="Channels inside a block, relative to outside.")
    group_width: int = Field(16, ge=1, le=64, description="Channels per group of the 3x3 convolutions.")

    def widths(self, pyramid: Pyramid) -> list[int]:
        """Return the channels of each level, coarsest first."""
        return [pyramid.channels_at(level, self.base_width, self.max_width) for level in range(pyramid.levels)]

    def block_builder(self, pyramid: Pyramid, activation: Callable[[], nn.Module]) -> Callable[[int], "ResidualBlock"]:
        """Return what builds a block for a number of channels."""
        total = self.blocks_per_level * pyramid.levels
        return functools.partial(ResidualBlock, config=self, total_blocks=total, activation=activation)


class ResidualBlock(nn.Module):
    """``x + conv1x1(act(conv3x3_grouped(act(conv1x1(x)))))``; the identity at the start of training."""

    def __init__(
        self, channels: int, config: ResidualConfig, *, total_blocks: int, activation: Callable[[], nn.Module]
    ) -> None:
        super().__init__()
        inside = channels * config.expansion
        groups = max(inside // config.group_width, 1)
        self.expand = nn.Conv2d(channels, inside, 1)
        self.mix = nn.Conv2d(inside, inside, 3, padding=1, groups=groups)
        self.project = nn.Conv2d(inside, channels, 1, bias=False)
        self.activation = activation()
        # Fixup: with three layers in a branch, each but the last is scaled by (number of blocks) ** (-1 / 4).
        for layer in (self.expand, self.mix):
            initialise(layer, gain=total_blocks**-0.25)
        nn.init.zeros_(self.project.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Add the branch to the features."""
        branch: Tensor = self.project(self.activation(self.mix(self.activation(self.expand(features)))))
        return features + branch


def change_width(before: int, after: int) -> nn.Module:
    """Change the number of channels, where it changes."""
    if before == after:
        return nn.Identity()
    layer = nn.Conv2d(before, after, 1, bias=False)
    initialise(layer)
    return layer


def initialise_patches(layer: nn.Conv2d) -> None:
    """Give the pixels of a patch equal weights at the start, so that no checkerboard has to be unlearned.

    Source:
        Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution", section 3 (ICNR).
    """
    initialise(layer, gain=0.5)
    with torch.no_grad():
        layer.weight.copy_(layer.weight[:: PATCH**2].repeat_interleave(PATCH**2, dim=0))


def initialise(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Draw weights that keep the variance of activations, scaled by ``gain``; biases start at zero."""
    nn.init.kaiming_normal_(layer.weight, a=LEAK)
    with torch.no_grad():
        layer.weight.mul_(gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
