"""What generators with an encoder share: codes between encoder and decoder, and a learned prior of codes."""

import abc

from app.generators.base import Encoder, Generator, Images, Labels, Latents, Posterior, SampleSpace
from app.generators.flow import Codes, LatentFlow


class Decoder(Generator):
    """A generator in two steps: the prior turns latents into codes, the rest turns codes into images.

    The prior is the identity until codes are learned; ``prior_steps`` says how long it is fitted then.
    """

    def __init__(self, space: SampleSpace, prior: LatentFlow, prior_steps: int) -> None:
        super().__init__(space)
        self.prior = prior.requires_grad_(requires_grad=False)
        self.prior_steps = prior_steps

    def forward(self, latents: Latents, labels: Labels | None) -> Images:
        """See ``Generator.forward``."""
        return self.decode(self.prior(latents, labels), labels)

    @abc.abstractmethod
    def decode(self, codes: Codes, labels: Labels | None) -> Images:
        """Turn codes into images in [-1, 1]."""


class CodeEncoder(Encoder):
    """An encoder in two steps: images to codes, then by the inverse of the decoder's prior to latents.

    Training uses the first step alone; ``prior`` becomes a copy of the decoder's when it is over.
    """

    learns_variance: bool = True
    """Whether codes are drawn from the posterior in training; else the mean is the code."""

    def __init__(self, space: SampleSpace, prior: LatentFlow) -> None:
        super().__init__(space)
        self.prior = prior.requires_grad_(requires_grad=False)

    def forward(self, images: Images, labels: Labels | None) -> Posterior:
        """See ``Encoder.forward``; variances follow the prior's stretch of each number, other directions left out."""
        codes = self.encode(images, labels)
        latents, log_stretch = self.prior.inverse(codes.mean, labels)
        return Posterior(latents, codes.log_var + 2 * log_stretch)

    @abc.abstractmethod
    def encode(self, images: Images, labels: Labels | None) -> Posterior:
        """Return the distribution of the code of each image, in float32."""
