"""Jobs run by augmenters: some at once, in order, no further ahead than the reader follows."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator

from app.api.augmented.jobs import JobFiles
from app.augmentation.jobs import Results, read_results, split_files
from app.augmentation.packing import Item
from app.augmentation.pool import Augmenters
from app.core.errors import ServiceError


class Running:
    """The outputs of one request, job by job.

    Args:
        jobs: In the order of their outputs.
        augmenters: Who does them.
        at_once: Jobs that are begun and not yet read.
        on_outputs: Told how many outputs were read.

    Attributes:
        seconds: That jobs took so far, by what they were spent on.
    """

    def __init__(
        self,
        jobs: Iterator[JobFiles],
        augmenters: Augmenters,
        at_once: int,
        on_outputs: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._jobs = jobs
        self._augmenters = augmenters
        self._on_outputs = on_outputs
        self._tasks: deque[asyncio.Task[memoryview]] = deque()
        self.seconds: dict[str, float] = {}
        for _ in range(at_once):
            self._begin_next()

    async def read(self) -> AsyncGenerator[list[Item], None]:
        """Yield the outputs of each job.

        Raises:
            ServiceError: If a job cannot be done.
        """
        while self._tasks:
            try:
                data = await self._tasks[0]
            except ServiceError as error:
                raise _place(error) from None
            self._tasks.popleft()
            self._begin_next()
            yield self._open(data)

    async def close(self) -> None:
        """Begin nothing more, and forget what is under way."""
        self._jobs = iter(())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin_next(self) -> None:
        job = next(self._jobs, None)
        if job is not None:
            self._tasks.append(asyncio.create_task(self._augmenters.run(job.document, job.files)))

    def _open(self, data: memoryview) -> list[Item]:
        results: Results = read_results(data)
        for name, seconds in results.seconds.items():
            self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self._augmenters.cost.observe(sum(results.seconds.values()), len(results.records))
        files = split_files(data, results)
        self._on_outputs(len(results.records))
        return [Item(record, *pair) for record, pair in zip(results.records, files, strict=True)]


def _place(error: ServiceError) -> ServiceError:
    """Say where in the form it is that an error is about."""
    number, part = error.fields.pop("image", None), error.fields.pop("part", "images")
    if number is not None and "pointer" not in error.fields:
        error.fields["pointer"] = f"/request/targets/{number}" if part == "targets" else f"/{part}/{number}"
    return error
