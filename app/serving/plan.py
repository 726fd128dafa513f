"""What a request resolved to: which samples of which seed, and how each gets its class.

A plan costs memory per class, never per sample.
"""

import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, Self, TypeAlias, TypeGuard

import numpy as np
from numpy.typing import NDArray

from app.core.seeds import INDEX_LIMIT, SEED_LIMIT, draw_labels
from app.schemas.jobs import IndexRun, PathRun, Run

SPHERICAL: Final = "spherical"
LINEAR: Final = "linear"

Labels = NDArray[np.int32]

How: TypeAlias = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SamplePolicy:
    """How samples are augmented after they are made.

    Attributes:
        ops: Operations, as a JSON array.
        digest: SHA-256 of the policy and of the version of the engine, in hexadecimal digits.
        facts: What samples say of it.
    """

    ops: bytes
    digest: str
    facts: Mapping[str, Any] = field(compare=False)


class Plan(Protocol):
    """What the engine computes for one request."""

    @property
    def seed(self) -> int:
        """Seed of the samples."""
        ...

    @property
    def first_index(self) -> int:
        """Number of the first sample."""
        ...

    @property
    def num_samples(self) -> int:
        """How many samples."""
        ...

    @property
    def truncation(self) -> float:
        """Factor on the latents, in (0, 1]."""
        ...

    @property
    def how(self) -> How:
        """What else samples are a function of, under one name; empty for plain ones."""
        ...

    @property
    def policy(self) -> SamplePolicy | None:
        """How samples are augmented; None where they are not."""
        ...

    def labels(self, offset: int, count: int) -> Labels | None:
        """Compute the classes of some of the samples; None for an unconditional model."""
        ...

    def run(self, offset: int, count: int) -> Run:
        """Describe some of the samples for the worker."""
        ...


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
        policy: How samples are augmented; None where they are not.
    """

    seed: int
    first_index: int
    num_samples: int
    truncation: float = 1.0
    num_classes: int = 0
    class_order: tuple[int, ...] = ()
    class_ends: tuple[int, ...] = ()
    policy: SamplePolicy | None = None

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
    def how(self) -> How:
        """See ``Plan.how``."""
        return how_of(self.policy)

    def run(self, offset: int, count: int) -> IndexRun:
        """See ``Plan.run``."""
        return IndexRun(self.seed, self.first_index + offset, count, self.truncation)

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


@dataclass(frozen=True, slots=True)
class SampleAddress:
    """Which sample of which seed."""

    seed: int
    index: int

    def __post_init__(self) -> None:
        if not 0 <= self.seed < SEED_LIMIT or not 0 <= self.index < INDEX_LIMIT:
            raise ValueError("seed and index must be in [0, 2**63)")


@dataclass(frozen=True, slots=True)
class PathPlan:
    """Consecutive frames of a path from one sample to another.

    Attributes:
        start: Latents of frame 0.
        end: Latents of the last frame.
        num_frames: Frames of the whole path, both ends included, at least 2.
        num_samples: How many of them.
        first_index: Number of the first one.
        class_index: Class of all frames; None for an unconditional model.
        is_spherical: Whether frames keep the spread of normal latents; else the path is a straight line.
        truncation: Factor on the latents, in (0, 1].
    """

    start: SampleAddress
    end: SampleAddress
    num_frames: int
    num_samples: int
    first_index: int = 0
    class_index: int | None = None
    is_spherical: bool = True
    truncation: float = 1.0

    def __post_init__(self) -> None:
        if self.num_frames < 2:  # noqa: PLR2004 - a path has two ends
            raise ValueError("a path has at least 2 frames")
        if self.num_samples < 1 or not 0 <= self.first_index <= self.num_frames - self.num_samples:
            raise ValueError("frames must be of the path, and there must be at least one")
        if not 0 < self.truncation <= 1:
            raise ValueError("truncation must be in (0, 1]")

    @property
    def seed(self) -> int:
        """See ``Plan.seed``: that of the start."""
        return self.start.seed

    @property
    def policy(self) -> None:
        """See ``Plan.policy``."""

    @property
    def how(self) -> How:
        """See ``Plan.how``."""
        return {
            "path": {
                "start_index": self.start.index,
                "end_seed": self.end.seed,
                "end_index": self.end.index,
                "num_frames": self.num_frames,
                "method": SPHERICAL if self.is_spherical else LINEAR,
            }
        }

    def labels(self, offset: int, count: int) -> Labels | None:  # noqa: ARG002 - all frames are of one class
        """See ``Plan.labels``."""
        return None if self.class_index is None else np.full(count, self.class_index, dtype=np.int32)

    def run(self, offset: int, count: int) -> PathRun:
        """See ``Plan.run``."""
        ends = (self.start.seed, self.start.index, self.end.seed, self.end.index)
        first_frame = self.first_index + offset
        return PathRun(*ends, self.num_frames, first_frame, count, self.is_spherical, self.truncation)


def how_of(policy: SamplePolicy | None) -> How:
    """Say how samples of consecutive indices are made: by their seed, and by a policy where there is one."""
    return {} if policy is None else {"augment": policy.facts}


def labels_of(runs: Sequence[tuple[Plan, int, int]]) -> list[Labels | None]:
    """Compute ``plan.labels(offset, count)`` for many requests of one model; those that draw do so in one go."""
    drawing = [(plan, offset, count) for plan, offset, count in runs if _draws_labels(plan)]
    if len(drawing) < 2:  # noqa: PLR2004 - nothing to join
        return [plan.labels(offset, count) for plan, offset, count in runs]
    counts = [count for _, _, count in drawing]
    seeds = np.repeat(np.array([plan.seed for plan, _, _ in drawing], dtype=np.uint64), counts)
    indices = np.concatenate([plan.indices(offset, count) for plan, offset, count in drawing])
    drawn = draw_labels(seeds, indices, drawing[0][0].num_classes)
    shares = iter(np.split(drawn, np.cumsum(counts)[:-1]))
    return [next(shares) if _draws_labels(plan) else plan.labels(offset, count) for plan, offset, count in runs]


def _draws_labels(plan: Plan) -> TypeGuard[SamplePlan]:
    return isinstance(plan, SamplePlan) and plan.draws_labels
