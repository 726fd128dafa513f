"""Finished samples for requests without a seed: one sample is as good as any other, so idle time makes them ahead."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from app.core.seeds import INDEX_LIMIT, draw_seed
from app.core.settings import PoolSettings
from app.repository.manifest import ImageSpec
from app.schemas.jobs import ModelRef
from app.serving.plan import Plan, SamplePlan
from app.serving.reservoir import Reservoir
from app.serving.stream import SampleChunk
from app.serving.versions import ServedVersion

Keep: TypeAlias = Callable[[ModelRef, ImageSpec, Plan, int], Reservoir]
_Key: TypeAlias = tuple[ModelRef, int | None]


@dataclass(frozen=True, slots=True, eq=False)
class ReadySamples:
    """Samples that were computed before they were asked for.

    Attributes:
        plan: Which they are.
        chunk: Their pixels and classes; ``offset`` is 0.
    """

    plan: SamplePlan
    chunk: SampleChunk


class SamplePool:
    """Reservoirs by version and class; each has a seed of its own, drawn when it is made.

    Args:
        settings: How much is kept ready.
        keep: Has the samples of a plan computed ahead: version, image size, plan, how many.
    """

    def __init__(self, settings: PoolSettings, keep: Keep) -> None:
        self._settings = settings
        self._keep = keep
        self._reservoirs: OrderedDict[_Key, Reservoir] = OrderedDict()
        self._bytes: dict[_Key, int] = {}

    def take(self, version: ServedVersion, label: int | None, count: int) -> ReadySamples | None:
        """Hand out samples that nobody else gets; None where too few are ready.

        The first call for a version and class begins to keep samples of it.

        Args:
            version: Whose.
            label: Their class; None where each draws its own, and for an unconditional model.
            count: How many, at least 1.
        """
        key = (version.ref, label)
        reservoir = self._reservoirs.get(key)
        if reservoir is None or reservoir.is_closed:
            self._open(key, version)
            return None
        chunk = reservoir.take(count)
        if chunk is None:
            return None
        self._reservoirs.move_to_end(key)
        plan = _plan(version, label, reservoir.plan.seed, chunk.offset, count)
        return ReadySamples(plan, SampleChunk(0, chunk.images, chunk.labels))

    def has(self, version: ServedVersion, label: int | None, count: int) -> bool:
        """Tell whether so many samples are ready."""
        reservoir = self._reservoirs.get((version.ref, label))
        return reservoir is not None and not reservoir.is_closed and len(reservoir) >= count

    def drop(self, model: ModelRef) -> None:
        """Forget the samples of a version."""
        for key in [key for key in self._reservoirs if key[0] == model]:
            self._close(key)

    def _open(self, key: _Key, version: ServedVersion) -> None:
        """Begin to keep samples; those that nobody asked for longest make room."""
        image = version.manifest.image
        reserve = min(self._settings.samples, self._settings.bytes // image.num_bytes)
        if not reserve:
            return
        plan = _plan(version, key[1], draw_seed(), 0, INDEX_LIMIT)
        self._reservoirs[key] = self._keep(version.ref, image, plan, reserve)
        self._bytes[key] = reserve * image.num_bytes
        while sum(self._bytes.values()) > self._settings.bytes:
            self._close(next(iter(self._reservoirs)))

    def _close(self, key: _Key) -> None:
        del self._bytes[key]
        self._reservoirs.pop(key).close()


def _plan(version: ServedVersion, label: int | None, seed: int, first_index: int, count: int) -> SamplePlan:
    num_classes = len(version.manifest.class_names)
    if label is None:
        return SamplePlan.drawn(seed=seed, first_index=first_index, num_samples=count, num_classes=num_classes)
    return SamplePlan.of_class(label, seed=seed, first_index=first_index, num_samples=count, num_classes=num_classes)
