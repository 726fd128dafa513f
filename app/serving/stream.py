"""One request's samples on their way to its reader: in order, and no further computed when the reader leaves."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.core.errors import ServiceError
from app.serving.plan import Labels, Plan


@dataclass(frozen=True, slots=True, eq=False)
class SampleChunk:
    """Some consecutive samples of a request.

    Attributes:
        offset: Number of the first sample, counted from the start of the request (not of the seed).
        images: Pixels, uint8, shape (n, height, width, channels); the reader owns the memory.
        labels: Class of each sample, int32, shape (n,); None for an unconditional model.
    """

    offset: int
    images: NDArray[np.uint8]
    labels: Labels | None


class SampleStream:
    """Asynchronous iterator over the chunks of one request; one reader.

    Close it when done, finished or not (``async with contextlib.aclosing(stream)``): closing cancels what has not
    been sent to the device.

    Attributes:
        plan: What was asked for.
        queue_s: Seconds from submission until the first samples went to the device; 0.0 until then.
        device_s: Device seconds spent so far, by share of each batch.
    """

    def __init__(self, plan: Plan, *, on_read: Callable[[int], None], on_close: Callable[[], None]) -> None:
        self.plan = plan
        self.queue_s = 0.0
        self.device_s = 0.0
        self._on_read = on_read
        self._on_close = on_close
        self._chunks: dict[int, SampleChunk] = {}
        self._position = 0
        self._error: ServiceError | None = None
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SampleChunk:
        while not self._closed and self._error is None and self._position < self.plan.num_samples:
            chunk = self._chunks.pop(self._position, None)
            if chunk is not None:
                self._position += len(chunk.images)
                self._on_read(self._position)
                return chunk
            await self._wait()
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop: nothing more is computed for this request."""
        self.cancel()

    def cancel(self) -> None:
        """Stop, as ``aclose`` does, where nobody can wait."""
        if not self._closed:
            self._closed = True
            self._chunks.clear()
            self._on_close()
            self._wake()

    def deliver(self, chunk: SampleChunk) -> None:
        """Take a computed chunk; chunks may come in any order."""
        if not self._closed:
            self._chunks[chunk.offset] = chunk
            self._wake()

    def fail(self, error: ServiceError) -> None:
        """End the stream with an error; the reader sees it next."""
        self._error = error
        self._chunks.clear()
        self._wake()

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
