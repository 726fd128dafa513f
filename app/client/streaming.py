"""Samples batch by batch: what to ask for next, and what the bytes that come are. Sends nothing itself."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

from app.client.errors import BrokenAnswerError
from app.client.exchange import Memory, Operation, Request
from app.client.order import SampleOrder, SampleValues
from app.client.resolving import Version, resolve
from app.client.samples import Samples
from app.client.sampling import FORMAT
from app.client.tensors import BatchReader

BATCH_SIZE = 256
MAX_PART = 262_144
"""Most samples of one request: labels and indices of all come before the first pixel."""
SEED_BITS = 53


class SampleStream:
    """A request that is read batch by batch, over as many answers as it takes.

    An answer that breaks off is asked for again from the first sample that was not returned: a part has the samples
    that the whole has.

    Args:
        order: With a seed, of one version.
        version: That version.
        batch_size: Samples of a batch, at least 1; the last one of an answer may have fewer.
        url: Address of the service.

    Attributes:
        num_samples: Of the whole request.
        num_read: Samples that were returned.
    """

    def __init__(self, order: SampleOrder, version: Version, batch_size: int, url: str) -> None:
        self._order = order
        self._version = version
        self._batch_size = batch_size
        self._url = url
        self._segments = order.segments(version.class_names)
        self._reader, self._part_begin = BatchReader(batch_size), 0
        self.num_samples = sum(count for _, count in self._segments)
        self.num_read = 0

    @property
    def is_complete(self) -> bool:
        """Whether all samples were returned."""
        return self.num_read == self.num_samples

    def ask(self) -> Request:
        """Begin the next answer: return the request for what is missing."""
        size = max(MAX_PART // self._batch_size, 1) * self._batch_size
        stop = min(self.num_samples, self.num_read + size)
        part = self._order.part(self._segments, self.num_read, stop)
        self._reader, self._part_begin = BatchReader(self._batch_size), self.num_read
        return Request("POST", "/v1/samples", part.document(FORMAT))

    def feed(self, chunk: bytes) -> Iterator[Samples]:
        """Take bytes of the answer; yield the batches that they complete."""
        for images in self._reader.feed(chunk):
            if self._reader.head is not None:
                offset, names = self.num_read, self._version.class_names
                self.num_read += len(images)
                batch = Samples.of(images, self._reader.head, names, self._url, start=offset - self._part_begin)
                yield replace(batch, first_offset=offset)

    def end(self) -> None:
        """End an answer.

        Raises:
            BrokenAnswerError: If it had fewer samples than it said.
        """
        head = self._reader.head
        if head is None or self._reader.num_read < head.shape[0]:
            raise BrokenAnswerError("the answer broke off before its last sample")


def open_stream(memory: Memory, url: str, model: str, batch_size: int, values: SampleValues) -> Operation[SampleStream]:
    """Begin a stream: the version that the name stands for now makes all of it.

    Args:
        memory: Of the client.
        url: Address of the service.
        model: ``name``, ``name@3`` or ``name@alias``.
        batch_size: Samples of a batch, at least 1.
        values: What else a request for samples has; without a seed, one is drawn here.

    Raises:
        ValueError: If the batch size is below 1.
    """
    if batch_size < 1:
        raise ValueError("batch_size is at least 1")
    version = yield from resolve(memory, model)
    order = SampleOrder(version.reference, **values)
    if order.seed is None:
        order = replace(order, seed=secrets.randbits(SEED_BITS))
    return SampleStream(order, version, batch_size, url)
