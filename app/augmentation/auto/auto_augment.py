"""AutoAugment: one of 25 pairs of operations, found by search on a data set."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from pydantic import Field

from app.augmentation.auto.choosing import AutoPolicy
from app.augmentation.auto.kinds import STANDARD
from app.augmentation.draws import F64, whole_between
from app.augmentation.nodes import Drawn, Mask

TOP = 9
"""The highest magnitude of the tables."""

Dataset: TypeAlias = Literal["imagenet", "cifar10", "svhn"]


class Part(NamedTuple):
    """One operation of a pair.

    Attributes:
        name: Of its kind.
        chance: That it is applied.
        magnitude: From 0 to ``TOP``.
    """

    name: str
    chance: float
    magnitude: int


_WRITTEN: Mapping[Dataset, str] = {
    "imagenet": """
        posterise 0.4 8, rotate 0.6 9
        solarise 0.6 5, auto_contrast 0.6 0
        equalise 0.8 0, equalise 0.6 0
        posterise 0.6 7, posterise 0.6 6
        equalise 0.4 0, solarise 0.2 4
        equalise 0.4 0, rotate 0.8 8
        solarise 0.6 3, equalise 0.6 0
        posterise 0.8 5, equalise 1.0 0
        rotate 0.2 3, solarise 0.6 8
        equalise 0.6 0, posterise 0.4 6
        rotate 0.8 8, saturation 0.4 0
        rotate 0.4 9, equalise 0.6 0
        equalise 0.0 0, equalise 0.8 0
        invert 0.6 0, equalise 1.0 0
        saturation 0.6 4, contrast 1.0 8
        rotate 0.8 8, saturation 1.0 2
        saturation 0.8 8, solarise 0.8 7
        sharpness 0.4 7, invert 0.6 0
        shear_x 0.6 5, equalise 1.0 0
        saturation 0.4 0, equalise 0.6 0
        equalise 0.4 0, solarise 0.2 4
        solarise 0.6 5, auto_contrast 0.6 0
        invert 0.6 0, equalise 1.0 0
        saturation 0.6 4, contrast 1.0 8
        equalise 0.8 0, equalise 0.6 0
    """,
    "cifar10": """
        invert 0.1 0, contrast 0.2 6
        rotate 0.7 2, shift_x 0.3 9
        sharpness 0.8 1, sharpness 0.9 3
        shear_y 0.5 8, shift_y 0.7 9
        auto_contrast 0.5 0, equalise 0.9 0
        shear_y 0.2 7, posterise 0.3 7
        saturation 0.4 3, brightness 0.6 7
        sharpness 0.3 9, brightness 0.7 9
        equalise 0.6 0, equalise 0.5 0
        contrast 0.6 7, sharpness 0.6 5
        saturation 0.7 7, shift_x 0.5 8
        equalise 0.3 0, auto_contrast 0.4 0
        shift_y 0.4 3, sharpness 0.2 6
        brightness 0.9 6, saturation 0.2 8
        solarise 0.5 2, invert 0.0 0
        equalise 0.2 0, auto_contrast 0.6 0
        equalise 0.2 0, equalise 0.6 0
        saturation 0.9 9, equalise 0.6 0
        auto_contrast 0.8 0, solarise 0.2 8
        brightness 0.1 3, saturation 0.7 0
        solarise 0.4 5, auto_contrast 0.9 0
        shift_y 0.9 9, shift_y 0.7 9
        auto_contrast 0.9 0, solarise 0.8 3
        equalise 0.8 0, invert 0.1 0
        shift_y 0.7 9, auto_contrast 0.9 0
    """,
    "svhn": """
        shear_x 0.9 4, invert 0.2 0
        shear_y 0.9 8, invert 0.7 0
        equalise 0.6 0, solarise 0.6 6
        invert 0.9 0, equalise 0.6 0
        equalise 0.6 0, rotate 0.9 3
        shear_x 0.9 4, auto_contrast 0.8 0
        shear_y 0.9 8, invert 0.4 0
        shear_y 0.9 5, solarise 0.2 6
        invert 0.9 0, auto_contrast 0.8 0
        equalise 0.6 0, rotate 0.9 3
        shear_x 0.9 4, solarise 0.3 3
        shear_y 0.8 8, invert 0.7 0
        equalise 0.9 0, shift_y 0.6 6
        invert 0.9 0, equalise 0.6 0
        contrast 0.3 3, rotate 0.8 4
        invert 0.8 0, shift_y 0.0 2
        shear_y 0.7 6, solarise 0.4 8
        invert 0.6 0, rotate 0.8 4
        shear_y 0.3 7, shift_x 0.9 3
        shear_x 0.1 6, invert 0.6 0
        solarise 0.7 2, shift_y 0.6 7
        shear_y 0.8 4, invert 0.8 0
        shear_x 0.7 9, shift_y 0.8 3
        shear_y 0.8 5, auto_contrast 0.7 0
        shear_x 0.7 2, invert 0.1 0
    """,
}


def _read(table: str) -> list[tuple[Part, Part]]:
    rows = [line.split(",") for line in table.strip().splitlines()]
    return [(_read_part(first), _read_part(second)) for first, second in rows]


def _read_part(text: str) -> Part:
    name, chance, magnitude = text.split()
    return Part(name, float(chance), int(magnitude))


PAIRS: Mapping[Dataset, Sequence[tuple[Part, Part]]] = {dataset: _read(table) for dataset, table in _WRITTEN.items()}


class AutoAugment(AutoPolicy):
    """Apply one of AutoAugment's 25 pairs of operations, each operation with its own chance and magnitude.

    Strengths grow evenly to those of ``STANDARD`` at magnitude 9; where an operation has a direction, it is drawn.

    Source:
        Cubuk et al. 2019, "AutoAugment: learning augmentation strategies from data", tables 6, 7 (CIFAR-10), 8 (SVHN)
        and 9 (ImageNet).
    """

    num_words = 5

    op: Literal["auto_augment"] = "auto_augment"
    policy: Dataset = Field("imagenet", description="The data set that the pairs were found on.")

    @property
    def num_steps(self) -> int:
        """Operations that it may apply."""
        return sum(len(_names(self.policy, place)) for place in (0, 1))

    def choose(self, uniform: F64) -> Iterator[tuple[Drawn, Mask]]:
        """Choose a pair; outputs whose pairs have the same operation in one place take it together."""
        pairs = PAIRS[self.policy]
        chosen = whole_between(uniform[:, 0], 0, len(pairs) - 1)
        for place in (0, 1):
            parts = [pair[place] for pair in pairs]
            names = np.array([part.name for part in parts])[chosen]
            is_applied = uniform[:, 1 + place] < np.array([part.chance for part in parts])[chosen]
            levels = np.array([part.magnitude for part in parts])[chosen]
            for name in np.unique(names[is_applied]).tolist():
                strengths = STANDARD.get(name, 0.0) * levels / TOP
                yield self.apply(name, strengths, uniform[:, 3 + place], is_applied & (names == name))


def _names(dataset: Dataset, place: int) -> list[str]:
    return sorted({pair[place].name for pair in PAIRS[dataset]})
