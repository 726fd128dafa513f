"""What the discriminator sees: images as they are, or augmented by a fixed or an adaptive chance."""

import torch
from torch import Tensor

from app.generators.base import Images, Scores
from app.training.compute.lanes import Lanes
from app.training.config import AugmentationConfig
from app.training.randomness import create_generator
from app.training.trainers.diff_augment import AdaptiveProbability, DiffAugment


class Augmentation:
    """Changes real and generated images alike, each by numbers that follow from (seed, step).

    Args:
        config: Policies and their chance.
        seed: Of the run.
        is_paired: Whether the loss compares pairs of scores; then so does the adaptive chance.
        lanes: Numbers are drawn for the whole batch, so that they do not depend on the number of lanes.
    """

    def __init__(self, config: AugmentationConfig, *, seed: int, is_paired: bool, lanes: Lanes) -> None:
        self._change = DiffAugment(config.policies) if config.policies else None
        self._fixed = config.probability
        self._seed = seed
        self._lanes = lanes
        self._adaptive = (
            AdaptiveProbability(
                target=config.target,
                ramp_images=max(config.ramp_images // lanes.count, 1),
                paired=is_paired,
                average=lanes.average,
            )
            if config.adaptive and config.policies
            else None
        )

    @property
    def probability(self) -> float:
        """The chance of each policy now."""
        return self._adaptive.value if self._adaptive else self._fixed

    def apply(self, images: Images, *, step: int, purpose: str) -> Images:
        """Change images; the same numbers for the same step and purpose."""
        if self._change is None:
            return images
        source = create_generator(self._seed, f"augmentation/{purpose}", step)
        numbers = self._lanes.share(self._change.draw(len(images) * self._lanes.count, source))
        return self._change.apply(images, numbers.to(images.device), probability=self.probability)

    def observe(self, real: Scores, fake: Scores) -> dict[str, Tensor]:
        """Take note of the discriminator's scores; returns what to log."""
        if self._adaptive is None:
            return {}
        self._adaptive.update(real, fake)
        return {"augmentation_probability": torch.tensor(self.probability)}

    def state(self) -> dict[str, Tensor]:
        """Return what must be kept to go on."""
        return {"augmentation": self._adaptive.state()} if self._adaptive else {}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on from a state."""
        if self._adaptive is not None:
            self._adaptive.load_state(state["augmentation"])
