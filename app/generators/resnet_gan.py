"""Norm-free residual networks with grouped 3x3 convolutions, for objectives with gradient penalties; the default.

Source:
    Huang et al. 2024, "The GAN is dead; long live the GAN! A modern GAN baseline" (R3GAN), section 4: bottleneck
    blocks (1x1, grouped 3x3, 1x1), no normalisation, bilinear resampling, initialisation after Zhang et al. 2019
    ("Fixup"). Here the finest level works on 2x2 pixel patches: small images cost a quarter, and lose nothing.
"""

import functools
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from app.generators.base import (
    ArchitectureConfig,
    Discriminator,
    Flatten,
    Generator,
    Images,
    Labels,
    LatentInput,
    Latents,
    ProjectionHead,
    Pyramid,
    SampleSpace,
    Scores,
    Unflatten,
)

LEAK = 0.2
PATCH = 2


class ResnetGanConfig(ArchitectureConfig):
    """Widths and depth of both networks."""

    base_width: int = Field(64, ge=16, le=512, multiple_of=16, description="Channels at half the image size.")
    max_width: int = Field(256, ge=16, le=1024, multiple_of=16, description="Most channels at any level.")
    blocks_per_level: int = Field(1, ge=1, le=8, description="Residual blocks at each level.")
    expansion: Literal[1, 2, 4] = Field(2, description="Channels inside a block, relative to outside.")
    group_width: int = Field(16, ge=1, le=64, description="Channels per group of the 3x3 convolutions.")


class ResidualBlock(nn.Module):
    """``x + conv1x1(act(conv3x3_grouped(act(conv1x1(x)))))``; the identity at the start of training."""

    def __init__(
        self, channels: int, config: ResnetGanConfig, *, total_blocks: int, activation: type[nn.Module]
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
            _initialise(layer, gain=total_blocks**-0.25)
        nn.init.zeros_(self.project.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Add the branch to the features."""
        branch: Tensor = self.project(self.activation(self.mix(self.activation(self.expand(features)))))
        return features + branch


class ResnetGenerator(Generator):
    """Dense layer to the coarsest level, residual blocks per level, bilinear doublings, pixel shuffle at the end."""

    def __init__(self, config: ResnetGanConfig, space: SampleSpace) -> None:
        super().__init__(space)
        self.pyramid = Pyramid.for_image(space.image)
        widths = _widths(config, self.pyramid)
        block = functools.partial(
            ResidualBlock, config=config, total_blocks=config.blocks_per_level * len(widths), activation=nn.LeakyReLU
        )
        self.input = LatentInput(space)
        self.dense = nn.Linear(self.input.features, widths[0] * self.pyramid.base_pixels)
        self.place = Unflatten(self.pyramid.height, self.pyramid.width)
        _initialise(self.dense)
        layers: list[nn.Module] = []
        for level, width in enumerate(widths):
            if level:
                layers += [_resize(widths[level - 1], width), nn.Upsample(scale_factor=2, mode="bilinear")]
            layers += [block(width) for _ in range(config.blocks_per_level)]
        self.layers = nn.Sequential(*layers)
        self.output = nn.Conv2d(widths[-1], space.image.channels * PATCH**2, 3, padding=1)
        _initialise_patches(self.output)
        self.shuffle = nn.PixelShuffle(PATCH)

    def forward(self, latents: Latents, labels: Labels | None) -> Images:
        """See ``Generator.forward``."""
        features = self.place(self.dense(self.input(latents, labels)))
        images = torch.tanh(self.shuffle(self.output(self.layers(features))))
        return self.pyramid.crop(images, self.image)


class ResnetDiscriminator(Discriminator):
    """The generator's mirror image: pixel unshuffle, residual blocks per level, halvings by averages, projection head.

    Its activations are smooth, since gradient penalties differentiate it twice.
    """

    def __init__(self, config: ResnetGanConfig, space: SampleSpace) -> None:
        super().__init__(space)
        self.pyramid = Pyramid.for_image(space.image)
        widths = _widths(config, self.pyramid)[::-1]
        block = functools.partial(
            ResidualBlock, config=config, total_blocks=config.blocks_per_level * len(widths), activation=nn.SiLU
        )
        self.unshuffle = nn.PixelUnshuffle(PATCH)
        self.input = nn.Conv2d(space.image.channels * PATCH**2, widths[0], 3, padding=1)
        _initialise(self.input)
        layers: list[nn.Module] = []
        for level, width in enumerate(widths):
            if level:
                layers += [nn.AvgPool2d(2), _resize(widths[level - 1], width)]
            layers += [block(width) for _ in range(config.blocks_per_level)]
        self.layers = nn.Sequential(*layers, Flatten())
        self.features = nn.Linear(widths[-1] * self.pyramid.base_pixels, config.max_width)
        _initialise(self.features)
        self.activation = nn.SiLU()
        self.head = ProjectionHead(config.max_width, space.num_classes)

    def forward(self, images: Images, labels: Labels | None) -> Scores:
        """See ``Discriminator.forward``."""
        features = self.layers(self.input(self.unshuffle(self.pyramid.pad(images))))
        scores: Scores = self.head(self.activation(self.features(features)), labels)
        return scores


def _widths(config: ResnetGanConfig, pyramid: Pyramid) -> list[int]:
    return [pyramid.channels_at(level, config.base_width, config.max_width) for level in range(pyramid.levels)]


def _resize(before: int, after: int) -> nn.Module:
    """Change the number of channels, where it changes."""
    if before == after:
        return nn.Identity()
    layer = nn.Conv2d(before, after, 1, bias=False)
    _initialise(layer)
    return layer


def _initialise_patches(layer: nn.Conv2d) -> None:
    """Give the pixels of a patch equal weights at the start, so that no checkerboard has to be unlearned.

    Source:
        Aitken et al. 2017, "Checkerboard artifact free sub-pixel convolution", section 3 (ICNR).
    """
    _initialise(layer, gain=0.5)
    with torch.no_grad():
        layer.weight.copy_(layer.weight[:: PATCH**2].repeat_interleave(PATCH**2, dim=0))


def _initialise(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> None:
    """Draw weights that keep the variance of activations, scaled by ``gain``; biases start at zero."""
    nn.init.kaiming_normal_(layer.weight, a=LEAK)
    with torch.no_grad():
        layer.weight.mul_(gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
