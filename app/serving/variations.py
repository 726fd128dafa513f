"""Variations of images as a plan: so many of each, image by image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.seeds import SEED_LIMIT
from app.schemas.jobs import VariationRun
from app.serving.plan import How, Labels

NUMBER_LIMIT = 2**31
"""Of images and of copies: together they are the number that latents are drawn for."""


@dataclass(frozen=True, slots=True, eq=False)
class VariationPlan:
    """Consecutive copies of images.

    Attributes:
        seed: Seed of the new latents, in [0, 2**63).
        latents: Of each image, float32, shape (images, latent_dim).
        copies: How many variations of each image, at least 1.
        strength: Share of new latents, in [0, 1].
        first_image: Number of the first image.
        first_index: Number of each image's first copy.
        classes: Class of each image, int32, shape (images,); None for an unconditional model.
    """

    seed: int
    latents: NDArray[np.float32]
    copies: int
    strength: float
    first_image: int = 0
    first_index: int = 0
    classes: Labels | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seed < SEED_LIMIT:
            raise ValueError("seed must be in [0, 2**63)")
        if not len(self.latents) or self.copies < 1:
            raise ValueError("there must be at least one image and one copy")
        if not 0 <= self.first_image <= NUMBER_LIMIT - len(self.latents):
            raise ValueError("images must have numbers in [0, 2**31)")
        if not 0 <= self.first_index <= NUMBER_LIMIT - self.copies:
            raise ValueError("copies must have numbers in [0, 2**31)")
        if not 0 <= self.strength <= 1:
            raise ValueError("strength must be in [0, 1]")

    @property
    def num_samples(self) -> int:
        """See ``Plan.num_samples``."""
        return len(self.latents) * self.copies

    @property
    def truncation(self) -> float:
        """See ``Plan.truncation``."""
        return 1.0

    @property
    def policy(self) -> None:
        """See ``Plan.policy``."""

    @property
    def how(self) -> How:
        """See ``Plan.how``: what all images have in common."""
        return {"variation": {"strength": self.strength}}

    def labels(self, offset: int, count: int) -> Labels | None:
        """See ``Plan.labels``."""
        return None if self.classes is None else self.classes[(offset + np.arange(count)) // self.copies]

    def run(self, offset: int, count: int) -> VariationRun:
        """See ``Plan.run``."""
        image, skip = divmod(offset, self.copies)
        last = (offset + count - 1) // self.copies
        latents = self.latents[image : last + 1].astype("<f4").tobytes()
        numbers = (self.first_image + image, self.first_index, self.copies, skip, count)
        return VariationRun(latents, self.seed, *numbers, self.strength)
