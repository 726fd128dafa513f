"""A worker that lives in the test's event loop: no process, no network, pixels that anyone can compute again."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from app.augmentation.pool import Augmenters
from app.augmentation.service import handle
from app.core.settings import Settings
from app.decoding.child import Answer, Child, Task
from app.decoding.limits import ChildLimits, Handler
from app.decoding.pool import Decoders
from app.decoding.service import decode
from app.repository.manifest import Manifest
from app.repository.store import ModelRepository
from app.schemas.jobs import (
    BatchDone,
    BatchFailed,
    BatchStarted,
    EncodeImages,
    EncodingFailed,
    FromWorker,
    ImagesEncoded,
    IndexRun,
    LoadModel,
    ModelFailed,
    ModelLoaded,
    ModelRef,
    PathRun,
    Ping,
    Pong,
    RowsRun,
    Run,
    SampleBatch,
    Shutdown,
    ToWorker,
    UnloadModel,
    VariationRun,
    WorkerConfig,
    WorkerReady,
)
from app.serving.engine import Engine
from app.serving.handle import WorkerListener
from app.serving.plan import SamplePlan
from app.serving.stream import SampleChunk, SampleStream
from app.worker.augmenting import augment_batch, execute_on_cpu

FAKE_BUILD = "fake-1/cpu"
FAKE_NUMERICS = f"{FAKE_BUILD}/float32"
FIRST_FAKE_PID = 1000


def fake_image(manifest: Manifest, *, seed: int, index: int, label: int | None, truncation: float = 1.0) -> NDArray:
    """Compute one sample as a fake worker does: uint8, (height, width, channels)."""
    image = manifest.image
    key = (seed * 31 + index * 7 + (label or 0) * 53 + round(truncation * 1000) * 11 + manifest.version * 101) % 251
    pixels = (key + 3 * np.arange(image.num_bytes)) % 256
    return pixels.astype(np.uint8).reshape(image.height, image.width, image.channels)


def fake_shape(manifest: Manifest) -> tuple[int, int, int]:
    """Return height, width and channels of a model's images."""
    image = manifest.image
    return image.height, image.width, image.channels


def fake_images(manifest: Manifest, plan: SamplePlan) -> NDArray:
    """Compute all samples of a request as a fake worker does."""
    labels = plan.labels(0, plan.num_samples)
    return np.stack(
        [
            fake_image(
                manifest,
                seed=plan.seed,
                index=plan.first_index + offset,
                label=None if labels is None else int(labels[offset]),
                truncation=plan.truncation,
            )
            for offset in range(plan.num_samples)
        ]
    )


def fake_latents(manifest: Manifest, images: NDArray, labels: NDArray | None) -> NDArray:
    """Encode images as a fake worker does: float32, (images, latent_dim)."""
    means = images.reshape(len(images), -1).mean(axis=1) + (0 if labels is None else labels)
    return np.repeat(means[:, None], manifest.latent_dim, axis=1).astype(np.float32)


class FakeClock:
    """A clock that stands until it is set."""

    def __init__(self, now=100.0):
        self.now = now

    def __call__(self):
        return self.now


