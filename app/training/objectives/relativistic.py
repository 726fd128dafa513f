"""The relativistic pairing loss: only the difference between a real and a generated image counts."""

from torch.nn.functional import softplus

from app.generators.base import Scores
from app.training.objectives.base import AdversarialObjective


class Relativistic(AdversarialObjective):
    """Each generated image is compared with one real image of the same class; has no bad local minima that drop modes.

    Source:
        Jolicoeur-Martineau 2019, "The relativistic discriminator", equation 5; Huang et al. 2024 (R3GAN), equation 2.
    """

    uses_real_scores = True

    def discriminator_loss(self, real: Scores, fake: Scores) -> Scores:
        """``-log sigmoid(real - fake)``; ln 2 when the discriminator cannot tell."""
        return softplus(fake - real)

    def generator_loss(self, real: Scores | None, fake: Scores) -> Scores:
        """``-log sigmoid(fake - real)``.

        Raises:
            ValueError: If ``real`` is not given.
        """
        if real is None:
            raise ValueError("the relativistic loss compares with the scores of real images")
        return softplus(real - fake)
