"""RandAugment and TrivialAugment: any operation is as likely; one strength for all, or any."""

from collections.abc import Iterator
from typing import Literal

import numpy as np
from pydantic import Field

from app.augmentation.auto.choosing import TOP_LEVEL, AutoPolicy, Magnitude
from app.augmentation.auto.kinds import STANDARD, WIDE
from app.augmentation.draws import F64, whole_between
from app.augmentation.nodes import Drawn, Mask

WITHOUT_STRENGTH = ("auto_contrast", "equalise")
STANDARD_NAMES = (*STANDARD, *WITHOUT_STRENGTH)
WIDE_NAMES = (*WIDE, *WITHOUT_STRENGTH)
MAX_CHOSEN = 8


class RandAugment(AutoPolicy):
    """Apply `n` operations drawn from RandAugment's fourteen, doing nothing among them, at one magnitude.

    Strengths grow evenly to those of ``STANDARD`` at magnitude 30; where an operation has a direction, it is drawn.

    Source:
        Cubuk et al. 2020, "RandAugment: practical automated data augmentation with a reduced search space", section 3.
    """

    op: Literal["rand_augment"] = "rand_augment"
    n: int = Field(2, ge=1, le=MAX_CHOSEN, description="Operations per output.")
    magnitude: Magnitude = Field(9, description="How strong they are: 0 changes next to nothing, 30 most.")

    @property
    def words(self) -> int:
        """Random numbers that a choice takes: an operation and a sign each."""
        return 2 * self.n

    @property
    def num_steps(self) -> int:
        """Operations that it may apply."""
        return self.n * len(STANDARD_NAMES)

    def choose(self, uniform: F64) -> Iterator[tuple[Drawn, Mask]]:
        """Choose operation after operation."""
        levels = np.full(len(uniform), float(self.magnitude))
        for number in range(self.n):
            chosen = whole_between(uniform[:, 2 * number], 0, len(STANDARD_NAMES))
            for place in np.unique(chosen[chosen < len(STANDARD_NAMES)]).tolist():
                name = STANDARD_NAMES[place]
                strengths = STANDARD.get(name, 0.0) * levels / TOP_LEVEL
                yield self.apply(name, strengths, uniform[:, 2 * number + 1], chosen == place)


class TrivialAugment(AutoPolicy):
    """Apply one operation drawn from TrivialAugment's fourteen, doing nothing among them, at any of 31 magnitudes.

    Strengths grow evenly to those of ``WIDE`` at magnitude 30; where an operation has a direction, it is drawn.

    Source:
        Müller and Hutter 2021, "TrivialAugment: tuning-free yet state-of-the-art data augmentation", algorithm 1.
    """

    num_words = 3

    op: Literal["trivial_augment"] = "trivial_augment"

    @property
    def num_steps(self) -> int:
        """Operations that it may apply."""
        return len(WIDE_NAMES)

    def choose(self, uniform: F64) -> Iterator[tuple[Drawn, Mask]]:
        """Choose an operation and a level."""
        chosen = whole_between(uniform[:, 0], 0, len(WIDE_NAMES))
        levels = whole_between(uniform[:, 1], 0, TOP_LEVEL)
        for place in np.unique(chosen[chosen < len(WIDE_NAMES)]).tolist():
            name = WIDE_NAMES[place]
            yield self.apply(name, WIDE.get(name, 0.0) * levels / TOP_LEVEL, uniform[:, 2], chosen == place)
