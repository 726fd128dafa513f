"""The least-squares loss: scores are pulled to 1 for real images and to 0 for generated ones."""

from app.generators.base import Scores
from app.training.objectives.base import AdversarialObjective


class LeastSquares(AdversarialObjective):
    """Squared errors in place of cross-entropies: images far from the boundary still pull.

    Source:
        Mao et al. 2017, "Least squares generative adversarial networks", equation 2 with a = 0, b = c = 1 (equation 9).
    """

    shares_pass = False

    def discriminator_loss(self, real: Scores, fake: Scores) -> Scores:
        """``((real - 1)^2 + fake^2) / 2``."""
        return 0.5 * ((real - 1).square() + fake.square())

    def generator_loss(self, real: Scores | None, fake: Scores) -> Scores:  # noqa: ARG002 - one shape for all objectives
        """``(fake - 1)^2 / 2``."""
        return 0.5 * (fake - 1).square()
