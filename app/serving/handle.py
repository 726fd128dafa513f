"""The seam between the engine and a worker: what a supervised worker can do, whatever it is made of."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.schemas.jobs import FromWorker, ToWorker, WorkerConfig


class WorkerListener(Protocol):
    """Who is told what a worker says; called in the event loop."""

    def receive(self, message: FromWorker) -> None:
        """Take one message."""
        ...

    def lost(self) -> None:
        """Learn, once, that the worker is gone; nothing is received after this."""
        ...


class WorkerHandle(Protocol):
    """A started worker."""

    @property
    def pid(self) -> int:
        """Process id."""
        ...

    @property
    def slots(self) -> NDArray[np.uint8]:
        """Pixel buffers shared with the worker, shape (slots, slot_bytes)."""
        ...

    def send(self, message: ToWorker) -> None:
        """Send one message; dropped when the worker is gone."""
        ...

    def kill(self) -> None:
        """End the worker at once; the listener hears of it."""
        ...

    async def wait(self) -> None:
        """Wait until the worker is gone."""
        ...


WorkerFactory: TypeAlias = Callable[[WorkerConfig, WorkerListener], Awaitable[WorkerHandle]]
