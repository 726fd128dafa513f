"""Zero-centred gradient penalties (R1 at real images, R2 at generated ones), without a second backward pass.

The parameter gradient of ``|grad_x D|^2 / 2`` is the parameter gradient of D's slope along ``v = grad_x D``, v held
fixed. That slope is a difference of two scores, so first derivatives suffice. It needs a discriminator with smooth
activations: at the kinks of rectifiers the difference sees slopes that double backward does not, and becomes noise.
Double backward through grouped convolutions costs four times as much on a CPU, and compilers refuse it.
"""

import dataclasses
from collections.abc import Callable

import torch

from app.generators.base import Images, Scores

STEP_RMS = 1e-3
"""Length of the difference step: root mean square per pixel, in units of pixel values; far above rounding."""


@dataclasses.dataclass(frozen=True)
class Penalty:
    """Squared slopes, and what to descend to lower them; both per image."""

    value: Scores
    """``|grad_x D|^2``, without a graph."""
    surrogate: Scores
    """Has the parameter gradient of ``value / 2``; its own value means nothing."""


def gradient_penalty(score: Callable[[Images], Scores], images: Images, scores: Scores) -> Penalty:
    """Measure the squared slope of a discriminator at images.

    Args:
        score: The discriminator, labels bound; must be in float32.
        images: Images that require a gradient.
        scores: ``score(images)``, with its graph; the graph is kept.

    Returns:
        The penalty. The weight gamma is the caller's.

    Source:
        Mescheder et al. 2018, "Which training methods for GANs do actually converge?", equation 9 (R1) and its twin R2.
    """
    (slope,) = torch.autograd.grad(scores.sum(), images, retain_graph=True)
    norm = slope.flatten(1).norm(dim=1)
    length = STEP_RMS * images[0].numel() ** 0.5
    direction = slope / norm.clamp_min(1e-12)[:, None, None, None]
    ahead = score(images.detach() + length * direction)
    return Penalty(norm.square(), norm * (ahead - scores) / length)
