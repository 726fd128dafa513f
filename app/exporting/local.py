"""Shards computed on this machine: by engines of our own, two at a time each, so that none waits for a file to end."""

import contextlib
from collections.abc import AsyncIterator, Sequence

from app.api.datasets.dataset import Dataset
from app.api.datasets.shards import numerics_of, plan_shard
from app.api.encoding import Encoder
from app.core.errors import WorkerLostError
from app.core.settings import LimitSettings, Settings
from app.exporting.destination import Destination, reported
from app.exporting.export import find_dataset
from app.exporting.state import ShardFile
from app.exporting.writing import HashingSink, OnSamples, create_encoder, write_order
from app.repository.store import ModelRepository
from app.schemas.samples import SampleFormat
from app.serving.catalog import Catalog
from app.serving.cores import count_cores
from app.serving.engine import Engine

SHARDS_PER_ENGINE = 2


class ShardWriter:
    """Computes shards of a dataset and puts them in place.

    Args:
        dataset: What they are of; found in this engine's catalog.
        sample_format: Their ending.
        destination: Where they go.
        engine: Computes samples.
        encoder: Threads to encode and write in.
    """

    def __init__(
        self,
        dataset: Dataset,
        sample_format: SampleFormat,
        destination: Destination,
        engine: Engine,
        encoder: Encoder,
    ) -> None:
        self._dataset = dataset
        self._sample_format = sample_format
        self._destination = destination
        self._engine = engine
        self._encoder = encoder

    async def write(self, shard: int, on_samples: OnSamples) -> ShardFile:
        """See ``Writer.write``; tells of samples after each batch."""
        order, _ = await self._encoder.run(plan_shard, self._dataset, shard, self._sample_format)
        with self._destination.stage(order.file_name) as staged, reported(order.file_name):
            sink = HashingSink(staged.file)
            await write_order(order, self._engine, self._encoder, sink, on_samples)
            await self._encoder.run(staged.commit)
        return ShardFile(sink.num_bytes, sink.sha256)


class LocalSite:
    """Engines of this process.

    Args:
        engines: Started; each on the same models.
        limits: How large a dataset may be.
        encoder: Threads that encode for all of them.

    Attributes:
        encoder: These threads.
    """

    def __init__(self, engines: Sequence[Engine], limits: LimitSettings, encoder: Encoder) -> None:
        self.encoder = encoder
        self._engines = engines
        self._limits = limits

    @property
    def catalog(self) -> Catalog:
        """See ``Site.catalog``."""
        return self._engines[0].catalog

    async def find_numerics(self, dataset: Dataset) -> str:
        """See ``Site.find_numerics``."""
        for version in dataset.versions:
            await self.catalog.warm(version.ref)
        numerics = numerics_of(dataset, self._engines[0])
        if numerics is None:
            raise WorkerLostError("the worker did not load what the dataset is made from; its log says why")
        return numerics

    async def open_writers(
        self, dataset: Dataset, sample_format: SampleFormat, destination: Destination
    ) -> list[ShardWriter]:
        """See ``Site.open_writers``."""
        writers = []
        for engine in self._engines:
            found = await find_dataset(dataset.token, engine.catalog, self._limits)
            writers.append(ShardWriter(found, sample_format, destination, engine, self.encoder))
        return writers * SHARDS_PER_ENGINE


@contextlib.asynccontextmanager
async def open_local(settings: Settings, workers: int) -> AsyncIterator[LocalSite]:
    """Start engines, and threads that encode for all of them; they are stopped at the end, whatever they compute.

    Args:
        settings: Where the models are, how workers compute, and how large a dataset may be.
        workers: Processes that compute; they share the cores.

    Raises:
        WorkerLostError: If a worker does not start.
    """
    threads = settings.worker.threads or max(1, count_cores() // workers)
    worker = settings.worker.model_copy(update={"threads": threads})
    pool = settings.pool.model_copy(update={"samples": 0})  # nobody asks for just any samples here
    settings = settings.model_copy(update={"worker": worker, "pool": pool})
    encoder = create_encoder(count_cores())
    engines = [Engine(settings, ModelRepository(settings.repository.url)) for _ in range(workers)]
    try:
        for engine in engines:
            await engine.start()
        yield LocalSite(engines, settings.limits, encoder)
    finally:
        for engine in engines:
            await engine.stop(0)
        encoder.close()
