"""The front half of sampling: admit requests, batch them, have a worker compute them, hand out streams."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.clock import Clock, monotonic
from app.core.settings import Settings
from app.repository.store import ModelRepository
from app.schemas.jobs import WorkerReady
from app.serving.catalog import Catalog, ServedVersion
from app.serving.plan import SamplePlan
from app.serving.stream import SampleStream


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Plain counters and gauges; counters run since the engine started.

    Attributes:
        is_ready: Whether requests are being answered.
        worker: What the present worker said of itself (pid, device, threads, numerics); None while there is none.
        restarts: Workers started after the first.
        queued_streams: Requests admitted and not finished.
        queued_samples: Samples of these that were not sent to the device yet.
        batches_in_flight: Batches sent to the worker and not answered.
        batches: Batches computed, by padded size.
        samples: Samples computed.
        device_s: Device seconds spent on batches.
        refused: Requests refused because the queue was full.
        cancelled: Requests closed before they were finished.
        failed: Requests that ended with an error.
    """

    is_ready: bool
    worker: WorkerReady | None
    restarts: int
    queued_streams: int
    queued_samples: int
    batches_in_flight: int
    batches: Mapping[int, int]
    samples: int
    device_s: float
    refused: int
    cancelled: int
    failed: int


class Engine:
    """Answers sample requests; lives in one event loop.

    Args:
        settings: The service's settings.
        repository: Where the models are.
        clock: Monotonic time.
    """

    catalog: Catalog

    def __init__(self, settings: Settings, repository: ModelRepository, *, clock: Clock = monotonic) -> None:
        raise NotImplementedError

    @property
    def is_ready(self) -> bool:
        """Whether a worker runs and the first look at the repository is done."""
        raise NotImplementedError

    async def start(self) -> None:
        """Start the worker, read the repository, and warm the default versions up.

        Raises:
            WorkerLostError: If no worker is ready within ``worker.start_timeout_s``.
        """
        raise NotImplementedError

    async def stop(self, grace_s: float | None = None) -> None:
        """Refuse new requests, let admitted ones finish within the grace period, end the worker.

        Args:
            grace_s: Seconds; ``http.shutdown_grace_s`` when left out.
        """
        raise NotImplementedError

    def submit(self, version: ServedVersion, plan: SamplePlan, *, interactive: bool | None = None) -> SampleStream:
        """Admit a request; returns at once.

        Args:
            version: What ``catalog.resolve`` found.
            plan: Which samples.
            interactive: Whether it goes before bulk work; by default when it fits into one batch.

        Raises:
            QueueFullError: If ``queue.requests`` requests are admitted already; ``retry_after_s`` is an estimate.
            NotReadyError: If the engine is stopping, or has had no worker for too long.
        """
        raise NotImplementedError

    def next_exchangeable(self, version: ServedVersion, count: int) -> tuple[int, int]:
        """Take the next samples of the seed that the engine drew when it was made.

        Returns:
            Seed and first index of ``count`` samples of this version that nobody else gets.
        """
        raise NotImplementedError

    def status(self) -> EngineStatus:
        """Return the counters and gauges now."""
        raise NotImplementedError
