"""A run of ``fount augment``: several files at once; what comes out hangs on neither their number nor their order."""

import asyncio
import hashlib
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from app.augmentation.policy import ENGINE_VERSION
from app.augmentation.pool import Augmenters
from app.augmentation.samples import name_arithmetic
from app.cli.augment_compute import Computer, Made
from app.cli.augment_folder import OutputFolder
from app.cli.augment_order import AugmentOrder, Balance
from app.cli.augment_plan import (
    Work,
    check_names,
    count_classes,
    cut,
    cut_mixed,
    name_outputs,
    plan_balance,
    plan_copies,
)
from app.core.errors import DatasetError
from app.core.settings import LimitSettings

Tell = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is."""
Item = TypeVar("Item")


class Summary(NamedTuple):
    """What was done.

    Attributes:
        num_images: Images that outputs are of.
        num_outputs: Outputs that are there.
        num_found: How many of them were there before.
        num_repeated: How many show what another one shows.
        broken: Why images were left out, by their paths.
        classes: Pictures of each class, before and after, where classes were balanced.
    """

    num_images: int
    num_outputs: int
    num_found: int
    num_repeated: int
    broken: dict[str, str]
    classes: dict[str, tuple[int, int]]


async def run_augmentation(
    order: AugmentOrder, folder: OutputFolder, seed: int, limits: LimitSettings, augmenters: Augmenters, tell: Tell
) -> Summary:
    """Augment a folder.

    Args:
        order: What is asked for.
        folder: Where outputs go.
        seed: Of the draws.
        limits: How large files may be, and how many images are mixed.
        augmenters: Who computes.
        tell: Is told how far it is.

    Raises:
        ServiceError: If an image cannot be read, or the policy does not go with it; or an output cannot be written.
    """
    computer = Computer(order, seed, augmenters, limits.upload_bytes)
    return await _Run(order, folder, computer, augmenters.processes + 1, tell).run(seed, limits)


@asynccontextmanager
async def open_augmenters(limits: LimitSettings, processes: int) -> AsyncGenerator[Augmenters, None]:
    """Start augmenters, and end them."""
    augmenters = Augmenters(
        limits,
        processes=processes,
        max_waiting=processes + 1,
        answer_bytes=limits.answer_bytes,
        seconds=limits.augmentation_s,
    )
    try:
        yield augmenters
    finally:
        await augmenters.close()


class _Run:
    def __init__(self, order: AugmentOrder, folder: OutputFolder, computer: Computer, at_once: int, tell: Tell) -> None:
        self._order = order
        self._folder = folder
        self._computer = computer
        self._at_once = at_once
        self._tell = tell
        self._num_found = self._done = self._total = 0

    async def run(self, seed: int, limits: LimitSettings) -> Summary:
        order, paths = self._order, self._order.list_images()
        digests = await self._look_at_all(paths) if order.mixes or isinstance(order.amount, Balance) else {}
        works = self._plan(paths, digests)
        check_names(name_outputs(works, order.fan_out, order.ending))
        self._folder.begin(_describe(order, seed, works, digests))
        sizes = {work.path: _find_size(order.source / work.path) for work in works}
        pieces = cut_mixed(works, sizes, limits.uploads, limits.upload_bytes // 2) if order.mixes else cut(works, sizes)
        self._done, self._total = 0, sum(self._count([work]) for work in works)
        await self._for_each(pieces, self._do)
        return self._sum_up(works)

    async def _look_at_all(self, paths: Sequence[str]) -> dict[str, str]:
        """Decode all images, where outputs of one hang on the others; returns the digests of those that can be read."""
        digests: dict[str, str] = {}

        async def look(path: str) -> None:
            file = await self._computer.read(path)
            if file is not None and await self._computer.look(file):
                digests[path] = file.sha256
            self._done += 1
            self._tell("reading", self._done, len(paths))

        await self._for_each(paths, look)
        return {path: digests[path] for path in paths if path in digests}

    def _plan(self, paths: Sequence[str], digests: Mapping[str, str]) -> list[Work]:
        order = self._order
        readable = [path for path in paths if path not in self._computer.broken]
        if not readable:
            raise _none_readable()
        if isinstance(order.amount, Balance):
            return plan_balance(digests, order.amount.count, order.first_copy)
        return plan_copies(readable, order.amount, order.first_copy, keep=order.keeps_originals)

    async def _do(self, works: Sequence[Work]) -> None:
        """Compute and write the outputs of a piece of work, but for those that are there."""
        files = [file for work in works if (file := await self._computer.read(work.path)) is not None]
        if len(files) == len(works):
            names = [self._name([work]) for work in works]
            if all(self._folder.has(some, file.sha256) for some, file in zip(names, files, strict=True)):
                self._num_found += self._count(works)
            else:
                made = await self._computer.augment(works, files)
                await asyncio.to_thread(self._write, made or [])
                self._folder.enter(one.document for one in made or [])
        self._done += self._count(works)
        self._tell("augmenting", self._done, self._total)

    def _write(self, made: Iterable[Made]) -> None:
        for one in made:
            self._folder.write(one.document["file_name"], one.file)

    def _name(self, works: Iterable[Work]) -> Iterator[str]:
        return name_outputs(works, self._order.fan_out, self._order.ending)

    def _count(self, works: Iterable[Work]) -> int:
        return sum(1 for _ in self._name(works))

    async def _for_each(self, items: Iterable[Item], do: Callable[[Item], Awaitable[None]]) -> None:
        """Do something with some items at once; the first error ends it."""
        remaining = iter(items)

        async def drain() -> None:
            for item in remaining:
                await do(item)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._at_once):
                    group.create_task(drain())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    def _sum_up(self, works: Sequence[Work]) -> Summary:
        done = [work for work in works if work.path not in self._computer.broken]
        if not done:
            raise _none_readable()
        classes: dict[str, tuple[int, int]] = {}
        if isinstance(self._order.amount, Balance):
            after = count_classes(self._name(done))
            classes = {name: (count, after[name]) for name, count in count_classes(work.path for work in done).items()}
        num_outputs, num_repeated = self._folder.finish()
        broken = dict(sorted(self._computer.broken.items()))
        return Summary(len(done), num_outputs, self._num_found, num_repeated, broken, classes)


def _find_size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # reading it says why


def _none_readable() -> DatasetError:
    return DatasetError("none of the images can be read")


def _describe(order: AugmentOrder, seed: int, works: Sequence[Work], digests: Mapping[str, str]) -> dict[str, Any]:
    """Say what all outputs hang on, but for the bytes of images that stand for themselves."""
    listed = [[*work, digests.get(work.path)] for work in works]
    return {
        "engine": ENGINE_VERSION,
        "computed_by": name_arithmetic(),
        "seed": seed,
        "policy_sha256": order.policy.digest,
        "policy": order.policy.model_dump(mode="json"),
        "format": order.image_format.value,
        "quality": order.quality,
        "alpha": order.options.alpha,
        "frames": order.options.animation,
        "images_sha256": hashlib.sha256(json.dumps(listed).encode()).hexdigest(),
    }
