"""Latents of training, from the same distributions that samples are drawn from."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from app.core.seeds import TRUNCATED_LIMIT, LatentPrior


def sample_prior(
    prior: LatentPrior, count: int, latent_dim: int, generator: torch.Generator
) -> Float[Tensor, "batch latent"]:
    """Draw latents on the CPU; the distribution is that of ``app.core.seeds.draw_latents``, the numbers are not.

    Args:
        prior: Distribution of each number.
        count: How many latents.
        latent_dim: Numbers per latent.
        generator: Where the numbers come from.
    """
    if prior == "normal":
        return torch.randn(count, latent_dim, generator=generator)
    uniform = torch.rand(count, latent_dim, generator=generator).mul_(2.0).sub_(1.0)
    if prior == "uniform":
        return uniform
    mass = math.erf(TRUNCATED_LIMIT / math.sqrt(2.0))
    return uniform.mul_(mass).erfinv_().mul_(math.sqrt(2.0)).clamp_(-TRUNCATED_LIMIT, TRUNCATED_LIMIT)
