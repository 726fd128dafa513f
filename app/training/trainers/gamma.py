"""The weight of R1 and R2 over a run: a constant, an exponential fall, or steered by the discriminator's loss."""

import math

import torch
from torch import Tensor

from app.repository.manifest import ImageSpec
from app.training.config import ObjectiveConfig
from app.training.objectives.base import AdversarialObjective

BALANCED_LOSS = 0.5
"""Of the relativistic loss, whose value is ln 2 = 0.69 when neither side wins."""
STEP = 1.02
LOWEST, HIGHEST = 0.01, 100.0
MEMORY = 0.98
REFERENCE_PIXELS = 28 * 28


def default_gamma(objective: AdversarialObjective, image: ImageSpec) -> float:
    """Return the weight that is right for the size of an image: it grows with the number of pixels.

    Source:
        Karras et al. 2020, "Analyzing and improving the image quality of StyleGAN", official configurations: gamma in
        proportion to the pixels. The constant is ours, measured on MNIST.
    """
    return round(objective.default_gamma * image.height * image.width / REFERENCE_PIXELS, 3)


class GammaController:
    """Gives the factor on both gammas at each step.

    Steered, it rises while the discriminator wins and falls while it does not, from the recipe's value.
    """

    def __init__(self, config: ObjectiveConfig) -> None:
        self._decay = config.gamma_decay
        self._steered = config.gamma_control
        self._start = max(config.r1_gamma or 0.0, config.r2_gamma or 0.0, LOWEST)
        self._log_factor = 0.0
        self._mean_loss = BALANCED_LOSS

    def factor(self, progress: float) -> float:
        """Return what to multiply gamma by; ``progress`` is the part of the run that is over."""
        return math.exp(self._log_factor) if self._steered else self._decay**progress

    def observe(self, discriminator_loss: float) -> None:
        """Take note of a step's loss, without penalties."""
        if not self._steered:
            return
        self._mean_loss = MEMORY * self._mean_loss + (1 - MEMORY) * discriminator_loss
        direction = 1 if self._mean_loss < BALANCED_LOSS else -1
        lowest, highest = math.log(LOWEST / self._start), math.log(HIGHEST / self._start)
        self._log_factor = min(max(self._log_factor + direction * math.log(STEP), lowest), highest)

    @property
    def is_steered(self) -> bool:
        """Whether it needs to observe losses."""
        return self._steered

    def state(self) -> Tensor:
        """Return what must be kept to go on."""
        return torch.tensor([self._log_factor, self._mean_loss], dtype=torch.float64)

    def load_state(self, state: Tensor) -> None:
        """Go on from a state."""
        self._log_factor, self._mean_loss = state.tolist()
