"""Deterministic autoencoder: codes without noise, and a prior fitted to where they lie, so that it can be sampled.

The networks are those of ``vae``; the encoder has no variance to learn.

Source:
    Ghosh et al. 2020, "From variational to deterministic autoencoders", sections 3 (penalised codes) and 4 (ex-post
    density estimation).
"""

import math

import torch
from pydantic import Field
from torch import nn

from app.generators.autoencoding import CodeEncoder
from app.generators.base import Images, Labels, Posterior, SampleSpace
from app.generators.blocks import initialise
from app.generators.vae import Analysis, VaeConfig, VaeDecoder


class AutoencoderConfig(VaeConfig):
    """Widths and depth of encoder and decoder, and of the prior."""

    code_noise: float = Field(
        0.1, gt=0, le=1, description="Width of each code as the prior sees it; a point has no density."
    )


class AutoencoderDecoder(VaeDecoder):
    """The decoder of ``vae``."""


class AutoencoderEncoder(CodeEncoder):
    """One code per image; as a distribution, it is as wide as ``code_noise`` says."""

    learns_variance = False

    def __init__(self, config: AutoencoderConfig, space: SampleSpace) -> None:
        super().__init__(space, config.create_prior(space))
        self.analysis = Analysis(config, space)
        self.head = nn.Linear(self.analysis.features, space.latent_dim)
        initialise(self.head, gain=0.5)
        self._log_var = 2 * math.log(config.code_noise)

    def encode(self, images: Images, labels: Labels | None) -> Posterior:
        """See ``CodeEncoder.encode``."""
        mean = self.head(self.analysis(images, labels)).float()
        return Posterior(mean, torch.full_like(mean, self._log_var))
