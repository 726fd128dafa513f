"""The evidence lower bound and its parts: pure functions of tensors, in nats.

Source:
    Kingma & Welling 2014, "Auto-encoding variational Bayes", equation 3.
"""

import math
from typing import TypeAlias

from jaxtyping import Float
from torch import Tensor

from app.generators.base import Images, Scores

PerNumber: TypeAlias = Float[Tensor, "batch latent"]
Scalar: TypeAlias = Float[Tensor, ""]

SMALLEST_ERROR = 1e-6
"""Of the Gaussian likelihood: half a grey level squared is 1.5e-5, so nothing that can be seen is below."""
SMALLEST_PROBABILITY = 1e-6


def gaussian_reconstruction(images: Images, decoded: Images) -> Scores:
    """Return the negative log-likelihood of images under a Gaussian with the best variance for the batch.

    One variance for all pixels, at its maximum likelihood: the mean squared error. So no weight between
    reconstruction and divergence has to be chosen, and the better the decoder gets, the more its errors count.

    Args:
        images: Real images.
        decoded: The means, of the same range.

    Source:
        Rybkin et al. 2021, "Simple and effective VAE training with calibrated decoders", equation 4.
    """
    squares = (images - decoded).square().flatten(1)
    variance = squares.detach().mean().clamp_min(SMALLEST_ERROR)
    pixels = squares.shape[1]
    return squares.sum(dim=1) / (2 * variance) + 0.5 * pixels * (math.log(2 * math.pi) + variance.log())


def bernoulli_reconstruction(images: Images, decoded: Images) -> Scores:
    """Return the binary cross-entropy of images, each pixel in [-1, 1] read as a chance in [0, 1].

    Source:
        Kingma & Welling 2014, appendix C.1.
    """
    chance = (0.5 * decoded + 0.5).clamp(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    pixels = 0.5 * images + 0.5
    return -(pixels * chance.log() + (1 - pixels) * (1 - chance).log()).flatten(1).sum(dim=1)


def normal_divergence(mean: PerNumber, log_var: PerNumber) -> PerNumber:
    """Return the divergence of a diagonal Gaussian from the standard normal one, per number.

    Source:
        Kingma & Welling 2014, appendix B.
    """
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var)


def apply_free_bits(divergence: PerNumber, free_bits: float) -> Scalar:
    """Return the mean divergence per image, where each number's mean over the batch counts from ``free_bits`` up.

    Source:
        Kingma et al. 2016, "Improving variational inference with inverse autoregressive flow", equation 15.
    """
    return divergence.mean(dim=0).clamp_min(free_bits).sum()


def warm_up(progress: float, fraction: float) -> float:
    """Return the part of the divergence's weight that counts at this moment: rises from 0 to 1 over the fraction.

    Source:
        Bowman et al. 2016, "Generating sentences from a continuous space", section 3.1 (KL annealing).
    """
    return 1.0 if progress >= fraction else progress / fraction
