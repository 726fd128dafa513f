"""The front half of sampling: admit requests, batch them, have a worker compute them, hand out streams."""

import asyncio
import contextlib
from collections.abc import Coroutine

import numpy as np
from numpy.typing import NDArray

from app.core.clock import Clock, monotonic
from app.core.errors import (
    ModelUnhealthyError,
    NoEncoderError,
    NotReadyError,
    ServiceError,
    VersionNotFoundError,
    WorkerLostError,
)
from app.core.seeds import draw_seed
from app.core.settings import Settings
from app.repository.store import ModelRepository
from app.schemas.jobs import ModelRef
from app.serving.admission import ANY_TIME, Admission, Budget, Terms
from app.serving.batcher import Batcher
from app.serving.catalog import Catalog, ServedVersion
from app.serving.configuring import worker_config
from app.serving.counters import Counters
from app.serving.dispatcher import RETRY_WITHOUT_WORKER_S, Dispatcher
from app.serving.handle import WorkerFactory
from app.serving.health import Health
from app.serving.nursery import create_workers
from app.serving.plan import Labels, Plan
from app.serving.pool import ReadySamples, SamplePool
from app.serving.status import EngineStatus
from app.serving.stream import SampleChunk, SampleStream
from app.serving.supervisor import Supervisor

__all__ = ["Engine", "SampleChunk", "SampleStream"]

Pixels = NDArray[np.uint8]
Latents = NDArray[np.float32]

_ABORT_GRACE_S = 0.0
_MOST_READY_BYTES = 2**20  # of pixels without a place; more of them wait for one as all others do
RETRY_WITHOUT_VERSION_S = 1


