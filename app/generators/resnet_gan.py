"""Norm-free residual networks with grouped 3x3 convolutions, for objectives with gradient penalties; the default.

Source:
    Huang et al. 2024, "The GAN is dead; long live the GAN! A modern GAN baseline" (R3GAN), section 4.
"""

import torch
from torch import nn

from app.generators.base import (
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
from app.generators.blocks import PATCH, ResidualConfig, change_width, initialise, initialise_patches


class ResnetGanConfig(ResidualConfig):
    """Widths and depth of both networks."""


class ResnetGenerator(Generator):
    """Dense layer to the coarsest level, residual blocks per level, bilinear doublings, pixel shuffle at the end."""

    def __init__(self, config: ResnetGanConfig, space: SampleSpace) -> None:
        super().__init__(space)
        self.pyramid = Pyramid.for_image(space.image)
        widths = config.widths(self.pyramid)
        block = config.block_builder(self.pyramid, nn.LeakyReLU)
        self.input = LatentInput(space)
        self.dense = nn.Linear(self.input.features, widths[0] * self.pyramid.base_pixels)
        self.place = Unflatten(self.pyramid.height, self.pyramid.width)
        initialise(self.dense)
        layers: list[nn.Module] = []
        for level, width in enumerate(widths):
            if level:
                layers += [change_width(widths[level - 1], width), nn.Upsample(scale_factor=2, mode="bilinear")]
            layers += [block(width) for _ in range(config.blocks_per_level)]
        self.layers = nn.Sequential(*layers)
        self.output = nn.Conv2d(widths[-1], space.image.channels * PATCH**2, 3, padding=1)
        initialise_patches(self.output)
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
        widths = config.widths(self.pyramid)[::-1]
        block = config.block_builder(self.pyramid, nn.SiLU)
        self.unshuffle = nn.PixelUnshuffle(PATCH)
        self.input = nn.Conv2d(space.image.channels * PATCH**2, widths[0], 3, padding=1)
        initialise(self.input)
        layers: list[nn.Module] = []
        for level, width in enumerate(widths):
            if level:
                layers += [nn.AvgPool2d(2), change_width(widths[level - 1], width)]
            layers += [block(width) for _ in range(config.blocks_per_level)]
        self.layers = nn.Sequential(*layers, Flatten())
        self.features = nn.Linear(widths[-1] * self.pyramid.base_pixels, config.max_width)
        initialise(self.features)
        self.activation = nn.SiLU()
        self.head = ProjectionHead(config.max_width, space.num_classes)

    def forward(self, images: Images, labels: Labels | None) -> Scores:
        """See ``Discriminator.forward``."""
        features = self.layers(self.input(self.unshuffle(self.pyramid.pad(images))))
        scores: Scores = self.head(self.activation(self.features(features)), labels)
        return scores
