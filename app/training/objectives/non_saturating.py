"""The non-saturating loss: the generator raises the log-probability that its images are taken for real."""

from torch.nn.functional import softplus

from app.generators.base import Scores
from app.training.objectives.base import AdversarialObjective


class NonSaturating(AdversarialObjective):
    """Binary cross-entropy for the discriminator, flipped labels for the generator.

    Source:
        Goodfellow et al. 2014, "Generative adversarial nets", equation 1 and the remark after algorithm 1.
    """

    def discriminator_loss(self, real: Scores, fake: Scores) -> Scores:
        """``-log sigmoid(real) - log(1 - sigmoid(fake))``."""
        return softplus(-real) + softplus(fake)

    def generator_loss(self, real: Scores | None, fake: Scores) -> Scores:  # noqa: ARG002 - one shape for all objectives
        """``-log sigmoid(fake)``."""
        return softplus(-fake)
