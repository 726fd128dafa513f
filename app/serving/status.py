"""The engine in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.schemas.jobs import WorkerReady
from app.serving.counters import VersionCounts


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """Plain counters and gauges; counters run since the engine started.

    Attributes:
        is_ready: Whether requests are being answered.
        worker: What the present worker said of itself (pid, device, threads, numerics); None while there is none.
        restarts: Workers started after the first.
        queued_streams: Requests admitted whose answers are not sent.
        queued_samples: Samples of these that were not sent to the device yet.
        batches_in_flight: Batches sent to the worker and not answered.
        batches: Batches computed, by padded size.
        samples: Samples computed.
        device_s: Seconds spent on batches, of all lanes together.
        refused: Requests refused because the queue was full.
        overdue: Requests refused or dropped because they could not be begun in time.
        cancelled: Requests closed before they were finished.
        failed: Requests that ended with an error.
        versions: What was computed of each version, by name and number.
        ends: Workers that came to an end that nobody asked for, by how.
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
    overdue: int
    cancelled: int
    failed: int
    versions: Mapping[tuple[str, int], VersionCounts] = field(default_factory=dict)
    ends: Mapping[str, int] = field(default_factory=dict)
