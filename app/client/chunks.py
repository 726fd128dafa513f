"""Chunks of a range of samples, as arrays, in the order of training."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TypeAlias

import numpy as np

from app.client.client import Client
from app.client.mixture import Mixture, Run
from app.client.order import SampleOrder, SampleValues
from app.client.resolving import Version
from app.client.samples import Numbers, Pixels

Chunk: TypeAlias = tuple[Pixels, Numbers]
"""Images (n, h, w, c) and labels (n,)."""

CHUNK_BYTES = 1 << 20
AT_ONCE = 4
"""Requests for the classes of a chunk."""


class ChunkReader:
    """Reads any range of an order; a range has the same samples in the same order however the rest is cut.

    Args:
        client: That asks; it is not closed.
        order: With a seed.
        version: That the order is for.
    """

    def __init__(self, client: Client, order: SampleOrder, version: Version) -> None:
        self._client = client
        self._order = order
        self._version = version
        self._segments = order.segments(version.class_names)

    def read(self, start: int, stop: int) -> Iterator[Chunk]:
        """Yield chunks of samples ``start`` to ``stop - 1``."""
        if start >= stop:
            return
        if self._segments[0][0] is None:
            yield from self._stream(start, stop)
        else:
            yield from self._mix(start, stop)

    def _stream(self, start: int, stop: int) -> Iterator[Chunk]:
        size = max(CHUNK_BYTES // int(np.prod(self._version.shape)), 1)
        order = self._order.part(self._segments, start, stop)
        values = SampleValues(
            num_samples=order.num_samples,
            class_label=order.class_label,
            seed=order.seed,
            first_index=order.first_index,
            truncation=order.truncation,
            augment=order.augment,
        )
        for samples in self._client.stream(self._version.reference, batch_size=size, **values):
            yield samples.images, samples.labels

    def _mix(self, start: int, stop: int) -> Iterator[Chunk]:
        mixture = Mixture(self._segments)
        with ThreadPoolExecutor(AT_ONCE, "fount-classes") as pool:
            for count, runs in mixture.cut(start, stop):
                images = np.empty((count, *self._version.shape), np.uint8)
                labels = np.empty(count, np.int64)
                for run, chunk in zip(runs, pool.map(self._read_run, runs), strict=True):
                    images[run.places], labels[run.places] = chunk
                yield images, labels

    def _read_run(self, run: Run) -> Chunk:
        first_index = (self._order.first_index or 0) + run.first
        order = replace(
            self._order,
            num_samples=len(run.places),
            class_counts=None,
            balance=None,
            class_label=run.class_name,
            first_index=first_index,
        )
        samples = self._client.sample(
            self._version.reference,
            num_samples=order.num_samples,
            class_label=order.class_label,
            seed=order.seed,
            first_index=order.first_index,
            truncation=order.truncation,
            augment=order.augment,
        )
        return samples.images, samples.labels
