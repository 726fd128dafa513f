"""One dataset on its way to one destination: what is there already, what is missing, and how it ends."""

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from app.api.datasets.dataset import Dataset, make_dataset, open_dataset
from app.api.encoding import Encoder
from app.core.clock import Clock, monotonic
from app.core.errors import ExportError, NotReadyError
from app.core.settings import LimitSettings
from app.exporting.destination import Destination, write_whole
from app.exporting.metadata import write_metadata
from app.exporting.site import Site
from app.exporting.state import SCHEMA, ExportState, ShardFile, is_intact, load_state, save_state
from app.exporting.writing import OnSamples
from app.imaging.formats.registry import name_encoding
from app.schemas.datasets import DatasetRequest
from app.schemas.samples import SampleFormat
from app.serving.catalog import Catalog

SAVE_INTERVAL_S = 1.0
"""What a kill may cost beside the shards that are being written."""
PATIENCE = 30


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What to export.

    Attributes:
        source: A token, or what a token is to be made from.
        sample_format: Ending of the shards; by default that of the dataset.
        destination: Where to.
    """

    source: DatasetRequest | str
    sample_format: SampleFormat | None
    destination: Destination


class Export:
    """Keeps the account of an export; whoever computes shards records each that is in place.

    Args:
        dataset: What is exported.
        destination: Where to; claimed by the caller.
        state: What was done before, and is added to.
        encoder: Threads to write in.
        clock: Monotonic time.

    Attributes:
        dataset: What is exported.
        destination: Where to.
        names: File names of all shards.
        sample_format: Their ending.
    """

    def __init__(
        self,
        dataset: Dataset,
        destination: Destination,
        state: ExportState,
        encoder: Encoder,
        clock: Clock = monotonic,
    ) -> None:
        self.dataset = dataset
        self.destination = destination
        self.sample_format = SampleFormat(state.format)
        self.names = [f"{dataset.shard_name(shard)}.{state.format}" for shard in range(dataset.assignment.num_shards)]
        self._state = state
        self._encoder = encoder
        self._clock = clock
        self._saved_at = clock()

    @property
    def numerics(self) -> str:
        """Arithmetic that all shards are made by."""
        return self._state.numerics

    @property
    def shards(self) -> Mapping[str, ShardFile]:
        """Shards that are in place, in order."""
        return {name: self._state.shards[name] for name in self.names if name in self._state.shards}

    def count_samples(self, shard: int) -> int:
        """Count the samples of a shard."""
        return self.dataset.assignment.locate(shard).num_samples

    async def find_missing(self, on_samples: OnSamples, *, reads: bool) -> list[int]:
        """Look at each shard that was finished before; what is not what was written is forgotten.

        Args:
            on_samples: Told how many samples were found, after each shard.
            reads: Whether to read shards and compare checksums; else sizes are all that is looked at.

        Returns:
            Shards that are to be computed, ascending.
        """
        missing = []
        for shard, name in enumerate(self.names):
            known = self._state.shards.get(name)
            if known is not None and await self._is_intact(name, known, reads=reads):
                on_samples(self.count_samples(shard))
            else:
                self._state.shards.pop(name, None)
                missing.append(shard)
        return missing

    async def record(self, shard: int, file: ShardFile) -> None:
        """Take note of a shard that is in place; written down now and then."""
        self._state.shards[self.names[shard]] = file
        if self._clock() - self._saved_at >= SAVE_INTERVAL_S:
            self._saved_at = self._clock()
            await self.save()

    async def save(self) -> None:
        """Write down what is in place.

        Raises:
            ExportError: If it cannot be written.
        """
        state = msgspec.structs.replace(self._state, shards=dict(self._state.shards))
        await self._encoder.run(save_state, self.destination, state, self.names)

    async def finish(self) -> None:
        """Check that all shards are there, and write what describes them.

        Raises:
            ExportError: If a shard is not there any more.
        """
        sizes, _ = await self._encoder.run(self.destination.sizes)
        shards = self.shards
        lost = [name for name in self.names if name not in shards or sizes.get(name) != shards[name].num_bytes]
        if lost:
            raise ExportError("shards were taken away or changed while others were written; export again", files=lost)
        await self.save()
        for name, data in write_metadata(self.dataset, self.sample_format, shards).items():
            await self._encoder.run(write_whole, self.destination, name, data)

    async def _is_intact(self, name: str, known: ShardFile, *, reads: bool) -> bool:
        check = partial(is_intact, reads=reads)
        intact, _ = await self._encoder.run(check, self.destination, name, known)
        return intact


async def prepare_export(order: ExportOrder, site: Site, limits: LimitSettings) -> Export:
    """Begin an export, or go on with the one that is there.

    Args:
        order: What to export; its destination is claimed.
        site: Knows the models, and what computes them.
        limits: How large a dataset may be.

    Raises:
        NotFoundError: If a model or version is not there.
        InvalidInputError: If there is no such dataset, or not in this format.
        ExportError: If something else is at the destination.
    """
    before, _ = await site.encoder.run(load_state, order.destination)
    dataset = await _find_dataset(order.source, before, site.catalog, limits)
    sample_format = order.sample_format or dataset.recipe.format
    dataset.check_format(sample_format)
    state = ExportState(
        schema=SCHEMA,
        token=dataset.token,
        format=sample_format,
        numerics=await site.find_numerics(dataset),
        encoding=name_encoding(sample_format),
        request=_dump_request(order.source),
        shards={},
    )
    if before is not None:
        state.check_like(before)
        return Export(dataset, order.destination, before, site.encoder)
    export = Export(dataset, order.destination, state, site.encoder)
    sizes, _ = await site.encoder.run(order.destination.sizes)
    if not sizes.keys().isdisjoint(export.names):
        raise ExportError("files of these names are there already, and no export wrote them; choose another place")
    await export.save()
    return export


async def find_dataset(token: str, catalog: Catalog, limits: LimitSettings) -> Dataset:
    """Open a dataset as the service does, with more patience: nobody holds a connection meanwhile.

    Raises:
        NotFoundError: If this is no token, or a version is gone or is another one by now.
        NotReadyError: If a version is not ready after ``PATIENCE`` times the service's patience.
    """
    return await _wait(partial(open_dataset, token, catalog, limits))


async def _wait(find: Callable[[], Awaitable[Dataset]]) -> Dataset:
    for _ in range(PATIENCE - 1):
        with contextlib.suppress(NotReadyError):
            return await find()
    return await find()


async def _find_dataset(
    source: DatasetRequest | str, before: ExportState | None, catalog: Catalog, limits: LimitSettings
) -> Dataset:
    """Find the dataset; what was left open is what it was when the export began."""
    if isinstance(source, str):
        return await find_dataset(source, catalog, limits)
    if before is not None and before.request == _dump_request(source):
        return await find_dataset(before.token, catalog, limits)
    return await _wait(partial(make_dataset, source, catalog, limits))


def _dump_request(source: DatasetRequest | str) -> Any:
    return None if isinstance(source, str) else source.model_dump(mode="json", exclude_unset=True)
