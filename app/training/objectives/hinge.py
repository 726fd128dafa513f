"""The hinge loss: scores beyond the margin are good enough."""

from torch.nn.functional import relu

from app.generators.base import Scores
from app.training.objectives.base import AdversarialObjective


class Hinge(AdversarialObjective):
    """The discriminator keeps a margin of 1 on both sides; the generator raises its scores without end.

    Source:
        Lim & Ye 2017, "Geometric GAN", equations 12 and 13; Miyato et al. 2018 ("SNGAN"), equations 16 and 17.
    """

    shares_pass = False

    def discriminator_loss(self, real: Scores, fake: Scores) -> Scores:
        """``max(0, 1 - real) + max(0, 1 + fake)``."""
        return relu(1 - real) + relu(1 + fake)

    def generator_loss(self, real: Scores | None, fake: Scores) -> Scores:  # noqa: ARG002 - one shape for all objectives
        """``-fake``."""
        return -fake
