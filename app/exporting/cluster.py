"""Shards computed on a Ray cluster: one task each. This process computes nothing; it looks, counts and writes down.

Ray runs the tasks of a node that is gone on another one. A shard takes its name when it is whole, so one that was
written twice is the same file.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from app.api.datasets.dataset import Dataset
from app.api.encoding import Encoder
from app.core.errors import ConfigurationError, ServiceError, WorkerLostError
from app.core.places import find_folder
from app.core.settings import Settings
from app.exporting.destination import Destination
from app.exporting.node import NumericsTask, ShardTask, Task, encode_task, read_numerics, read_shard, run_task
from app.exporting.state import ShardFile
from app.exporting.writing import OnSamples, create_encoder
from app.imaging.formats.registry import name_encoding
from app.repository.store import ModelRepository
from app.schemas.jobs import ModelLoaded, ModelRef
from app.schemas.samples import SampleFormat
from app.serving.catalog import Catalog
from app.serving.cores import count_cores

MAX_RETRIES = 10
"""How often the task of a lost node is begun again before the export ends with an error."""
TASKS_PER_GPU = 2
"""So that the device computes for one while the other ends its file."""


class Share(NamedTuple):
    """What one task takes of a node.

    Attributes:
        device: Where it computes: ``cpu`` or ``cuda``.
        cpus: Cores, each with one compute thread.
        gpus: Part of a GPU.
        at_once: Tasks that Ray is given at a time.
    """

    device: str
    cpus: int
    gpus: float
    at_once: int


class Cluster:
    """A Ray cluster that this process is connected to.

    Args:
        ray: The package.
        settings: Where the models are, how workers compute, and how large a dataset may be.
        tasks: Tasks at a time; by default as many as the cluster has room for now.

    Attributes:
        settings: Sections that each task is given: all nodes compute alike.
    """

    def __init__(self, ray: Any, settings: Settings, tasks: int | None) -> None:
        self._ray = ray
        self._share = choose_share(ray.cluster_resources(), settings, tasks)
        worker = {"device": self._share.device, "threads": self._share.cpus}
        self.settings: dict[str, Any] = {
            "repository": {**settings.repository.model_dump(mode="json"), "url": _reach(settings.repository.url)},
            "worker": settings.worker.model_dump(mode="json") | worker,
            "limits": settings.limits.model_dump(mode="json"),
            "log": settings.log.model_dump(mode="json"),
        }
        self._task = ray.remote(run_task).options(
            name="fount-export",
            num_cpus=self._share.cpus,
            num_gpus=self._share.gpus,
            max_retries=MAX_RETRIES,
            scheduling_strategy="SPREAD",
        )

    @property
    def at_once(self) -> int:
        """How many tasks Ray is given at a time."""
        return self._share.at_once

    async def run(self, task: Task) -> bytes:
        """Have a task done on some node, and on another one if that is lost; cancelled with this call.

        Returns:
            Its answer, for the readers in ``node``.

        Raises:
            WorkerLostError: If Ray gave it up.
        """
        answer = self._task.remote(encode_task(task))
        try:
            return bytes(await answer)
        except asyncio.CancelledError:
            self._ray.cancel(answer, force=True)
            raise
        except self._ray.exceptions.RayError as error:
            raise WorkerLostError(f"Ray gave up a task: {str(error).strip().splitlines()[-1]}") from error


class TaskWriter:
    """Has one shard at a time computed by a task.

    Args:
        cluster: Where.
        dataset: What shards are of.
        task: The task, whose shard is filled in.
    """

    def __init__(self, cluster: Cluster, dataset: Dataset, task: ShardTask) -> None:
        self._cluster = cluster
        self._dataset = dataset
        self._task = task

    async def write(self, shard: int, on_samples: OnSamples) -> ShardFile:
        """See ``Writer.write``; tells of samples when the shard is there."""
        file = read_shard(await self._cluster.run(self._task.of(shard)))
        on_samples(self._dataset.assignment.locate(shard).num_samples)
        return file


class ClusterSite:
    """A Ray cluster as a place for shards.

    Args:
        cluster: The cluster.
        catalog: The models; nothing is loaded here.
        encoder: Threads of this process.

    Attributes:
        catalog: See above.
        encoder: See above.
    """

    def __init__(self, cluster: Cluster, catalog: Catalog, encoder: Encoder) -> None:
        self.catalog = catalog
        self.encoder = encoder
        self._cluster = cluster
        self._numerics = ""

    async def find_numerics(self, dataset: Dataset) -> str:
        """See ``Site.find_numerics``; asks one node, which the others have to agree with."""
        answer = await self._cluster.run(NumericsTask(self._cluster.settings, dataset.token))
        self._numerics = read_numerics(answer)
        return self._numerics

    async def open_writers(
        self, dataset: Dataset, sample_format: SampleFormat, destination: Destination
    ) -> list[TaskWriter]:
        """See ``Site.open_writers``."""
        task = ShardTask(
            settings=self._cluster.settings,
            token=dataset.token,
            format=sample_format,
            destination=destination.url,
            numerics=self._numerics,
            encoding=name_encoding(sample_format),
        )
        return [TaskWriter(self._cluster, dataset, task) for _ in range(self._cluster.at_once)]


@contextlib.contextmanager
def connect(address: str) -> Iterator[Any]:
    """Connect to a Ray cluster; to be called before signals are handled, since Ray takes SIGTERM for itself.

    Args:
        address: ``host:port`` of its head, or ``auto``: that of ``RAY_ADDRESS``, or a cluster on this machine.

    Yields:
        The package ``ray``.

    Raises:
        ConfigurationError: If Ray is not installed, or there is no such cluster.
    """
    try:
        import ray  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise ConfigurationError("`--ray` needs Ray: pip install 'fount[ray]'") from None
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=False)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        raise ConfigurationError(f"there is no Ray cluster at `{address}`: {error}") from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextlib.asynccontextmanager
async def open_cluster(ray: Any, settings: Settings, tasks: int | None) -> AsyncIterator[ClusterSite]:
    """Look at the models from here, and have shards computed there.

    Args:
        ray: From ``connect``.
        settings: Where the models are, how workers compute, and how large a dataset may be.
        tasks: Tasks at a time; by default as many as the cluster has room for now.

    Raises:
        ServiceError: If the cluster has no room for a single task.
    """
    cluster = Cluster(ray, settings, tasks)
    encoder = create_encoder(count_cores())
    repository = ModelRepository(cluster.settings["repository"]["url"])
    catalog = Catalog(
        repository,
        load=_load_elsewhere,
        retire=lambda _: None,
        poll_interval_s=settings.repository.poll_interval_s,
    )
    following = asyncio.create_task(catalog.follow())
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(settings.worker.start_timeout_s):
                await catalog.wait_settled()
        yield ClusterSite(cluster, catalog, encoder)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        encoder.close()


def choose_share(resources: Mapping[str, float], settings: Settings, tasks: int | None) -> Share:
    """Choose what a task takes of a node: GPUs where the cluster has some and settings allow, else one core.

    Args:
        resources: What the cluster has, by Ray's names.
        settings: ``worker.device``, and ``worker.threads`` for more cores per task.
        tasks: Tasks at a time; by default as many as there is room for.

    Raises:
        ServiceError: If there is no room for one.
    """
    cpus = settings.worker.threads or 1
    gpus = resources.get("GPU", 0)
    room = resources.get("CPU", 0) // cpus
    if settings.worker.device == "cuda" or (settings.worker.device == "auto" and gpus):
        room = min(room, gpus * TASKS_PER_GPU)
        device, part = "cuda", 1 / TASKS_PER_GPU
    else:
        device, part = "cpu", 0.0
    if room < 1:
        raise ServiceError("the Ray cluster has no room for a task", device=device, cpus=cpus)
    return Share(device, cpus, part, tasks or int(room))


async def _load_elsewhere(model: ModelRef) -> ModelLoaded:
    """Take a verified version for loaded: the nodes load it, and say so if they cannot."""
    return ModelLoaded(model, batch_sizes=(1,), num_parameters=0, resident_bytes=0, load_s=0)


def _reach(url: str) -> str:
    """Write the address of a repository so that it means the same in another working folder."""
    folder = find_folder(url)
    return url if folder is None else str(Path(folder).expanduser().absolute())
