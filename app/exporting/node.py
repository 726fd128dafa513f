"""What a task of an export does, wherever it runs: plain messages in and out, one engine per process that is kept.

Messages are JSON, so that nothing is deserialised as code; errors travel as code and fields, as from a worker.
"""

import asyncio
import functools
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

import msgspec

from app.core.errors import ExportError, ServiceError, error_from_code
from app.core.logging import configure_logging
from app.core.settings import load_settings
from app.exporting.export import find_dataset
from app.exporting.local import open_local
from app.exporting.opening import open_destination
from app.exporting.site import Site
from app.exporting.state import ShardFile
from app.imaging.formats.registry import name_encoding
from app.schemas.samples import SampleFormat

_T = TypeVar("_T")
_Answer = TypeVar("_Answer", "NumericsFound", "ShardWritten")


class NumericsTask(msgspec.Struct, frozen=True, tag="numerics"):
    """Name what a dataset is computed with; ``settings`` are sections by name."""

    settings: dict[str, Any]
    token: str


class ShardTask(msgspec.Struct, frozen=True, tag="shard"):
    """Compute one shard and put it in place.

    ``numerics`` and ``encoding`` are those of the export: a process that differs refuses.
    """

    settings: dict[str, Any]
    token: str
    format: str
    destination: str
    numerics: str
    encoding: str
    shard: int = 0

    def of(self, shard: int) -> "ShardTask":
        """Write the same task of another shard."""
        return msgspec.structs.replace(self, shard=shard)


class NumericsFound(msgspec.Struct, frozen=True, tag="found"):
    """Answer to ``NumericsTask``."""

    numerics: str


class ShardWritten(msgspec.Struct, frozen=True, tag="written"):
    """Answer to ``ShardTask``."""

    file: ShardFile


class TaskFailed(msgspec.Struct, frozen=True, tag="failed"):
    """A task cannot be done; code and fields as in ``app.core.errors``."""

    code: str
    detail: str
    fields: dict[str, Any]


Task = NumericsTask | ShardTask


def encode_task(task: Task) -> bytes:
    """Write a task as a message."""
    return msgspec.json.encode(task)


def read_numerics(message: bytes) -> str:
    """Read the answer to a ``NumericsTask``.

    Raises:
        ServiceError: If the task failed; of the class that it failed with.
    """
    return _read(message, NumericsFound).numerics


def read_shard(message: bytes) -> ShardFile:
    """Read the answer to a ``ShardTask``.

    Raises:
        ServiceError: If the task failed; of the class that it failed with.
    """
    return _read(message, ShardWritten).file


def run_task(message: bytes) -> bytes:
    """Do a task; the first one of a process starts its engine, which the others find warm.

    Args:
        message: From ``encode_task``.

    Returns:
        For ``read_numerics`` or ``read_shard``.
    """
    task = msgspec.json.decode(message, type=Task)
    try:
        station = _open_station(msgspec.json.encode(task.settings))
        return msgspec.json.encode(station.run(functools.partial(_do, task)))
    except ServiceError as error:
        return msgspec.json.encode(TaskFailed(error.code, error.detail, dict(error.fields)))


def _read(message: bytes, kind: type[_Answer]) -> _Answer:
    answer = msgspec.json.decode(message, type=kind | TaskFailed)
    if isinstance(answer, TaskFailed):
        raise error_from_code(answer.code, answer.detail, answer.fields)
    return cast("_Answer", answer)


class _Station:
    """An engine with a thread of its own: its loop goes on between tasks, so that its worker is not taken for hung.

    It is never closed: the worker ends with this process.
    """

    def __init__(self, sections: dict[str, Any]) -> None:
        settings = load_settings(**sections)
        configure_logging(settings.log)
        self._limits = settings.limits
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="export", daemon=True).start()
        self._place = open_local(settings, workers=1)
        try:
            self._site = self._wait(self._place.__aenter__())
        except BaseException:
            self._loop.call_soon_threadsafe(self._loop.stop)
            raise

    def run(self, work: Callable[[Site], Awaitable[_T]]) -> _T:
        return self._wait(work(self._site))

    def _wait(self, work: Awaitable[_T]) -> _T:
        async def run() -> _T:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


@functools.lru_cache(maxsize=1)
def _open_station(sections: bytes) -> _Station:
    return _Station(msgspec.json.decode(sections))


async def _do(task: Task, site: Site) -> NumericsFound | ShardWritten:
    limits = load_settings(**task.settings).limits
    dataset = await find_dataset(task.token, site.catalog, limits)
    numerics = await site.find_numerics(dataset)
    if isinstance(task, NumericsTask):
        return NumericsFound(numerics)
    sample_format = SampleFormat(task.format)
    encoding = name_encoding(sample_format)
    if (numerics, encoding) != (task.numerics, task.encoding):
        raise ExportError(
            "the nodes of the cluster differ in device or release, so their shards may differ in the last bit; "
            "export on nodes of one kind",
            numerics=[task.numerics, numerics],
            encoding=[task.encoding, encoding],
        )
    writer, *_ = await site.open_writers(dataset, sample_format, open_destination(task.destination))
    try:
        return ShardWritten(await writer.write(task.shard, lambda _: None))
    except FileNotFoundError:
        raise ExportError("the destination is not there on every node; take a shared disk or a URL") from None
