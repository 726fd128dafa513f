"""Between requests and the worker: plans go out as batches, pixels come back as chunks of streams."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.clock import Clock
from app.core.errors import (
    ModelUnhealthyError,
    PoisonRequestError,
    ServiceError,
    WorkerLostError,
    error_from_code,
)
from app.core.logging import get_logger
from app.repository.manifest import ImageSpec
from app.schemas.jobs import (
    BatchDone,
    BatchFailed,
    BatchStarted,
    EncodeImages,
    EncodingFailed,
    FromWorker,
    ImagesEncoded,
    LoadModel,
    ModelFailed,
    ModelLoaded,
    ModelRef,
    SampleBatch,
    UnloadModel,
)
from app.serving.admission import ANY_TIME, Terms, explain_overdue
from app.serving.batcher import DEATHS_TO_POISON, Batcher
from app.serving.batches import PlannedBatch
from app.serving.counters import Counters
from app.serving.deadlines import Deadlines
from app.serving.errands import Errands
from app.serving.health import Health
from app.serving.plan import Labels, Plan, labels_of
from app.serving.reservoir import Reservoir
from app.serving.stream import SampleChunk, SampleStream
from app.serving.supervisor import WorkerLine

Pixels = NDArray[np.uint8]

RETRY_WITHOUT_WORKER_S = 5

_log = get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Request:
    """An admitted request."""

    stream: SampleStream | Reservoir
    model: ModelRef
    image: ImageSpec
    submitted: float
    delivered: int = 0

    @property
    def is_awaited(self) -> bool:
        """Whether a caller waits for it."""
        return isinstance(self.stream, SampleStream)


@dataclass(slots=True, eq=False)
class _Sent:
    """What must be remembered of a batch until its pixels are there."""

    model: ModelRef
    slot: int
    labels: Sequence[Labels | None]


class Dispatcher:
    """Keeps the worker busy and the streams fed; the supervisor's ``WorkerEvents``.

    Args:
        batcher: Decides what is computed next.
        counters: Where work is counted.
        health: Where it is counted what versions do wrong.
        eject: Takes a version out of service, for a reason; may call back.
        clock: Monotonic time.

    Attributes:
        is_missing: Whether there has been no worker for too long, so that nobody should wait for one.
    """

    def __init__(
        self,
        batcher: Batcher,
        counters: Counters,
        health: Health,
        *,
        eject: Callable[[ModelRef, str], None],
        clock: Clock,
    ) -> None:
        self.is_missing = False
        self._batcher = batcher
        self._counters = counters
        self._health = health
        self._eject = eject
        self._clock = clock
        self._loads: Errands[ModelRef, ModelLoaded] = Errands(_give_up_version, deaths=health.crashes)
        self._encodings: Errands[int, ImagesEncoded] = Errands(_give_up_images, deaths=DEATHS_TO_POISON)
        self._job_ids = itertools.count()
        self._requests: dict[int, _Request] = {}
        self._sent: dict[int, _Sent] = {}
        self._deadlines = Deadlines(clock, self._drop_overdue)
        self._worker: WorkerLine | None = None
        self._free_slots: list[int] = []
        self._retired: set[ModelRef] = set()
        self._pump_is_due = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._came = asyncio.Event()

    @property
    def has_worker(self) -> bool:
        """Whether a worker takes work."""
        return self._worker is not None

    @property
    def waiting_encodings(self) -> int:
        """Sets of images whose latents are not found yet."""
        return len(self._encodings)

    async def wait_for_worker(self) -> None:
        """Wait until the first worker takes work."""
        await self._came.wait()

    def submit(
        self,
        model: ModelRef,
        image: ImageSpec,
        plan: Plan,
        *,
        interactive: bool,
        terms: Terms = ANY_TIME,
        on_close: Callable[[], None] = lambda: None,
    ) -> SampleStream:
        """Admit a request; returns at once. When its stream is closed, ``on_close`` is called."""
        ticket = self._batcher.submit(model, plan.num_samples, interactive=interactive, key=terms.key)
        self._deadlines.add(ticket, terms.begin_by)
        stream = SampleStream(
            plan,
            on_read=lambda position: self._read(ticket, position),
            on_close=lambda: self._leave(ticket, on_close),
        )
        self._requests[ticket] = _Request(stream, model, image, self._clock())
        self._idle.clear()
        self._pump_soon()
        return stream

    def keep(self, model: ModelRef, image: ImageSpec, plan: Plan, reserve: int) -> Reservoir:
        """Have the first samples of a plan computed when there is nothing else to do, and more as they are taken."""
        ticket = self._batcher.keep(model, plan.num_samples, reserve=reserve)
        reservoir = Reservoir(
            plan,
            on_read=lambda position: self._read(ticket, position),
            on_close=lambda: self._drop(ticket),
        )
        self._requests[ticket] = _Request(reservoir, model, image, self._clock())
        self._pump_soon()
        return reservoir

    def allow(self, model: ModelRef, sizes: tuple[int, ...]) -> None:
        """Let batches of a version be planned, at these padded sizes."""
        self._retired.discard(model)
        self._batcher.set_sizes(model, sizes)
        self._pump_soon()

    async def load(self, model: ModelRef) -> ModelLoaded:
        """Have the worker load a version, and let batches of it be planned.

        Raises:
            ServiceError: The reason why it cannot be served; requests that waited for it end with it too.
        """
        try:
            loaded = await self._loads.run(model, LoadModel(model))
        except ServiceError as error:
            self.reject(model, error)
            raise
        self.allow(model, loaded.batch_sizes)
        return loaded

    async def encode(self, model: ModelRef, pixels: Pixels, labels: Labels | None) -> NDArray[np.float32]:
        """Have the worker find the latents of images.

        Args:
            model: A version with an encoder.
            pixels: Images of its size, uint8, shape (n, height, width, channels).
            labels: Class of each, shape (n,); None for an unconditional model.

        Returns:
            Latents, shape (n, latent_dim).

        Raises:
            ServiceError: The reason why there are none.
        """
        job_id = next(self._job_ids)
        packed = b"" if labels is None else labels.astype("<i4").tobytes()
        try:
            encoded = await self._encodings.run(job_id, EncodeImages(job_id, model, pixels.tobytes(), packed))
        except asyncio.CancelledError:
            self._encodings.drop(job_id)
            raise
        return np.frombuffer(encoded.latents, dtype="<f4").reshape(len(pixels), -1)

    def reject(self, model: ModelRef, error: ServiceError) -> None:
        """End all requests of a version that cannot be served."""
        self._fail(self._batcher.drop_model(model), error)

    def retire(self, model: ModelRef) -> None:
        """Have the worker forget a version once no request uses it."""
        self._retired.add(model)
        self._forget_if_unused(model)

    async def drain(self) -> None:
        """Wait until no request is admitted; what nobody waits for does not count."""
        await self._idle.wait()

    def close(self, error: ServiceError) -> None:
        """End all requests and loads with an error."""
        self._loads.close(error)
        self._encodings.close(error)
        self._fail(list(self._requests), error)

    def worker_ready(self, worker: WorkerLine) -> None:
        """Give a new worker its work."""
        self.is_missing = False
        self._worker = worker
        self._batcher.lanes = self._counters.lanes = worker.lanes
        self._came.set()
        self._free_slots = list(range(len(worker.slots)))
        self._loads.worker_ready(worker.send)
        self._encodings.worker_ready(worker.send)
        self._pump()

    def worker_said(self, message: FromWorker) -> None:
        """Take an answer."""
        match message:
            case BatchStarted():
                self._batcher.start(message.batch_id)
            case BatchDone():
                self._complete(message)
            case BatchFailed():
                self._fail_batch(message)
            case ModelLoaded():
                self._loads.finish(message.model, message)
            case ModelFailed():
                self._loads.finish(message.model, error_from_code(message.code, message.detail, message.fields))
            case ImagesEncoded():
                self._encodings.finish(message.job_id, message)
            case EncodingFailed():
                self._encodings.finish(message.job_id, error_from_code(message.code, message.detail, message.fields))

    def worker_lost(self) -> None:
        """Take back what the worker had."""
        self._worker = None
        self._sent.clear()
        is_idle = not self._batcher.is_computing
        is_busy_besides = self._loads.is_running or self._encodings.is_running
        self._loads.worker_lost(blame=is_idle)
        self._encodings.worker_lost(blame=is_idle)
        poisoned = self._batcher.lose_worker()
        models = [] if is_busy_besides else [self._requests[ticket].model for ticket in poisoned]
        self._fail(poisoned, PoisonRequestError("two workers died while computing this request; it is not tried again"))
        for model in models:
            self._blame(model, self._health.add_crash(model))

    def worker_missing(self) -> None:
        """Let nobody wait any longer."""
        self.is_missing = True
        error = WorkerLostError("the worker did not come back in time", retry_after_s=RETRY_WITHOUT_WORKER_S)
        _log.error("worker-missing", requests=len(self._requests))
        self.close(error)

    def _pump_soon(self) -> None:
        """Plan at the end of this turn of the event loop, so that what arrives together is computed together."""
        if not self._pump_is_due:
            self._pump_is_due = True
            asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        self._pump_is_due = False
        self._deadlines.check()
        while self._worker is not None and (batch := self._batcher.next_batch()) is not None:
            self._send_batch(self._worker, batch)

    def _send_batch(self, worker: WorkerLine, batch: PlannedBatch) -> None:
        now = self._clock()
        runs = []
        wanted = []
        for part in batch.parts:
            request = self._requests[part.ticket]
            plan = request.stream.plan
            if part.offset == 0:
                self._deadlines.discard(part.ticket)
                request.stream.queue_s = now - request.submitted
            runs.append(plan.run(part.offset, part.count))
            wanted.append((plan, part.offset, part.count))
        labels = labels_of(wanted)
        slot = self._free_slots.pop()
        self._sent[batch.batch_id] = _Sent(batch.model, slot, labels)
        packed = b"".join(label.astype("<i4").tobytes() for label in labels if label is not None)
        policies = _list_policies([plan for plan, _, _ in wanted])
        sizes = self._batcher.sizes(batch.model) or ()
        smaller = tuple(size for size in reversed(sizes) if size < batch.size)
        message = SampleBatch(batch.batch_id, batch.model, slot, batch.size, tuple(runs), packed, policies, smaller)
        worker.send(message)

    def _complete(self, done: BatchDone) -> None:
        sent = self._sent.get(done.batch_id)
        if sent is None or self._worker is None or (batch := self._batcher.complete(done.batch_id)) is None:
            return
        self._counters.add_batch(batch, done)
        self._health.add_success(batch.model)
        pixels = self._worker.slots[sent.slot]
        per_sample_s = done.device_s / batch.num_samples
        start = 0
        refused = {run.number: run for run in done.refused}
        for number, (part, labels) in enumerate(zip(batch.parts, sent.labels, strict=True)):
            request = self._requests.get(part.ticket)
            refusal = refused.get(number)
            if request is not None and refusal is not None:
                self._fail([part.ticket], error_from_code(refusal.code, refusal.detail, refusal.fields))
            elif request is not None:
                request.stream.device_s += part.count * per_sample_s
                images = _copy_images(pixels, request.image, start, part.count)
                request.stream.deliver(SampleChunk(part.offset, images, labels))
                self._count_delivered(part.ticket, request, part.count)
            start += part.count
        self._release(done.batch_id)
        self._pump_soon()

    def _fail_batch(self, failed: BatchFailed) -> None:
        sent = self._sent.get(failed.batch_id)
        self._release(failed.batch_id)
        error = error_from_code(failed.code, failed.detail, failed.fields)
        self._fail(self._batcher.fail(failed.batch_id), error)
        if sent is not None and isinstance(error, ModelUnhealthyError):
            self._blame(sent.model, self._health.add_unhealthy(sent.model, error.detail))
        self._pump_soon()

    def _blame(self, model: ModelRef, reason: str | None) -> None:
        """Take a version out of service where there is a reason, once."""
        if reason is not None and self._batcher.sizes(model) is not None:
            self._eject(model, reason)

    def _release(self, batch_id: int) -> None:
        sent = self._sent.pop(batch_id, None)
        if sent is not None:
            self._free_slots.append(sent.slot)

    def _count_delivered(self, ticket: int, request: _Request, count: int) -> None:
        request.delivered += count
        if request.delivered == request.stream.plan.num_samples:
            self._forget(ticket)

    def _read(self, ticket: int, position: int) -> None:
        if ticket in self._requests:
            self._batcher.read(ticket, position)
            self._pump_soon()

    def _leave(self, ticket: int, on_close: Callable[[], None]) -> None:
        on_close()
        if ticket in self._requests:
            self._counters.cancelled += 1
            self._drop(ticket)

    def _drop(self, ticket: int) -> None:
        self._batcher.cancel(ticket)
        self._forget(ticket)

    def _drop_overdue(self, tickets: Sequence[int]) -> None:
        self._counters.overdue += len(tickets)
        self._end(tickets, explain_overdue(self._counters, self._batcher))

    def _fail(self, tickets: Sequence[int], error: ServiceError) -> None:
        self._counters.failed += sum(self._requests[ticket].is_awaited for ticket in tickets)
        self._end(tickets, error)

    def _end(self, tickets: Sequence[int], error: ServiceError) -> None:
        for ticket in tickets:
            # One exception object per reader: a traceback belongs to one task.
            self._requests[ticket].stream.fail(error_from_code(error.code, error.detail, error.fields))
            self._batcher.cancel(ticket)
            self._forget(ticket)

    def _forget(self, ticket: int) -> None:
        request = self._requests.pop(ticket)
        self._deadlines.discard(ticket)
        if not len(self._batcher):
            self._idle.set()
        if request.model in self._retired:
            self._forget_if_unused(request.model)

    def _forget_if_unused(self, model: ModelRef) -> None:
        if not self._batcher.uses(model):
            self._retired.discard(model)
            self._health.forget(model)
            self._batcher.forget(model)
            if self._worker is not None:
                self._worker.send(UnloadModel(model))


def _copy_images(pixels: NDArray[np.uint8], image: ImageSpec, start: int, count: int) -> NDArray[np.uint8]:
    """Copy samples out of a slot, so that it can be used again."""
    first = start * image.num_bytes
    flat = pixels[first : first + count * image.num_bytes]
    return flat.reshape(count, image.height, image.width, image.channels).copy()


def _list_policies(plans: Sequence[Plan]) -> tuple[bytes, ...]:
    """List how the runs of a batch are augmented; nothing where none is."""
    policies = tuple(b"" if plan.policy is None else plan.policy.ops for plan in plans)
    return policies if any(policies) else ()


def _give_up_version() -> ServiceError:
    return ModelUnhealthyError("the worker died again and again while it loaded this version")


def _give_up_images() -> ServiceError:
    return PoisonRequestError("two workers died while encoding these images; it is not tried again")
