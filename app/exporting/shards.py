"""Shards computed here: each by whichever engine is free, two at a time so that none waits for a file to end."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence

from app.api.datasets.dataset import Dataset
from app.api.datasets.shards import plan_shard
from app.api.encoding import Encoder
from app.core.errors import ExportError
from app.exporting.destination import Destination, reported
from app.exporting.export import Export
from app.exporting.state import ShardFile
from app.exporting.writing import HashingSink, OnSamples, write_order
from app.schemas.samples import SampleFormat
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
        """Compute one shard and put it in place.

        Args:
            shard: Its number.
            on_samples: Told how many samples were written, after each batch.

        Raises:
            ServiceError: If it cannot be computed.
            ExportError: If it cannot be written.
        """
        order, _ = await self._encoder.run(plan_shard, self._dataset, shard, self._sample_format)
        with self._destination.stage(order.file_name) as staged, reported(order.file_name):
            sink = HashingSink(staged.file)
            await write_order(order, self._engine, self._encoder, sink, on_samples)
            await self._encoder.run(staged.commit)
        return ShardFile(sink.num_bytes, sink.sha256)


async def write_shards(
    export: Export, missing: Sequence[int], writers: Sequence[ShardWriter], on_samples: OnSamples
) -> None:
    """Write all shards that are missing; what is in place is written down, however this ends.

    Args:
        export: Its account.
        missing: Numbers of the shards.
        writers: One per engine.
        on_samples: Told how many samples were written, after each batch.

    Raises:
        ServiceError: If a shard cannot be computed or written; the others are broken off.
    """
    waiting = deque(missing)

    async def work(writer: ShardWriter) -> None:
        while waiting:
            shard = waiting.popleft()
            await export.record(shard, await writer.write(shard, on_samples))

    try:
        await run_together(work(writer) for writer in writers for _ in range(SHARDS_PER_ENGINE))
    except BaseException:
        with contextlib.suppress(ExportError):  # the first error says more
            await export.save()
        raise


async def run_together(works: Iterable[Coroutine[None, None, None]]) -> None:
    """Run until all are done, or one fails: then the others are cancelled, and waited for."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
