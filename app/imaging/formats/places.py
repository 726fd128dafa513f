"""Where the samples of a file come from: consecutive ones of one seed, or any of several seeds and versions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.imaging.mark import DIGITAL_SOURCE_TYPE, Fact, Origin, describe_file

Place: TypeAlias = tuple[int, int, int]
"""Number within the file, index within the seed, and position of the origin in ``Places.origins``."""


class Places(Protocol):
    """Says of each sample of a file what it is called there, and what it is made from."""

    @property
    def origins(self) -> Sequence[Origin]:
        """What samples are made from; most files have one."""
        ...

    @property
    def last_number(self) -> int:
        """Largest number of a sample."""
        ...

    @property
    def mark(self) -> str:
        """What the file says about itself: compact ASCII JSON."""
        ...

    def locate(self, offset: int, count: int) -> Iterable[Place]:
        """List the places of some of the samples."""
        ...

    def indices(self, offset: int, count: int) -> NDArray[np.int64]:
        """Return the numbers of some of the samples within their seeds."""
        ...


@dataclass(frozen=True, slots=True)
class Consecutive:
    """Samples that follow each other in one seed; each is called by its index."""

    origin: Origin
    first_index: int
    num_samples: int

    @property
    def origins(self) -> Sequence[Origin]:
        """See ``Places.origins``."""
        return (self.origin,)

    @property
    def last_number(self) -> int:
        """See ``Places.last_number``."""
        return self.first_index + self.num_samples - 1

    @property
    def mark(self) -> str:
        """See ``Places.mark``."""
        return describe_file(self.origin, self.first_index, self.num_samples)

    def locate(self, offset: int, count: int) -> Iterable[Place]:
        """See ``Places.locate``."""
        first = self.first_index + offset
        indices = range(first, first + count)
        return zip(indices, indices, repeat(0, count), strict=True)

    def indices(self, offset: int, count: int) -> NDArray[np.int64]:
        """See ``Places.indices``."""
        return np.arange(count, dtype=np.int64) + np.int64(self.first_index + offset)


@dataclass(frozen=True, slots=True, eq=False)
class Scattered:
    """Samples of any order and origin; costs some 20 bytes per sample.

    Attributes:
        origins: What samples are made from.
        numbers: What each sample is called, int64, shape (n,).
        rows: Number of each within its seed, int64, shape (n,).
        sources: Position of each one's origin in ``origins``, shape (n,).
        last_number: Largest number that a sample of a sibling of this file may have, so that names sort alike.
        facts: What the file says about itself.
    """

    origins: Sequence[Origin]
    numbers: NDArray[np.int64]
    rows: NDArray[np.int64]
    sources: NDArray[np.integer]
    last_number: int
    facts: Mapping[str, Fact] = field(repr=False)

    @property
    def mark(self) -> str:
        """See ``Places.mark``."""
        facts = {**self.facts, "num_samples": len(self.rows), "digital_source_type": DIGITAL_SOURCE_TYPE}
        return json.dumps(facts, separators=(",", ":"))

    def locate(self, offset: int, count: int) -> Iterable[Place]:
        """See ``Places.locate``."""
        part = slice(offset, offset + count)
        return zip(self.numbers[part].tolist(), self.rows[part].tolist(), self.sources[part].tolist(), strict=True)

    def indices(self, offset: int, count: int) -> NDArray[np.int64]:
        """See ``Places.indices``."""
        return self.rows[offset : offset + count]


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same number of samples of each origin, one origin after the other; each is called by its place.

    Attributes:
        origins: What samples are made from.
        copies: How many samples each origin has.
        first_index: Number of the first sample of each origin.
        first_number: What the first sample of all is called.
        common: What all origins have in common, for what the file says about itself.
    """

    origins: Sequence[Origin]
    copies: int
    first_index: int
    first_number: int
    common: Origin

    @property
    def last_number(self) -> int:
        """See ``Places.last_number``."""
        return self.first_number + self._num_samples - 1

    @property
    def mark(self) -> str:
        """See ``Places.mark``."""
        return describe_file(self.common, self.first_index, self._num_samples)

    def locate(self, offset: int, count: int) -> Iterable[Place]:
        """See ``Places.locate``."""
        for position in range(offset, offset + count):
            source, copy = divmod(position, self.copies)
            yield self.first_number + position, self.first_index + copy, source

    def indices(self, offset: int, count: int) -> NDArray[np.int64]:
        """See ``Places.indices``."""
        return self.first_index + (offset + np.arange(count, dtype=np.int64)) % self.copies

    @property
    def _num_samples(self) -> int:
        return len(self.origins) * self.copies
