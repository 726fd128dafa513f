"""Gradient penalties on the discriminator, without a second backward pass.

The parameter gradient of a function of ``|grad_x D|`` is that of D's slope along ``v = grad_x D``, v held fixed. That
slope is a difference of two scores, so first derivatives suffice. It needs a discriminator with smooth activations: at
the kinks of rectifiers the difference sees slopes that double backward does not, and becomes noise. Double backward
through grouped convolutions costs four times as much on a CPU, and compilers refuse it.
"""

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from app.generators.base import Images, Scores

STEP_RMS = 1e-3
"""Length of the difference step: root mean square per pixel, in units of pixel values; far above rounding."""


@dataclasses.dataclass(frozen=True)
class Penalty:
    """A penalty per image, and what to descend to lower it."""

    value: Scores
    """The penalty, without a graph."""
    surrogate: Scores
    """Has the parameter gradient of the penalty; its own value means nothing."""
    slope: Images
    """``grad_x D``, without a graph: it serves the generator too."""


def zero_centred_penalty(score: Callable[[Images], Scores], images: Images, scores: Scores) -> Penalty:
    """Measure half the squared slope of a discriminator at images: R1 at real ones, R2 at generated ones.

    Args:
        score: The discriminator, labels bound; must be in float32.
        images: Images that require a gradient.
        scores: ``score(images)``, with its graph; the graph is kept.

    Returns:
        ``|grad_x D|^2 / 2``. The weight gamma is the caller's.

    Source:
        Mescheder et al. 2018, "Which training methods for GANs do actually converge?", equation 9 (R1) and its twin R2.
    """
    slope, norm, along = _differentiate(score, images, scores)
    return Penalty(0.5 * norm.square(), norm * along, slope)


def one_centred_penalty(score: Callable[[Images], Scores], real: Images, fake: Images, *, places: Tensor) -> Penalty:
    """Measure how far the critic's slope is from 1 between real and generated images.

    Args:
        score: The critic, labels bound; must be in float32.
        real: Images in [-1, 1].
        fake: Generated images in [-1, 1]; a graph behind them is cut.
        places: Where between the two to look, one number in [0, 1] per pair: shape (batch, 1, 1, 1).

    Returns:
        ``(|grad_x D| - 1)^2`` per pair. The weight lambda is the caller's.

    Source:
        Gulrajani et al. 2017, equation 3 and algorithm 1.
    """
    images = torch.lerp(real, fake.detach(), places).requires_grad_()
    slope, norm, along = _differentiate(score, images, score(images))
    return Penalty((norm - 1).square(), 2 * (norm - 1) * along, slope)


def _differentiate(score: Callable[[Images], Scores], images: Images, scores: Scores) -> tuple[Images, Scores, Scores]:
    """Return the slope, its norm, and the norm again as a difference with a graph to the parameters."""
    (slope,) = torch.autograd.grad(scores.sum(), images, retain_graph=True)
    norm = slope.flatten(1).norm(dim=1)
    length = STEP_RMS * images[0].numel() ** 0.5
    direction = slope / norm.clamp_min(1e-12)[:, None, None, None]
    ahead = score(images.detach() + length * direction)
    return slope, norm, (ahead - scores) / length
