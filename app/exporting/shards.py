"""All shards that are missing: each by whichever writer is free, and written down when it is in place."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Coroutine, Iterable, Sequence

from app.core.errors import ExportError
from app.exporting.export import Export
from app.exporting.site import Writer
from app.exporting.writing import OnSamples


async def write_shards(
    export: Export, missing: Sequence[int], writers: Sequence[Writer], on_samples: OnSamples
) -> None:
    """Write all shards that are missing; what is in place is written down, however this ends.

    Args:
        export: Its account.
        missing: Numbers of the shards.
        writers: Each is given one shard at a time.
        on_samples: Told how many samples were written, now and then.

    Raises:
        ServiceError: If a shard cannot be computed or written; the others are broken off.
    """
    waiting = deque(missing)

    async def work(writer: Writer) -> None:
        while waiting:
            shard = waiting.popleft()
            await export.record(shard, await writer.write(shard, on_samples))

    try:
        await run_together(work(writer) for writer in writers)
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
