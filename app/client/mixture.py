"""The order in which samples of several classes are given to training: evenly mixed, and the same however it is cut."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.client.order import Segment

CHUNK = 8192


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive samples of one class, and where they stand in a chunk.

    Attributes:
        class_name: Their class.
        first: Number of the first within the whole order, whose samples come class by class.
        places: Of each in the chunk, shape (n,).
    """

    class_name: str
    first: int
    places: NDArray[np.int64]


class Mixture:
    """Puts samples that come class by class into an order in which each class is spread evenly.

    Args:
        segments: Class by class, how many samples there are.
        chunk: About how many samples are put in order at once.
    """

    def __init__(self, segments: Sequence[Segment], chunk: int = CHUNK) -> None:
        self._names = [str(name) for name, _ in segments]
        self._counts = np.array([count for _, count in segments], dtype=np.int64)
        self._firsts = np.cumsum(self._counts) - self._counts
        self.num_samples = int(self._counts.sum())
        self._num_chunks = max(-(-self.num_samples // chunk), 1)

    def cut(self, start: int, stop: int) -> Iterator[tuple[int, list[Run]]]:
        """Yield the chunks of a range of the order: how many samples, and the runs that they are taken from."""
        low, high = 0, self._num_chunks
        while high - low > 1:  # the last chunk that begins at `start` or before
            middle = (low + high) // 2
            low, high = (middle, high) if self._begin(middle) <= start else (low, middle)
        for number in range(low, self._num_chunks):
            begin, end = self._begin(number), self._begin(number + 1)
            if begin >= stop:
                return
            inside = max(start, begin) - begin, min(stop, end) - begin
            if inside[1] > inside[0]:
                yield inside[1] - inside[0], list(self._list_runs(number, *inside))

    def _begin(self, number: int) -> int:
        return int(self._bounds(number).sum())

    def _bounds(self, number: int) -> NDArray[np.int64]:
        """Return how many samples of each class come before a chunk."""
        bounds: NDArray[np.int64] = self._counts * number // self._num_chunks
        return bounds

    def _list_runs(self, number: int, start: int, stop: int) -> Iterator[Run]:
        """Yield the samples at some places of a chunk; those of a class follow one another."""
        lows, highs = self._bounds(number), self._bounds(number + 1)
        classes = np.repeat(np.arange(len(lows)), highs - lows)
        within = np.concatenate([np.arange(low, high) for low, high in zip(lows, highs, strict=True)])
        ordered = np.argsort((within + 0.5) / self._counts[classes], kind="stable")[start:stop]
        for kind in np.unique(classes[ordered]):
            places = np.flatnonzero(classes[ordered] == kind)
            first = int(self._firsts[kind] + within[ordered[places[0]]])
            yield Run(self._names[kind], first, places)
