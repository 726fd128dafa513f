"""Which samples are in which shard: a pure function of a few numbers, computed for one shard at a time.

Samples of one class of one block follow each other in the recipe. A split takes them at even distances, and a shard
takes those of its split at even distances, so each has its share of every class and block, without a list of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from app.core.seeds import Stream, draw_words

Positions = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ShardPlace:
    """A shard within its split."""

    split: int
    number: int
    num_shards: int
    num_samples: int


@dataclass(frozen=True)
class Assignment:
    """Samples 0 to n - 1 on shards.

    Attributes:
        split_sizes: Samples of each split, each at least 1; n in all, at most 10**9.
        shard_size: Most samples of one shard; within a split, shards differ by one sample at most.
        key: Seed of the order within shards.
    """

    split_sizes: Sequence[int]
    shard_size: int
    key: int

    @cached_property
    def shard_counts(self) -> list[int]:
        """Shards of each split."""
        return [-(-size // self.shard_size) for size in self.split_sizes]

    @property
    def num_shards(self) -> int:
        """Shards in all: those of the first split, then those of the next."""
        return sum(self.shard_counts)

    def locate(self, shard: int) -> ShardPlace:
        """Find a shard's split.

        Raises:
            IndexError: If there is no such shard.
        """
        number = shard if shard >= 0 else self.num_shards
        for split, (count, size) in enumerate(zip(self.shard_counts, self.split_sizes, strict=True)):
            if number < count:
                return ShardPlace(split, number, count, len(range(number, size, count)))
            number -= count
        raise IndexError("there is no such shard")

    def positions(self, shard: int) -> Positions:
        """List the samples of a shard, in the order in which they come.

        Returns:
            Numbers in [0, n), shape (samples of the shard,).

        Raises:
            IndexError: If there is no such shard.
        """
        place = self.locate(shard)
        ranks = np.arange(place.number, self.split_sizes[place.split], place.num_shards, dtype=np.int64)
        return self._shuffle(self._find(place.split, ranks))

    def _find(self, split: int, ranks: Positions) -> Positions:
        """Find the samples of a split: it takes its share of what the splits before it have left."""
        left = sum(self.split_sizes[split:])
        taken = self.split_sizes[split]
        found = (ranks + 1) * left + taken - 1  # ceil((rank + 1) * left / taken) - 1
        found = found // taken - 1
        for size in reversed(self.split_sizes[:split]):
            found = found * (left + size) // left
            left += size
        return found

    def _shuffle(self, positions: Positions) -> Positions:
        """Put samples in an order of their own; random words are sorted, ties by number."""
        words = draw_words(self.key, positions, Stream.ORDER, 2).astype(np.uint64)
        shuffled: Positions = positions[np.argsort(words[:, 0] << np.uint64(32) | words[:, 1], kind="stable")]
        return shuffled
