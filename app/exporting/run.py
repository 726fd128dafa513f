"""A whole export on this machine: engines of its own, from the first look at the destination to the last file."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from app.api.encoding import Encoder
from app.core.settings import Settings
from app.exporting.export import Export, ExportOrder, find_dataset, prepare_export
from app.exporting.shards import ShardWriter, write_shards
from app.exporting.writing import create_encoder
from app.repository.store import ModelRepository
from app.serving.cores import count_cores
from app.serving.engine import Engine


class Watcher(Protocol):
    """Is told how an export goes."""

    def begin(self, num_samples: int) -> None:
        """Take the number of samples of the dataset."""
        ...

    def find(self, num_samples: int) -> None:
        """Take the samples of a shard that is there already."""
        ...

    def write(self, num_samples: int) -> None:
        """Take samples that were written now."""
        ...


async def export_here(order: ExportOrder, settings: Settings, watcher: Watcher, *, workers: int, reads: bool) -> Export:
    """Export a dataset, or what is missing of it.

    Args:
        order: What, and where to.
        settings: Where the models are, how workers compute, and how large a dataset may be.
        watcher: Told how it goes.
        workers: Processes that compute; they share the cores.
        reads: Whether shards that are there are read and compared, rather than measured.

    Raises:
        ServiceError: If it cannot be done; the same call goes on from there.
    """
    with order.destination.claim():
        async with open_engines(settings, workers) as (engines, encoder):
            export = await prepare_export(order, engines[0], settings.limits, encoder)
            watcher.begin(export.dataset.recipe.num_samples)
            missing = await export.find_missing(watcher.find, reads=reads)
            writers = [await open_writer(export, engine, settings, encoder) for engine in engines]
            await write_shards(export, missing, writers, watcher.write)
            await export.finish()
    return export


async def open_writer(export: Export, engine: Engine, settings: Settings, encoder: Encoder) -> ShardWriter:
    """Find the dataset of an export in an engine."""
    dataset = await find_dataset(export.dataset.token, engine, settings.limits)
    return ShardWriter(dataset, export.sample_format, export.destination, engine, encoder)


@contextlib.asynccontextmanager
async def open_engines(settings: Settings, count: int) -> AsyncIterator[tuple[Sequence[Engine], Encoder]]:
    """Start engines, and threads that encode for all of them; they are stopped at the end, whatever they compute.

    Raises:
        WorkerLostError: If a worker does not start.
    """
    threads = settings.worker.threads or max(1, count_cores() // count)
    worker = settings.worker.model_copy(update={"threads": threads})
    pool = settings.pool.model_copy(update={"samples": 0})  # nobody asks for just any samples here
    settings = settings.model_copy(update={"worker": worker, "pool": pool})
    encoder = create_encoder(count_cores())
    engines = [Engine(settings, ModelRepository(settings.repository.url)) for _ in range(count)]
    try:
        for engine in engines:
            await engine.start()
        yield engines, encoder
    finally:
        for engine in engines:
            await engine.stop(0)
        encoder.close()