class FakeWorkers:
    """Starts fake workers, one after the other, as the engine asks; pass it as ``worker_factory``.

    Args:
        batch_sizes: Sizes that loads report; by default all that the settings ask for.

    Attributes:
        configs: What each worker was told at its start.
        batches: Every batch that any worker got, in order.
        loads: Every version that any worker was told to load, in order.
        unloads: Every version that any worker was told to forget.
        unhealthy_versions: Numbers of versions whose batches are not to be seen.
        build: What workers say that they compute with.
        load_facts: What loads report besides.
        refuses_start: While set, no worker can be started.
        is_mute: While set, workers take messages and say nothing, not even that they are ready.
    """

    def __init__(self, *, batch_sizes: tuple[int, ...] | None = None) -> None:
        self.batch_sizes = batch_sizes
        self.configs: list[WorkerConfig] = []
        self.batches: list[SampleBatch] = []
        self.loads: list[ModelRef] = []
        self.unloads: list[ModelRef] = []
        self.build = FAKE_BUILD
        self.load_facts: dict[str, Any] = {}
        self.refuses_start = False
        self.is_mute = False
        self.is_holding = False
        self.failing_models: dict[tuple[str, int], tuple[str, str]] = {}
        self.failing_batches: tuple[str, str] | None = None
        self.unhealthy_versions: set[int] = set()
        self.failing_encodings: tuple[str, str] | None = None
        self.kills_on_encoding = False
        self.kills_on: Callable[[SampleBatch], bool] = lambda batch: False
        self.kills_on_load: Callable[[ModelRef], bool] = lambda model: False
        self.present: FakeWorker | None = None
        self._changed = asyncio.Event()

    async def __call__(self, config: WorkerConfig, listener: WorkerListener) -> "FakeWorker":
        """Start a worker."""
        if self.refuses_start:
            self.note_change()
            raise OSError("no process for you")
        self.configs.append(config)
        self.present = FakeWorker(self, config, listener, FIRST_FAKE_PID + len(self.configs))
        self.note_change()
        return self.present

    async def close(self) -> None:
        """Put nothing away."""

    def hold(self) -> None:
        """Let batches start and not finish until ``release``."""
        self.is_holding = True

    def release(self) -> None:
        """Finish what was held, and hold no more."""
        self.is_holding = False
        if self.present is not None:
            self.present.step_soon()

    def kill(self) -> None:
        """End the present worker with all it was given, as ``kill -9`` would."""
        self.present.kill()

    def fail_model(self, name: str, version: int, code: str = "worker-failed", detail: str = "it fails") -> None:
        """Let loads of a version fail from now on."""
        self.failing_models[name, version] = (code, detail)

    def fail_batches(self, code: str = "worker-failed", detail: str = "it fails") -> None:
        """Let batches fail from now on."""
        self.failing_batches = (code, detail)

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition on this object holds; it is looked at whenever a worker gets or says something."""
        async with asyncio.timeout(60):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    def note_change(self) -> None:
        """Wake up who waits for a condition."""
        self._changed.set()


class FakeWorker:
    """One fake worker: a ``WorkerHandle``."""

    def __init__(self, workers: FakeWorkers, config: WorkerConfig, listener: WorkerListener, pid: int) -> None:
        self._workers = workers
        self._config = config
        self._listener = listener
        self._repository = ModelRepository(config.repository_url)
        self._inbox: deque[ToWorker] = deque()
        self._started: set[int] = set()
        self._is_due = False
        self._gone = asyncio.Event()
        self._manifests: dict[ModelRef, Manifest] = {}
        self.pid = pid
        self.slots = np.zeros((config.slots, config.slot_bytes), dtype=np.uint8)

    def send(self, message: ToWorker) -> None:
        if isinstance(message, Shutdown):
            self.kill()
        elif not self._gone.is_set():
            self._inbox.append(message)
            self.step_soon()

    def kill(self) -> None:
        if not self._gone.is_set():
            self._gone.set()
            asyncio.get_running_loop().call_soon(self._listener.lost)
            self._workers.note_change()

    async def wait(self) -> None:
        await self._gone.wait()

    def step_soon(self) -> None:
        """Look at the next message in the next turn of the event loop."""
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._step)

    def _step(self) -> None:
        self._is_due = False
        if self._gone.is_set() or not self._inbox or self._workers.is_mute:
            return
        message = self._inbox[0]
        if isinstance(message, SampleBatch) and not self._may_finish(message):
            return
        if not self._gone.is_set():
            self._inbox.popleft()
            self._handle(message)
            self.step_soon()

    def _may_finish(self, batch: SampleBatch) -> bool:
        if batch.batch_id not in self._started:
            self._started.add(batch.batch_id)
            self._workers.batches.append(batch)
            self._say(BatchStarted(batch.batch_id))
            if self._workers.kills_on(batch):
                self.kill()
        return not self._workers.is_holding

    def _handle(self, message: ToWorker) -> None:
        match message:
            case WorkerConfig():
                self._say(WorkerReady(self.pid, "cpu", message.threads, message.lanes, self._workers.build))
            case LoadModel():
                self._load(message.model)
            case UnloadModel():
                self._workers.unloads.append(message.model)
                self._workers.note_change()
            case SampleBatch():
                self._compute(message)
            case EncodeImages():
                self._encode(message)
            case Ping():
                self._say(Pong(message.number))

    def _load(self, model: ModelRef) -> None:
        self._workers.loads.append(model)
        if self._workers.kills_on_load(model):
            self.kill()
            return
        failure = self._workers.failing_models.get((model.name, model.version))
        if failure is not None:
            self._say(ModelFailed(model, *failure, {}))
        else:
            sizes = self._workers.batch_sizes or self._config.batch_sizes
            facts = self._workers.load_facts
            self._say(ModelLoaded(model, sizes, num_parameters=1, resident_bytes=4, load_s=0.0, **facts))

    def _compute(self, batch: SampleBatch) -> None:
        if self._workers.failing_batches is not None:
            self._say(BatchFailed(batch.batch_id, *self._workers.failing_batches, {}))
            return
        if batch.model.version in self._workers.unhealthy_versions:
            self._say(BatchFailed(batch.batch_id, "model-unhealthy", "the images are all alike", {}))
            return
        manifest = self._manifest(batch.model)
        labels = np.frombuffer(batch.labels, dtype="<i4")
        images = []
        for run in batch.runs:
            for seed, index in _samples_of(run):
                label = int(labels[len(images)]) if labels.size else None
                images.append(
                    fake_image(manifest, seed=seed, index=index, label=label, truncation=run.truncation).ravel()
                )
        pixels = np.concatenate(images)
        assert len(images) <= batch.batch_size
        slot = self.slots[batch.slot, : pixels.size]
        slot[:] = pixels
        samples = torch.from_numpy(slot.reshape(-1, *fake_shape(manifest)))
        refused = augment_batch(batch, samples, execute_on_cpu) if batch.policies else ()
        self._say(BatchDone(batch.batch_id, 0.001, refused))

    def _encode(self, job: EncodeImages) -> None:
        if self._workers.kills_on_encoding:
            self.kill()
            return
        if self._workers.failing_encodings is not None:
            self._say(EncodingFailed(job.job_id, *self._workers.failing_encodings, {}))
            return
        manifest = self._manifest(job.model)
        image = manifest.image
        images = np.frombuffer(job.pixels, dtype=np.uint8).reshape(-1, image.height, image.width, image.channels)
        labels = np.frombuffer(job.labels, dtype="<i4") if job.labels else None
        latents = fake_latents(manifest, images, labels)
        self._say(ImagesEncoded(job.job_id, latents.astype("<f4").tobytes(), device_s=0.001))

    def _manifest(self, model: ModelRef) -> Manifest:
        if model not in self._manifests:
            self._manifests[model] = self._repository.read_manifest(model.name, model.version)
        return self._manifests[model]

    def _say(self, message: FromWorker) -> None:
        if not self._gone.is_set():
            self._listener.receive(message)
            self._workers.note_change()


def _samples_of(run: Run) -> list[tuple[int, int]]:
    """Give every sample of a run the pixels of some seed and index."""
    match run:
        case IndexRun():
            return [(run.seed, run.first_index + number) for number in range(run.count)]
        case RowsRun():
            return [(run.seed, index) for index in np.frombuffer(run.indices, dtype="<i8").tolist()]
        case PathRun():
            ends = run.from_seed * 5 + run.from_index * 3 + run.to_seed * 2 + run.to_index
            return [(ends, run.first_frame + number) for number in range(run.count)]
        case VariationRun():
            return [_number_variation(run, run.skip + number) for number in range(run.count)]


def _number_variation(run: VariationRun, position: int) -> tuple[int, int]:
    image, copy = divmod(position, run.copies)
    num_images = (run.skip + run.count - 1) // run.copies + 1
    known = np.frombuffer(run.latents, dtype="<f4").reshape(num_images, -1)[image]
    seed = run.seed + round(float(known.sum()) * 100) + round(run.strength * 100)
    return seed, (run.first_image + image) * 1000 + run.first_copy + copy


class FakeChild(Child):
    """Does in this process what a child would."""

    pid = FIRST_FAKE_PID
    is_alive = True

    def __init__(self, handle: Handler, limits: ChildLimits) -> None:
        self._handle = handle
        self._limits = limits

    async def wait_ready(self) -> None:
        pass

    async def run(self, task: Task) -> Answer:
        head, chunks = self._handle(task.head, task.files, self._limits)
        return Answer(head, np.frombuffer(bytearray().join(chunks), np.uint8))

    async def end(self) -> None:
        pass


def make_decoders(settings: Settings) -> Decoders:
    """Build decoders that need no processes."""
    return Decoders(settings.limits, processes=2, max_waiting=100, start=partial(FakeChild, decode))


def make_augmenters(settings: Settings) -> Augmenters:
    """Build augmenters that need no processes."""

    def augment(_, files, limits):
        return b"", handle(files[0], files[1:], limits)

    return Augmenters(
        settings.limits, processes=2, max_waiting=100, answer_bytes=2**26, start=partial(FakeChild, augment)
    )


def make_settings(root, **sections) -> Settings:
    """Build settings for tests: this repository, small batches, quick polls; sections override."""
    worker = {"batch_sizes": (4, 16), "slot_bytes": 65536, "threads": 1} | sections.pop("worker", {})
    repository = {"url": str(root), "poll_interval_s": 0.05} | sections.pop("repository", {})
    return Settings(worker=worker, repository=repository, **sections)


def make_engine(root, workers: FakeWorkers | None = None, **sections) -> Engine:
    """Build an engine on fake workers over the repository in ``root``."""
    settings = make_settings(root, **sections)
    return Engine(settings, ModelRepository(str(root)), worker_factory=workers or FakeWorkers())


async def read_images(
    stream: SampleStream, on_chunk: Callable[[SampleChunk], Awaitable[None]] | None = None
) -> NDArray:
    """Read a whole stream, within a deadline, check that its chunks come in order, and close it."""
    chunks = []
    async with asyncio.timeout(60), contextlib.aclosing(stream):
        async for chunk in stream:
            chunks.append(chunk)
            if on_chunk is not None:
                await on_chunk(chunk)
    assert [chunk.offset for chunk in chunks] == list(np.cumsum([0, *(len(chunk.images) for chunk in chunks)])[:-1])
    return np.concatenate([chunk.images for chunk in chunks])
