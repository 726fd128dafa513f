"""Samples of a service as an iterable dataset of torch."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypedDict, Unpack

import numpy as np
import torch
from torch.utils.data import IterableDataset

from app.client.chunks import Chunk, ChunkReader
from app.client.client import Client
from app.client.order import SampleOrder, SampleValues
from app.client.prefetching import Prefetched
from app.client.resolving import resolve
from app.client.sharding import Place, cut, find_place, find_worker

DEFAULT_SEED = 0
_WHITE = 255.0


class DatasetState(TypedDict):
    """Where an iteration is."""

    model: str
    seed: int
    num_samples: int
    epoch: int
    start: int
    stop: int
    position: int


class SyntheticDataset(IterableDataset[tuple[Any, Any]]):
    """Samples of one version, computed while they are read; yields an image and its class number, -1 for no class.

    The samples are those of ``Client.sample`` with the same values. Ranks and workers read ranges that follow each
    other, so together they yield each sample once. Where classes are counted they come evenly mixed.

    Args:
        url: Address of the service.
        model: ``name``, ``name@3`` or ``name@alias``; what it stands for now makes all samples.
        key: Bearer key; None where the service needs none.
        transform: Applied to each image, or batch of them.
        dtype: ``torch.float32`` for values in [0, 1], ``torch.uint8`` for 0 to 255; images are (c, h, w).
        batch_size: Yields batches of at most so many, for a loader with ``batch_size=None``; None for single samples.
        place: Rank and number of ranks; by default as ``torch.distributed`` says.
        values: As for ``Client.sample``; ``seed`` is 0 where none is given.

    Attributes:
        version: What makes the samples: its reference, class names and image shape.

    Raises:
        FountError: If the service refuses, or does not answer.
    """

    ahead = 4
    """Chunks of about a megabyte that are read ahead."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str | None = None,
        transform: Callable[[torch.Tensor], Any] | None = None,
        dtype: torch.dtype = torch.float32,
        batch_size: int | None = None,
        place: tuple[int, int] | None = None,
        **values: Unpack[SampleValues],
    ) -> None:
        super().__init__()
        with Client(url, key) as client:
            self.version = client.send(resolve(client.memory, model))
        order = SampleOrder(self.version.reference, **values)
        self._order = order if order.seed is not None else replace(order, seed=DEFAULT_SEED)
        self._num_samples = sum(count for _, count in order.segments(self.version.class_names))
        self._url, self._key = url, key
        self._transform, self._dtype, self._batch_size = transform, dtype, batch_size
        self._place = None if place is None else Place(*place)
        self._epoch = _share_number()
        self._state: DatasetState | None = None
        self._resumed: DatasetState | None = None

    def __len__(self) -> int:
        start, stop = self._rank_range()
        return stop - start

    def __getstate__(self) -> dict[str, Any]:
        """Return what a worker is given: torch.distributed is not set up there."""
        return self.__dict__ | {"_place": self._place or find_place()}

    def set_epoch(self, epoch: int) -> None:
        """Choose the samples of the next iteration: each epoch has new ones, with the next indices of the seed."""
        self._epoch.fill_(epoch)

    def state_dict(self) -> DatasetState:
        """Return where the latest iteration of this process is: how many samples of its range it has yielded."""
        return self._state or self._begin_state()

    def load_state_dict(self, state: DatasetState) -> None:
        """Let the next iteration go on where another one was, in the same epoch and range.

        Raises:
            ValueError: If that was of other samples.
        """
        expected = self._begin_state()
        if any(state[name] != expected[name] for name in ("model", "seed", "num_samples")):
            raise ValueError("the state is that of other samples: model, seed or number differ")
        self.set_epoch(state["epoch"])
        self._resumed = state

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        """Yield images and labels of this process's range."""
        self._state = state = self._begin_state()
        if self._resumed is not None:
            resumed, self._resumed = self._resumed, None
            if (resumed["start"], resumed["stop"]) != (state["start"], state["stop"]):
                raise ValueError("the state is that of another range: ranks and workers must be as many as they were")
            state["position"] = resumed["position"]
        for images, labels in Prefetched(self._read(state), self.ahead):
            yield from self._spread(images, labels, state)

    def _read(self, state: DatasetState) -> Iterator[Chunk]:
        first_index = (self._order.first_index or 0) + state["epoch"] * self._num_samples
        order = replace(self._order, first_index=first_index)
        with Client(self._url, self._key) as client:
            reader = ChunkReader(client, order, self.version)
            yield from reader.read(state["start"] + state["position"], state["stop"])

    def _spread(self, images: Any, labels: Any, state: DatasetState) -> Iterator[tuple[Any, Any]]:
        """Yield the samples of a chunk; a sample counts as yielded before whoever takes it goes on."""
        tensor = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        if self._dtype.is_floating_point:
            tensor = tensor.to(self._dtype) / _WHITE
        if self._batch_size is None:
            for image, label in zip(tensor.unbind(), labels.tolist(), strict=True):
                state["position"] += 1
                yield image if self._transform is None else self._transform(image), label
            return
        for start in range(0, len(tensor), self._batch_size):
            batch = tensor[start : start + self._batch_size]
            state["position"] += len(batch)
            targets = torch.from_numpy(labels[start : start + self._batch_size])
            yield batch if self._transform is None else self._transform(batch), targets

    def _begin_state(self) -> DatasetState:
        start, stop = cut(*self._rank_range(), find_worker())
        return DatasetState(
            model=self.version.reference,
            seed=self._order.seed or 0,
            num_samples=self._num_samples,
            epoch=int(self._epoch),
            start=start,
            stop=stop,
            position=0,
        )

    def _rank_range(self) -> tuple[int, int]:
        return cut(0, self._num_samples, self._place or find_place())


def _share_number() -> torch.Tensor:
    """Return a number that workers, also those that stay, see change."""
    number = torch.zeros((), dtype=torch.int64)
    number.share_memory_()  # type: ignore[no-untyped-call]  # torch leaves it so
    return number
