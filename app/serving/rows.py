"""Any samples of a plan, in any order, as a plan of their own."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.seeds import draw_labels
from app.schemas.jobs import RowsRun
from app.serving.plan import How, Labels, SamplePlan, SamplePolicy, how_of


@dataclass(frozen=True, slots=True, eq=False)
class RowsPlan:
    """Scattered samples of one seed; build one with ``choose_rows``. Costs 12 bytes per sample.

    Attributes:
        seed: Seed of the samples.
        truncation: Factor on the latents, in (0, 1].
        indices: Number of each sample within the seed, shape (n,).
        classes: Class of each, shape (n,); None for an unconditional model.
        policy: How samples are augmented; None where they are not.
    """

    seed: int
    truncation: float
    indices: NDArray[np.int64]
    classes: Labels | None
    policy: SamplePolicy | None = None

    @property
    def first_index(self) -> int:
        """See ``Plan.first_index``."""
        return int(self.indices[0])

    @property
    def num_samples(self) -> int:
        """See ``Plan.num_samples``."""
        return len(self.indices)

    @property
    def how(self) -> How:
        """See ``Plan.how``."""
        return how_of(self.policy)

    def labels(self, offset: int, count: int) -> Labels | None:
        """See ``Plan.labels``."""
        return None if self.classes is None else self.classes[offset : offset + count]

    def run(self, offset: int, count: int) -> RowsRun:
        """See ``Plan.run``."""
        indices = self.indices[offset : offset + count].astype("<i8").tobytes()
        return RowsRun(self.seed, indices, count, self.truncation)


def choose_rows(plan: SamplePlan, offsets: NDArray[np.int64]) -> RowsPlan:
    """Take some samples of a plan.

    Args:
        plan: The plan.
        offsets: Which ones, counted from its start, in the order in which they are wanted, shape (n,).
    """
    indices = plan.first_index + offsets
    return RowsPlan(plan.seed, plan.truncation, indices, _find_classes(plan, offsets, indices), plan.policy)


def _find_classes(plan: SamplePlan, offsets: NDArray[np.int64], indices: NDArray[np.int64]) -> Labels | None:
    if not plan.num_classes:
        return None
    if plan.draws_labels:
        return draw_labels(plan.seed, indices, plan.num_classes)
    entries = np.searchsorted(np.array(plan.class_ends), offsets, side="right")
    classes: Labels = np.array(plan.class_order, dtype=np.int32)[entries]
    return classes
