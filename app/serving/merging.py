"""Several streams read as one: samples of many requests in the order of a single file."""

from collections.abc import AsyncIterator, Awaitable, Sequence
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from app.serving.plan import Labels
from app.serving.stream import SampleChunk, SampleStream


class ChunkStream(Protocol):
    """Samples on their way to one reader, in order; close it when done.

    Attributes:
        queue_s: Seconds until the first samples went to the device.
        device_s: Device seconds spent so far.
    """

    @property
    def queue_s(self) -> float: ...  # noqa: D102 - above

    @property
    def device_s(self) -> float: ...  # noqa: D102 - above

    def __aiter__(self) -> AsyncIterator[SampleChunk]: ...

    def __anext__(self) -> Awaitable[SampleChunk]: ...

    async def aclose(self) -> None: ...  # noqa: D102 - above


class FinishedStream:
    """One chunk that was computed before.

    Args:
        chunk: All samples of the request.
    """

    queue_s = 0.0
    device_s = 0.0

    def __init__(self, chunk: SampleChunk) -> None:
        self._chunk: SampleChunk | None = chunk

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SampleChunk:
        chunk, self._chunk = self._chunk, None
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def aclose(self) -> None:
        """Do nothing: there is nothing to stop."""


class MergedStream:
    """Reads the samples of several streams in a given order; holds at most a chunk of each.

    Args:
        streams: Where samples come from.
        sources: Number of the stream that each sample of the whole is of, shape (n,).
        labels: Class of each sample, in place of what streams say, shape (n,); None where there are no classes.
    """

    def __init__(self, streams: Sequence[SampleStream], sources: NDArray[np.integer], labels: Labels | None) -> None:
        self._streams = streams
        self._sources = sources
        self._labels = labels
        self._positions = [np.flatnonzero(sources == number) for number in range(len(streams))]
        self._held: list[NDArray[np.uint8] | None] = [None] * len(streams)
        self._taken = [0] * len(streams)
        self._position = 0

    @property
    def queue_s(self) -> float:
        """See ``ChunkStream``."""
        return max(stream.queue_s for stream in self._streams)

    @property
    def device_s(self) -> float:
        """See ``ChunkStream``."""
        return sum(stream.device_s for stream in self._streams)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SampleChunk:
        start = self._position
        if start == len(self._sources):
            raise StopAsyncIteration
        await self._refill()
        stop = self._find_end(start)
        images = self._gather(start, stop)
        self._position = stop
        labels = None if self._labels is None else self._labels[start:stop]
        return SampleChunk(start, images, labels)

    async def aclose(self) -> None:
        """Close all streams."""
        for stream in self._streams:
            await stream.aclose()

    async def _refill(self) -> None:
        """Hold a chunk of every stream that has samples left."""
        for number, stream in enumerate(self._streams):
            if self._held[number] is None and self._taken[number] < len(self._positions[number]):
                self._held[number] = (await anext(stream)).images

    def _find_end(self, start: int) -> int:
        """Find where the samples end that are held and of one size: an array has one shape."""
        ends = [len(self._sources)]
        for positions, taken, held in zip(self._positions, self._taken, self._held, strict=True):
            if held is not None and taken + len(held) < len(positions):
                ends.append(int(positions[taken + len(held)]))
        stop = min(ends)
        others = [number for number in range(len(self._streams)) if not self._is_like(number, start)]
        if others:
            stop = start + int(np.argmax(np.append(np.isin(self._sources[start:stop], others), True)))
        return stop

    def _is_like(self, number: int, position: int) -> bool:
        """Tell whether a stream's images have the size of the one at a position."""
        one, other = self._held[number], self._held[int(self._sources[position])]
        return one is None or other is None or one.shape[1:] == other.shape[1:]

    def _gather(self, start: int, stop: int) -> NDArray[np.uint8]:
        wanted = self._sources[start:stop]
        first = self._held[int(wanted[0])]
        shape = () if first is None else first.shape[1:]
        images = np.empty((stop - start, *shape), dtype=np.uint8)
        for number, held in enumerate(self._held):
            places = np.flatnonzero(wanted == number)
            if held is not None and len(places):
                images[places] = held[: len(places)]
                self._taken[number] += len(places)
                self._held[number] = held[len(places) :] if len(places) < len(held) else None
        return images
