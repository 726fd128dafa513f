"""What one file of samples holds, as far as it is known before the samples are computed."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import repeat
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.imaging.codec import Pixels, encode_pngs
from app.imaging.formats.places import Places
from app.imaging.mark import Origin, SampleMarker

Labels: TypeAlias = NDArray[np.integer]
LabelsAt: TypeAlias = Callable[[int, int], Labels | None]

NO_CLASS = -1
"""Label in arrays of a model without classes."""


@dataclass(frozen=True, slots=True)
class ArrayShape:
    """Samples of one file: how many, and the size of each."""

    num_samples: int
    height: int
    width: int
    channels: int

    @property
    def dims(self) -> tuple[int, int, int, int]:
        """The array's shape, (n, h, w, c)."""
        return (self.num_samples, self.height, self.width, self.channels)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample's pixels."""
        return self.height * self.width * self.channels


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of a file.

    Attributes:
        index: Its number within the seed.
        label: Number of its class.
        class_name: Name of its class.
        number: What the file calls it.
        source: Position of its origin among those of the file.
    """

    index: int
    label: int | None
    class_name: str | None
    number: int
    source: int = 0


@dataclass(frozen=True)
class Contents:
    """The samples of one file, each described by its offset.

    Attributes:
        places: Where samples come from.
        shape: How many samples, and their size; the largest one where sizes differ.
        class_names: Names by class number; empty for an unconditional model.
        labels_at: Computes class numbers from offset and count; None for an unconditional model, -1 for a sample
            without a class.
        dump_manifest: Writes the version's manifest, for formats that have room for it.
        columns: Samples per row of a contact sheet; None for a sheet as near to square as may be.
    """

    places: Places
    shape: ArrayShape
    class_names: Sequence[str] = field(repr=False)
    labels_at: LabelsAt = field(repr=False)
    dump_manifest: Callable[[], bytes] = field(repr=False)
    columns: int | None = None

    @property
    def origin(self) -> Origin:
        """What samples are made from, in a file of one origin."""
        return self.places.origins[0]

    @property
    def first_index(self) -> int:
        """Number of the first sample within its seed."""
        return int(self.places.indices(0, 1)[0])

    @property
    def num_samples(self) -> int:
        """How many samples the file holds."""
        return self.shape.num_samples

    @property
    def mark(self) -> str:
        """What the file says about itself: compact ASCII JSON."""
        return self.places.mark

    def describe(self, offset: int, count: int, labels: Labels | None) -> Iterator[Sample]:
        """Describe some of the samples.

        Args:
            offset: First sample, counted from the file's start.
            count: How many samples.
            labels: Their class numbers, shape (count,); None for an unconditional model.
        """
        classes: Iterable[int] = repeat(NO_CLASS, count) if labels is None else labels.tolist()
        for (number, index, source), label in zip(self.places.locate(offset, count), classes, strict=True):
            if label == NO_CLASS:
                yield Sample(index, None, None, number, source)
            else:
                yield Sample(index, label, self.class_names[label], number, source)

    def encode(self, offset: int, images: Pixels, labels: Labels | None) -> Iterator[tuple[Sample, bytes]]:
        """Encode some of the samples as PNG, each beside its description."""
        samples = list(self.describe(offset, len(images), labels))
        yield from zip(samples, encode_pngs(images, map(self.mark_sample, samples)), strict=True)

    def mark_sample(self, sample: Sample) -> str:
        """Write a sample's text chunk."""
        return self._markers[sample.source].describe(sample.index, sample.class_name)

    def write_facts(self, sample: Sample) -> str:
        """Write a sample's metadata as members of a JSON object, without its braces."""
        common = self._common_facts[sample.source]
        return f'"index": {sample.index}, "class_label": {self.quote(sample.class_name)}, {common}'

    def quote(self, class_name: str | None) -> str:
        """Write a class name as JSON."""
        quoted = self._quoted.get(class_name)
        if quoted is None:
            quoted = self._quoted[class_name] = json.dumps(class_name, ensure_ascii=False)
        return quoted

    def numeric_labels(self, offset: int, count: int) -> NDArray[np.int64]:
        """Compute class numbers as arrays hold them: -1 for a model without classes."""
        labels = self.labels_at(offset, count)
        return np.full(count, NO_CLASS, dtype=np.int64) if labels is None else labels.astype(np.int64)

    def indices(self, offset: int, count: int) -> NDArray[np.int64]:
        """Return the numbers of some of the samples within their seed."""
        return self.places.indices(offset, count)

    def seeds(self, offset: int, count: int) -> NDArray[np.int64]:
        """Return the seed of each of some of the samples."""
        seeds = [origin.seed for origin in self.places.origins]
        return np.array([seeds[source] for _, _, source in self.places.locate(offset, count)], dtype=np.int64)

    @cached_property
    def _markers(self) -> list[SampleMarker]:
        return [SampleMarker(origin) for origin in self.places.origins]

    @cached_property
    def _quoted(self) -> dict[str | None, str]:
        return {}

    @cached_property
    def _common_facts(self) -> list[str]:
        return [_dump_common(origin) for origin in self.places.origins]


def _dump_common(origin: Origin) -> str:
    facts = {
        "seed": origin.seed,
        "model": origin.reference,
        "digest": origin.digest,
        "truncation": origin.truncation,
        **origin.how,
    }
    return json.dumps(facts)[1:-1]


def blocks(num_samples: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield offset and count of consecutive blocks of at most ``size`` samples."""
    for offset in range(0, num_samples, size):
        yield offset, min(size, num_samples - offset)