class Engine:
    """Answers sample requests; lives in one event loop, and is started once.

    Args:
        settings: The service's settings.
        repository: Where the models are.
        worker_factory: Starts workers; by default as child processes.
        clock: Monotonic time.

    Attributes:
        catalog: What may be asked for now.

    Raises:
        ConfigurationError: If the batch sizes are not ascending, positive numbers.
    """

    def __init__(
        self,
        settings: Settings,
        repository: ModelRepository,
        *,
        worker_factory: WorkerFactory | None = None,
        clock: Clock = monotonic,
    ) -> None:
        self._settings = settings
        self._counters = Counters()
        self._batcher = Batcher(window_batches=settings.queue.window_batches)
        self._admission = Admission(self._batcher, self._counters, settings.queue, clock, is_shared=settings.has_keys)
        health = Health(settings.health, clock)
        self._dispatcher = Dispatcher(self._batcher, self._counters, health, eject=self._eject, clock=clock)
        self._supervisor = Supervisor(
            worker_config(settings, repository.url),
            settings.worker,
            factory=worker_factory or create_workers(),
            events=self._dispatcher,
            clock=clock,
        )
        self.catalog = Catalog(
            repository,
            load=self._dispatcher.load,
            retire=self._retire,
            poll_interval_s=settings.repository.poll_interval_s,
        )
        self._pool = SamplePool(settings.pool, self._dispatcher.keep)
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_leaving = self._is_stopping = False
        self._seed = draw_seed()
        self._next_indices: dict[ModelRef, int] = {}

    @property
    def is_ready(self) -> bool:
        """Whether a worker runs, the first look at the repository is done, and nobody said that it will stop."""
        return self._dispatcher.has_worker and self.catalog.is_settled and not self._is_leaving

    async def start(self) -> None:
        """Start the worker, read the repository meanwhile, and warm the default versions up.

        Returns as soon as the engine is ready, or after ``worker.start_timeout_s`` with versions still being made
        ready.

        Raises:
            WorkerLostError: If no worker is ready within ``worker.start_timeout_s``; the engine is stopped.
        """
        self._supervisor.start()
        self._spawn(self.catalog.follow())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.worker.start_timeout_s):
                await self._dispatcher.wait_for_worker()
                await self.catalog.wait_settled()
        if not self._dispatcher.has_worker:
            await self.stop(_ABORT_GRACE_S)
            raise WorkerLostError("the worker did not become ready in time; its log says why")

    def leave(self) -> None:
        """Say that the engine will be stopped soon: it is not ready from now on, and takes requests until then."""
        self._is_leaving = True

    async def stop(self, grace_s: float | None = None) -> None:
        """Refuse new requests, let admitted ones finish within the grace period, end the worker.

        Args:
            grace_s: Seconds; ``http.shutdown_grace_s`` when left out.
        """
        self._is_leaving = self._is_stopping = True
        grace_s = self._settings.http.shutdown_grace_s if grace_s is None else grace_s
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self._dispatcher.drain()
        self._dispatcher.close(NotReadyError("the service is being stopped", retry_after_s=RETRY_WITHOUT_WORKER_S))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._supervisor.stop()

    def agree(self, key: str, timeout_s: float | None = None, budget: Budget | None = None) -> Terms:
        """Fix the terms of a request that came now; see ``Admission.agree``."""
        return self._admission.agree(key, timeout_s, budget)

    def check_early(self, terms: Terms) -> None:
        """Refuse a request of samples before its body is read, where nothing in that could help.

        Raises:
            QueueFullError: As ``submit`` would.
            DeadlineExceededError: If one that goes first was refused for this key just now.
            NotReadyError: As ``submit`` would.
        """
        self._require_worker()
        self._admission.check_place(terms)
        self._admission.recall(terms)

    def submit(
        self, version: ServedVersion, plan: Plan, *, interactive: bool | None = None, terms: Terms = ANY_TIME
    ) -> SampleStream:
        """Admit a request; returns at once.

        Args:
            version: What ``catalog.resolve`` found.
            plan: Which samples.
            interactive: Whether it goes before bulk work, where it fits into one batch; False makes it bulk.
            terms: For whom, and how long it may wait. Its stream ends with a ``DeadlineExceededError`` if the first
                samples do not go to the device in time.

        Raises:
            QueueFullError: If ``queue.requests`` requests have places already, or too many of the key;
                ``retry_after_s`` is an estimate. A place is free again when its stream is closed.
            DeadlineExceededError: If it would not be begun in time.
            RateLimitedError: If its key may not take so much device time now.
            LimitExceededError: If its key may never take so much at once.
            ModelUnhealthyError: If the version was taken out of service a moment ago.
            NotReadyError: If the engine is stopping, or has had no worker for too long.
        """
        self._require_worker()
        self._admission.check_place(terms)
        sizes = self._allow(version)
        goes_first = plan.num_samples <= sizes[-1] and interactive is not False
        self._admission.check_time(terms, interactive=goes_first, turn=sizes[-1])
        self._admission.charge(terms, version.ref, plan.num_samples)
        return self._dispatcher.submit(
            version.ref,
            version.manifest.image,
            plan,
            interactive=goes_first,
            terms=terms,
            on_close=self._admission.take_place(terms.key),
        )

    def numerics(self, version: ServedVersion) -> str | None:
        """Name what a version is computed with, as far as pixels may show it.

        Returns:
            Build, device, precision and rewrites, for example ``torch-2.13.0/cpu/avx512/float32+channels_last``; None
            while no worker has loaded the version.
        """
        worker, loaded = self._supervisor.ready, self.catalog.find_loaded(version.ref)
        return None if worker is None or loaded is None else f"{worker.numerics}/{loaded.numerics}"

    async def encode(
        self, version: ServedVersion, pixels: Pixels, labels: Labels | None, terms: Terms = ANY_TIME
    ) -> Latents:
        """Find the latents that make given images.

        Args:
            version: What ``catalog.resolve`` found.
            pixels: Images of its size, uint8, shape (n, height, width, channels).
            labels: Class of each, int32, shape (n,); None for an unconditional model.
            terms: How long it may wait.

        Returns:
            Latents, float32, shape (n, latent_dim).

        Raises:
            NoEncoderError: If the version has no encoder.
            QueueFullError: If ``queue.requests`` wait for their latents already.
            DeadlineExceededError: If its time is over.
            NotReadyError: If the engine is stopping, or has had no worker for too long.
        """
        if not version.manifest.has_encoder:
            raise NoEncoderError("this version has no encoder; `parts` of a version says which do")
        self._require_worker()
        with self._admission.hold_encoding(terms, self._dispatcher.waiting_encodings):
            self._admission.check_time(terms)
            return await self._dispatcher.encode(version.ref, pixels, labels)

    def next_exchangeable(self, version: ServedVersion, count: int) -> tuple[int, int]:
        """Take the next samples of the seed that the engine drew when it was made.

        Returns:
            Seed and first index of ``count`` samples of this version that nobody else gets.
        """
        first = self._next_indices.get(version.ref, 0)
        self._next_indices[version.ref] = first + count
        return self._seed, first

    def take_ready(
        self, version: ServedVersion, label: int | None, count: int, terms: Terms = ANY_TIME
    ) -> ReadySamples | None:
        """Take samples that are finished already, for a request without a seed.

        Args:
            version: What ``catalog.resolve`` found.
            label: Their class; None where each draws its own, and for an unconditional model.
            count: How many, at least 1.
            terms: For whom.

        Returns:
            Samples that nobody else gets; None where too few are ready, or they are too large to be held besides.

        Raises:
            NotReadyError: If the engine is stopping, or has had no worker for too long.
            RateLimitedError: If the key may not take so much device time now: they cost it as if computed now.
            LimitExceededError: If the key may never take so much at once.
        """
        self._require_worker()
        if count * version.manifest.image.num_bytes > _MOST_READY_BYTES:
            return None
        if terms.budget is not None and self._pool.has(version, label, count):
            self._admission.charge(terms, version.ref, count)
        return self._pool.take(version, label, count)

    def status(self) -> EngineStatus:
        """Return the counters and gauges now."""
        return EngineStatus(
            is_ready=self.is_ready,
            worker=self._supervisor.ready,
            restarts=self._supervisor.restarts,
            queued_streams=self._admission.num_places,
            queued_samples=self._batcher.waiting_samples,
            batches_in_flight=self._batcher.in_flight,
            batches=dict(self._counters.batches),
            samples=self._counters.samples,
            device_s=self._counters.device_s,
            refused=self._counters.refused,
            overdue=self._counters.overdue,
            cancelled=self._counters.cancelled,
            failed=self._counters.failed,
            versions=self._counters.versions,
            ends=self._supervisor.ends,
        )

    def _retire(self, model: ModelRef) -> None:
        self._pool.drop(model)
        self._dispatcher.retire(model)

    def _eject(self, model: ModelRef, reason: str) -> None:
        """Take a version out of service: what asked for it ends, what comes is answered by another one."""
        self.catalog.eject(model, reason)
        self._pool.drop(model)
        self._dispatcher.reject(model, _refuse_ejected())
        self._dispatcher.retire(model)

    def _require_worker(self) -> None:
        if self._is_stopping or self._dispatcher.is_missing:
            raise NotReadyError("the service cannot compute samples now", retry_after_s=RETRY_WITHOUT_WORKER_S)

    def _allow(self, version: ServedVersion) -> tuple[int, ...]:
        """Return the padded sizes of a version, and have it loaded where no worker has loaded it yet."""
        sizes = self._batcher.sizes(version.ref)
        if sizes is not None:
            return sizes
        if self.catalog.is_ejected(version.ref):
            raise _refuse_ejected()
        if version.loaded is not None:
            self._dispatcher.allow(version.ref, version.loaded.batch_sizes)
            return version.loaded.batch_sizes
        self._spawn(self._load(version.ref))
        return self._settings.worker.batch_sizes

    async def _load(self, model: ModelRef) -> None:
        await self.catalog.warm(model)
        if self._batcher.sizes(model) is None:
            self._dispatcher.reject(model, VersionNotFoundError("this version cannot be served any more"))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _refuse_ejected() -> ServiceError:
    return ModelUnhealthyError("this version was taken out of service", retry_after_s=RETRY_WITHOUT_VERSION_S)
