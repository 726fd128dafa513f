"""A whole export, from the first look at the destination to the last file, wherever shards are computed."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from app.core.settings import LimitSettings
from app.exporting.export import Export, ExportOrder, prepare_export
from app.exporting.shards import write_shards
from app.exporting.site import Site


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


async def run_export(
    order: ExportOrder,
    place: AbstractAsyncContextManager[Site],
    limits: LimitSettings,
    watcher: Watcher,
    *,
    reads: bool,
) -> Export:
    """Export a dataset, or what is missing of it.

    Args:
        order: What, and where to.
        place: Where shards are computed; opened once the destination is ours.
        limits: How large a dataset may be.
        watcher: Told how it goes.
        reads: Whether shards that are there are read and compared, rather than measured.

    Raises:
        ServiceError: If it cannot be done; the same call goes on from there.
    """
    with order.destination.claim():
        async with place as site:
            export = await prepare_export(order, site, limits)
            watcher.begin(export.dataset.recipe.num_samples)
            missing = await export.find_missing(watcher.find, reads=reads)
            if missing:
                writers = await site.open_writers(export.dataset, export.sample_format, order.destination)
                await write_shards(export, missing, writers, watcher.write)
            await export.finish()
    return export
