"""The shape of an adversarial objective."""

import abc

from app.generators.base import Scores


class AdversarialObjective(abc.ABC):
    """A pair of losses. Both are kept per sample, so that the caller chooses the mean and a log can show the spread."""

    uses_real_scores: bool = False
    """Whether the generator's loss looks at the scores of real images too."""
    shares_pass: bool = True
    """Whether, at any generated image, the slopes of both losses differ by a finite factor only."""
    default_gamma: float = 2.0
    """Weight of R1 and R2 for 28 x 28 pixels where none is given; 0 for losses that have another penalty."""
    penalises_interpolates: bool = False
    """Whether the slope is held at 1 between real and generated images."""

    @abc.abstractmethod
    def discriminator_loss(self, real: Scores, fake: Scores) -> Scores:
        """Loss that the discriminator lowers, per pair of a real and a generated image."""

    @abc.abstractmethod
    def generator_loss(self, real: Scores | None, fake: Scores) -> Scores:
        """Loss that the generator lowers; ``real`` is given when ``uses_real_scores``."""
