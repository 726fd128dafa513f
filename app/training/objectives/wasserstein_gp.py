"""The Wasserstein loss with gradient penalty: the critic estimates a distance between distributions."""

from app.generators.base import Scores
from app.training.objectives.base import AdversarialObjective


class WassersteinGp(AdversarialObjective):
    """Plain differences of scores; the slope between real and generated images is held at 1.

    Source:
        Gulrajani et al. 2017, "Improved training of Wasserstein GANs", equation 3 and algorithm 1.
    """

    default_gamma = 0.0
    penalises_interpolates = True

    def discriminator_loss(self, real: Scores, fake: Scores) -> Scores:
        """``fake - real``; the penalty is added by the trainer."""
        return fake - real

    def generator_loss(self, real: Scores | None, fake: Scores) -> Scores:  # noqa: ARG002 - one shape for all objectives
        """``-fake``."""
        return -fake
