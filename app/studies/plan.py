"""What a utility study is asked to find out."""

import dataclasses
from typing import Any

from app.studies.arms import Arm, create_arms
from app.training.config import TrainingConfig


@dataclasses.dataclass(frozen=True)
class UtilityPlan:
    """The question, and how much is spent on it.

    Attributes:
        generator: How to train a generator on the real images of a seed.
        per_class: Real images of each class.
        num_seeds: How often all is repeated with other images, at least 2.
        ratios: Shares of generated images in a batch, each in (0, 1).
        confidence: Of the filter: how sure a classifier of the real images must be, in [0, 1).
        steps: Optimizer steps of a classifier.
        num_classifiers: Classifiers per seed and arm, whose accuracies are averaged.
    """

    generator: TrainingConfig
    per_class: int = 20
    num_seeds: int = 3
    ratios: tuple[float, ...] = (0.1, 0.3, 0.5)
    confidence: float = 0.9
    steps: int = 250
    num_classifiers: int = 2

    @property
    def arms(self) -> list[Arm]:
        """Everything that classifiers are trained on."""
        return create_arms(self.ratios)

    @property
    def trainings_per_seed(self) -> int:
        """Classifiers of a seed: those of the arms, and that of the filter."""
        return len(self.arms) * self.num_classifiers + 1

    def identify(self) -> dict[str, Any]:
        """Return what the result of an arm and seed depends on; more seeds and ratios can be added to a study."""
        generator = self.generator.model_dump(mode="json", exclude={"runtime": True, "data": {"source"}})
        kept = ("per_class", "confidence", "steps", "num_classifiers")
        return {"generator": generator} | {name: getattr(self, name) for name in kept}
