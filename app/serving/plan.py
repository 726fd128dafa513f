"""What a request resolved to: which samples of which seed, and how each gets its class.

A plan costs memory per class, never per sample.
"""

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.core.seeds import INDEX_LIMIT, SEED_LIMIT, draw_labels

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class SamplePlan:
    """Consecutive samples of one seed; build one with ``drawn``, ``of_class`` or ``of_counts``.

    Attributes:
        seed: Seed of the request, in [0, 2**63).
        first_index: Number of the first sample.
        num_samples: How many samples, at least 1.
        truncation: Factor on the latents, in (0, 1].
        num_classes: Classes of the model; 0 for an unconditional one.
        class_order: Classes in the order in which they come; empty when each sample draws its own.
        class_ends: Offset behind the last sample of each class in ``class_order``.
    """

    seed: int
    first_index: int
    num_samples: int
    truncation: float = 1.0
    num_classes: int = 0
    class_order: tuple[int, ...] = ()
    class_ends: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.seed < SEED_LIMIT:
            raise ValueError("seed must be in [0, 2**63)")
        if self.num_samples < 1 or not 0 <= self.first_index <= INDEX_LIMIT - self.num_samples:
            raise ValueError("samples must have indices in [0, 2**63) and there must be at least one")
        if not 0 < self.truncation <= 1:
            raise ValueError("truncation must be in (0, 1]")
        if any(not 0 <= label < self.num_classes for label in self.class_order):
            raise ValueError("classes must be in [0, num_classes)")

    @classmethod
    def drawn(
        cls, *, seed: int, first_index: int, num_samples: int, num_classes: int = 0, truncation: float = 1.0
    ) -> Self:
        """Let each sample draw its class from its own key; with ``num_classes`` 0 there are no classes."""
        return cls(seed, first_index, num_samples, truncation, num_classes)

    @classmethod
    def of_class(
        cls,
        class_index: int,
        *,
        seed: int,
        first_index: int,
        num_samples: int,
        num_classes: int,
        truncation: float = 1.0,
    ) -> Self:
        """Make every sample of one class."""
        return cls(seed, first_index, num_samples, truncation, num_classes, (class_index,), (num_samples,))

    @classmethod
    def of_counts(
        cls,
        counts: Iterable[tuple[int, int]],
        *,
        seed: int,
        first_index: int,
        num_classes: int,
        truncation: float = 1.0,
    ) -> Self:
        """Make so many samples of each class, in class order.

        Args:
            counts: Pairs of class index and number of samples; zeros are left out.
            seed: Seed of the request.
            first_index: Number of the first sample; indices run on over all classes.
            num_classes: Classes of the model.
            truncation: Factor on the latents.

        Raises:
            ValueError: If no sample is asked for, or a class does not exist.
        """
        order: list[int] = []
        ends: list[int] = []
        total = 0
        for class_index, count in sorted(counts):
            if count:
                total += count
                order.append(class_index)
                ends.append(total)
        return cls(seed, first_index, total, truncation, num_classes, tuple(order), tuple(ends))

    def labels(self, offset: int, count: int) -> Labels | None:
        """Compute the classes of some of the samples.

        Args:
            offset: First sample, counted from the plan's start.
            count: How many samples.

        Returns:
            Class indices, shape (count,); None for an unconditional model.
        """
        if not self.num_classes:
            return None
        if len(self.class_order) == 1:
            return np.full(count, self.class_order[0], dtype=np.int32)
        if self.class_order:
            return self._counted_labels(offset, count)
        return draw_labels(self.seed, self.indices(offset, count), self.num_classes)

    @property
    def draws_labels(self) -> bool:
        """Whether each sample draws its class from its own key."""
        return bool(self.num_classes) and not self.class_order

    def indices(self, offset: int, count: int) -> NDArray[np.int64]:
        """Return the numbers of some of the samples within their seed."""
        return np.arange(self.first_index + offset, self.first_index + offset + count, dtype=np.int64)

    def _counted_labels(self, offset: int, count: int) -> Labels:
        labels = np.empty(count, dtype=np.int32)
        position = 0
        entry = bisect.bisect_right(self.class_ends, offset)
        while position < count:
            stop = min(count, self.class_ends[entry] - offset)
            labels[position:stop] = self.class_order[entry]
            position = stop
            entry += 1
        return labels


def labels_of(runs: Sequence[tuple[SamplePlan, int, int]]) -> list[Labels | None]:
    """Compute ``plan.labels(offset, count)`` for many requests of one model; those that draw do so in one go."""
    drawing = [run for run in runs if run[0].draws_labels]
    if len(drawing) < 2:  # noqa: PLR2004 - nothing to join
        return [plan.labels(offset, count) for plan, offset, count in runs]
    counts = [count for _, _, count in drawing]
    seeds = np.repeat(np.array([plan.seed for plan, _, _ in drawing], dtype=np.uint64), counts)
    indices = np.concatenate([plan.indices(offset, count) for plan, offset, count in drawing])
    drawn = draw_labels(seeds, indices, drawing[0][0].num_classes)
    shares = iter(np.split(drawn, np.cumsum(counts)[:-1]))
    return [next(shares) if plan.draws_labels else plan.labels(offset, count) for plan, offset, count in runs]
