"""Variational autoencoder: an encoder from images to codes, a decoder back, and a prior of codes that is fitted.

With classes it is the conditional one: the label enters the encoder, the prior and every stage of the decoder, so that
codes need not carry it.

Source:
    Kingma & Welling 2014, "Auto-encoding variational Bayes", equation 3; Sohn et al. 2015, "Learning structured output
    representation using deep conditional generative models", equation 4, for classes; Dai & Wipf 2019, "Diagnosing and
    enhancing VAE models", section 4, for the second stage that learns where codes lie.
"""

import itertools

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from app.generators.autoencoding import CodeEncoder, Decoder
from app.generators.base import (
    Flatten,
    Images,
    Labels,
    LatentInput,
    Posterior,
    Pyramid,
    SampleSpace,
    Unflatten,
)
from app.generators.blocks import LEAK, PATCH, ResidualConfig, change_width, initialise, initialise_patches
from app.generators.flow import Codes, LatentFlow


class VaeConfig(ResidualConfig):
    """Widths and depth of encoder and decoder, and of the prior."""

    prior_layers: int = Field(12, ge=0, le=32, description="Couplings of the learned prior; 0: codes are the latents.")
    prior_width: int = Field(128, ge=8, le=1024, description="Hidden units of each coupling.")
    prior_steps: int = Field(2000, ge=0, le=100_000, description="Updates of the prior, when all else is trained.")

    def create_prior(self, space: SampleSpace) -> LatentFlow:
        """Build the prior of codes."""
        return LatentFlow(space.latent_dim, space.num_classes, layers=self.prior_layers, width=self.prior_width)


class Modulation(nn.Module):
    """Scales and shifts channels by a condition; nothing at the start of training.

    Source:
        Perez et al. 2018, "FiLM: visual reasoning with a general conditioning layer", equation 2.
    """

    def __init__(self, condition: int, channels: int) -> None:
        super().__init__()
        self.dense = nn.Linear(condition, 2 * channels)
        nn.init.zeros_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return the features, scaled and shifted."""
        scale, shift = self.dense(condition)[:, :, None, None].chunk(2, dim=1)
        return torch.addcmul(shift, features, 1 + scale)


class VaeDecoder(Decoder):
    """``ResnetGenerator``'s path from coarse to fine; code and label are told to each level."""

    def __init__(self, config: VaeConfig, space: SampleSpace) -> None:
        super().__init__(space, config.create_prior(space), config.prior_steps)
        self.pyramid = Pyramid.for_image(space.image)
        widths = config.widths(self.pyramid)
        block = config.block_builder(self.pyramid, nn.LeakyReLU)
        self.input = LatentInput(space)
        self.dense = nn.Linear(self.input.features, widths[0] * self.pyramid.base_pixels)
        self.place = Unflatten(self.pyramid.height, self.pyramid.width)
        initialise(self.dense)
        self.resize = nn.ModuleList(
            nn.Sequential(change_width(before, after), nn.Upsample(scale_factor=2, mode="bilinear"))
            for before, after in itertools.pairwise(widths)
        )
        self.modulations = nn.ModuleList(Modulation(self.input.features, width) for width in widths)
        self.levels = nn.ModuleList(
            nn.Sequential(*[block(width) for _ in range(config.blocks_per_level)]) for width in widths
        )
        self.output = nn.Conv2d(widths[-1], space.image.channels * PATCH**2, 3, padding=1)
        initialise_patches(self.output)
        self.shuffle = nn.PixelShuffle(PATCH)

    def decode(self, codes: Codes, labels: Labels | None) -> Images:
        """See ``Decoder.decode``."""
        condition = self.input(codes, labels)
        features = self.place(self.dense(condition))
        for number, (modulate, level) in enumerate(zip(self.modulations, self.levels, strict=True)):
            if number:
                features = self.resize[number - 1](features)
            features = level(modulate(features, condition))
        images = torch.tanh(self.shuffle(self.output(features)))
        return self.pyramid.crop(images, self.image)


class Analysis(nn.Module):
    """The way from fine to coarse: images to features of a fixed number, told the label at each level."""

    def __init__(self, config: VaeConfig, space: SampleSpace) -> None:
        super().__init__()
        self.pyramid = Pyramid.for_image(space.image)
        widths = config.widths(self.pyramid)[::-1]
        block = config.block_builder(self.pyramid, nn.LeakyReLU)
        self.unshuffle = nn.PixelUnshuffle(PATCH)
        self.input = nn.Conv2d(space.image.channels * PATCH**2, widths[0], 3, padding=1)
        initialise(self.input)
        self.embedding = nn.Embedding(space.num_classes, config.base_width) if space.num_classes else None
        self.modulations = nn.ModuleList(
            Modulation(config.base_width, width) for width in (widths if space.num_classes else [])
        )
        self.resize = nn.ModuleList(
            nn.Sequential(nn.AvgPool2d(2), change_width(before, after)) for before, after in itertools.pairwise(widths)
        )
        self.levels = nn.ModuleList(
            nn.Sequential(*[block(width) for _ in range(config.blocks_per_level)]) for width in widths
        )
        self.flatten = Flatten()
        self.dense = nn.Linear(widths[-1] * self.pyramid.base_pixels, config.max_width)
        initialise(self.dense)
        self.activation = nn.LeakyReLU(LEAK)
        self.features = config.max_width

    def forward(self, images: Images, labels: Labels | None) -> Float[Tensor, "batch features"]:
        """Return the features of images in [-1, 1]."""
        features = self.input(self.unshuffle(self.pyramid.pad(images)))
        condition = None if self.embedding is None else self.embedding(labels)
        for number, level in enumerate(self.levels):
            if number:
                features = self.resize[number - 1](features)
            if condition is not None:
                features = self.modulations[number](features, condition)
            features = level(features)
        result: Tensor = self.activation(self.dense(self.flatten(features)))
        return result


class VaeEncoder(CodeEncoder):
    """The decoder's mirror image, to mean and variance of each code number."""

    def __init__(self, config: VaeConfig, space: SampleSpace) -> None:
        super().__init__(space, config.create_prior(space))
        self.analysis = Analysis(config, space)
        self.head = nn.Linear(self.analysis.features, 2 * space.latent_dim)
        initialise(self.head, gain=0.1)

    def encode(self, images: Images, labels: Labels | None) -> Posterior:
        """See ``CodeEncoder.encode``."""
        mean, log_var = self.head(self.analysis(images, labels)).float().chunk(2, dim=1)
        return Posterior(mean, log_var)
