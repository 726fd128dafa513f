"""Finished samples that nobody has asked for yet."""

from collections import deque
from collections.abc import Callable

import numpy as np

from app.core.errors import ServiceError
from app.serving.plan import Plan
from app.serving.stream import SampleChunk


class Reservoir:
    """Samples of one plan, kept ready; each is handed out once, in order.

    Attributes:
        plan: Where the samples come from.
        queue_s: For the dispatcher; nobody waits for these samples.
        device_s: Device seconds spent so far, by share of each batch.
        is_closed: Whether nothing more will come, because it was closed or its version cannot be served.
    """

    def __init__(self, plan: Plan, *, on_read: Callable[[int], None], on_close: Callable[[], None]) -> None:
        self.plan = plan
        self.queue_s = 0.0
        self.device_s = 0.0
        self.is_closed = False
        self._on_read = on_read
        self._on_close = on_close
        self._early: dict[int, SampleChunk] = {}
        self._ready: deque[SampleChunk] = deque()
        self._position = 0
        self._end = 0

    def __len__(self) -> int:
        """Count the samples that can be taken."""
        return self._end - self._position

    def take(self, count: int) -> SampleChunk | None:
        """Hand out the next samples; None where there are not so many.

        Args:
            count: How many, at least 1.
        """
        if count > len(self):
            return None
        parts = []
        while count:
            head = self._ready[0]
            part = _slice(head, self._position - head.offset, count)
            parts.append(part)
            count -= len(part.images)
            self._position += len(part.images)
            if self._position == head.offset + len(head.images):
                self._ready.popleft()
        self._on_read(self._position)
        return parts[0] if len(parts) == 1 else _join(parts)

    def deliver(self, chunk: SampleChunk) -> None:
        """Take in computed samples; chunks may come in any order."""
        if self.is_closed:
            return
        self._early[chunk.offset] = chunk
        while (following := self._early.pop(self._end, None)) is not None:
            self._ready.append(following)
            self._end += len(following.images)

    def fail(self, error: ServiceError) -> None:  # noqa: ARG002 - nobody waits who could be told
        """Take note that no more samples can be computed."""
        self._forget()

    def close(self) -> None:
        """Drop what is ready, and have no more computed."""
        if not self.is_closed:
            self._forget()
            self._on_close()

    def _forget(self) -> None:
        self.is_closed = True
        self._early.clear()
        self._ready.clear()
        self._position = self._end


def _slice(chunk: SampleChunk, start: int, count: int) -> SampleChunk:
    """Return up to so many samples of a chunk, without a copy."""
    labels = None if chunk.labels is None else chunk.labels[start : start + count]
    return SampleChunk(chunk.offset + start, chunk.images[start : start + count], labels)


def _join(parts: list[SampleChunk]) -> SampleChunk:
    labels = [part.labels for part in parts if part.labels is not None]
    images = np.concatenate([part.images for part in parts])
    return SampleChunk(parts[0].offset, images, np.concatenate(labels) if labels else None)
