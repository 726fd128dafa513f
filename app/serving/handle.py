"""The seam between the engine and a worker: what a supervised worker can do, whatever it is made of."""

from typing import Protocol

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


class WorkerProcess(Protocol):
    """The process of a worker, however it was started."""

    @property
    def pid(self) -> int | None:
        """Process id; None while it is not born."""
        ...

    def kill(self) -> None:
        """End it at once; may be called again."""
        ...

    async def wait(self) -> int | None:
        """Wait until it is gone, and reaped; called once.

        Returns:
            Its exit status, or minus the signal that ended it; None where that is not known.
        """
        ...


class WorkerHandle(Protocol):
    """A started worker."""

    @property
    def pid(self) -> int | None:
        """Process id; None while it is not born."""
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

    async def wait(self) -> int | None:
        """Wait until the worker is gone; returns its status as ``WorkerProcess.wait`` does."""
        ...


class WorkerFactory(Protocol):
    """What workers are started with."""

    async def __call__(self, config: WorkerConfig, listener: WorkerListener) -> WorkerHandle:
        """Start a worker, and have the listener told of it; returns before it is ready.

        Raises:
            OSError: If there are not enough processes, descriptors or memory.
        """
        ...

    async def close(self) -> None:
        """Put away what is kept between workers; called when there is none any more."""
        ...
