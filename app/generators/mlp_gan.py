"""Dense networks on flattened pixels: the first GAN of every tutorial, and the smallest one here.

Source:
    Goodfellow et al. 2014, "Generative adversarial nets", section 5; widths as in common tutorials. Here without batch
    norm, and with smooth activations in the discriminator, as gradient penalties need them.
"""

import itertools
from collections.abc import Callable
from typing import Annotated

import torch
from pydantic import Field
from torch import nn

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
    SampleSpace,
    Scores,
    Unflatten,
)

LEAK = 0.2

Widths = Annotated[list[Annotated[int, Field(ge=4, le=4096)]], Field(min_length=1, max_length=8)]


class MlpGanConfig(ArchitectureConfig):
    """Widths of both networks."""

    generator_widths: Widths = Field([128, 256, 512, 1024], description="Units of each hidden layer, first to last.")
    discriminator_widths: Widths = Field([512, 256], description="Units of each hidden layer, first to last.")


class MlpGenerator(Generator):
    """Dense layers from latents to pixels."""

    def __init__(self, config: MlpGanConfig, space: SampleSpace) -> None:
        super().__init__(space)
        self.input = LatentInput(space)
        self.layers = _stack([self.input.features, *config.generator_widths], lambda: nn.LeakyReLU(LEAK))
        self.output = nn.Linear(config.generator_widths[-1], space.image.num_bytes)
        nn.init.xavier_normal_(self.output.weight)
        nn.init.zeros_(self.output.bias)
        self.place = Unflatten(space.image.height, space.image.width)

    def forward(self, latents: Latents, labels: Labels | None) -> Images:
        """See ``Generator.forward``."""
        images: Images = self.place(torch.tanh(self.output(self.layers(self.input(latents, labels)))))
        return images


class MlpDiscriminator(Discriminator):
    """Dense layers from pixels to features, then a projection head."""

    def __init__(self, config: MlpGanConfig, space: SampleSpace) -> None:
        super().__init__(space)
        self.flatten = Flatten()
        self.layers = _stack([space.image.num_bytes, *config.discriminator_widths], nn.SiLU)
        self.head = ProjectionHead(config.discriminator_widths[-1], space.num_classes)

    def forward(self, images: Images, labels: Labels | None) -> Scores:
        """See ``Discriminator.forward``."""
        scores: Scores = self.head(self.layers(self.flatten(images)), labels)
        return scores


def _stack(widths: list[int], activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Build dense layers, each with its activation, with weights that keep the variance of activations."""
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        dense = nn.Linear(before, after)
        nn.init.kaiming_normal_(dense.weight, a=LEAK)
        nn.init.zeros_(dense.bias)
        layers += [dense, activation()]
    return nn.Sequential(*layers)
