import asyncio
import contextlib
import sys
from types import SimpleNamespace

import msgspec
import pytest

from app.api.datasets.dataset import make_dataset
from app.core.errors import ConfigurationError, ExportError, NotFoundError, ServiceError, WorkerLostError
from app.core.settings import Settings
from app.exporting import node
from app.exporting.cluster import Cluster, Share, choose_share, connect, open_cluster
from app.exporting.export import ExportOrder
from app.exporting.folder import Folder
from app.exporting.local import LocalSite
from app.exporting.run import run_export
from app.exporting.writing import create_encoder
from app.imaging.formats.registry import name_encoding
from app.schemas.datasets import DatasetRequest
from app.schemas.samples import SampleFormat

REQUEST = DatasetRequest.model_validate(
    {"samples": [{"model": "tiny", "num_samples": 40, "seed": 3}], "shard_size": 10, "format": "tar"}
)
TWO_CORES = {"CPU": 2.0}


class RayError(Exception):
    """What Ray raises when it gives up."""


class FakeRay:
    """Runs tasks in threads of this process, one after the other where they fail as told."""

    exceptions = SimpleNamespace(RayError=RayError)

    def __init__(self, resources):
        self.cluster_resources = lambda: resources
        self.cancelled = []
        self.running = 0
        self.most = 0
        self.fails = False
        self.hangs = False
        self.begun = asyncio.Event()

    def remote(self, function):
        return SimpleNamespace(
            options=lambda **_: SimpleNamespace(remote=lambda message: self._begin(function, message))
        )

    def cancel(self, answer, *, force):
        self.cancelled.append((answer, force))

    def _begin(self, function, message):
        return asyncio.get_running_loop().create_task(self._run(function, message))

    async def _run(self, function, message):
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            self.begun.set()
            if self.hangs:
                await asyncio.Event().wait()
            if self.fails:
                raise RayError("a long story\nnode died")
            return await asyncio.to_thread(function, message)
        finally:
            self.running -= 1


@pytest.fixture
async def site(engine, monkeypatch):
    """What computes on the only node: an engine of this process."""
    await engine.start()
    loop, encoder = asyncio.get_running_loop(), create_encoder(1)
    site = LocalSite([engine], Settings().limits, encoder)
    station = SimpleNamespace(run=lambda work: asyncio.run_coroutine_threadsafe(work(site), loop).result())
    monkeypatch.setattr(node, "_open_station", lambda _: station)
    yield site
    await engine.stop(0)
    encoder.close()


class Silent:
    def begin(self, count):
        pass

    find = write = begin


@pytest.fixture
def export(site, make_settings, tmp_path):
    async def run(name, ray=None):
        order, settings = ExportOrder(REQUEST, None, Folder(str(tmp_path / name))), make_settings()
        place = open_cluster(ray, settings, None) if ray else contextlib.nullcontext(site)
        await run_export(order, place, settings.limits, Silent(), reads=True)
        return {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}

    return run


async def test_tasks_leave_the_tree_of_one_machine(export):
    assert await export("here") == await export("there", FakeRay(TWO_CORES))


async def test_as_many_tasks_wait_as_there_is_room(export):
    ray = FakeRay(TWO_CORES)

    await export("there", ray)

    assert 2 == ray.most


async def test_an_export_that_began_here_goes_on_there(export, tmp_path):
    before = await export("out")
    (tmp_path / "out" / "train-00001-of-00004.tar").unlink()

    assert before == await export("out", FakeRay(TWO_CORES))


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"numerics": "another"}, ExportError, "of one kind"),
        ({"encoding": "another"}, ExportError, "of one kind"),
        ({"destination": "/nowhere/at/all"}, ExportError, "not there on every node"),
        ({"token": "d1" + "A" * 40}, NotFoundError, "no such dataset"),
    ],
)
async def test_a_node_says_why_it_cannot(site, tmp_path, change, error, words):
    dataset = await make_dataset(REQUEST, site.catalog, Settings().limits)
    task = node.ShardTask(
        settings={},
        token=dataset.token,
        format="tar",
        destination=str(tmp_path),
        numerics=await site.find_numerics(dataset),
        encoding=name_encoding(SampleFormat.TAR),
    )

    answers = [
        await asyncio.to_thread(node.run_task, node.encode_task(one))
        for one in (task, msgspec.structs.replace(task, **change))
    ]

    assert node.read_shard(answers[0]).num_bytes
    with pytest.raises(error, match=words):
        node.read_shard(answers[1])


async def test_what_ray_gives_up_is_told_in_its_last_line(export):
    ray = FakeRay(TWO_CORES)
    ray.fails = True

    with pytest.raises(WorkerLostError, match="node died") as caught:
        await export("there", ray)

    assert "long story" not in caught.value.detail


async def test_an_export_that_is_broken_off_cancels_its_tasks(export):
    ray = FakeRay(TWO_CORES)
    ray.hangs = True
    running = asyncio.create_task(export("there", ray))
    await ray.begun.wait()

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running
    assert [True] == [force for _, force in ray.cancelled]


@pytest.mark.parametrize(
    ("resources", "worker", "tasks", "share"),
    [
        ({"CPU": 8.0}, {}, None, Share("cpu", 1, 0.0, 8)),
        ({"CPU": 8.0}, {"threads": 3}, None, Share("cpu", 3, 0.0, 2)),
        ({"CPU": 8.0}, {}, 20, Share("cpu", 1, 0.0, 20)),
        ({"CPU": 8.0, "GPU": 2.0}, {}, None, Share("cuda", 1, 0.5, 4)),
        ({"CPU": 8.0, "GPU": 2.0}, {"device": "cpu"}, None, Share("cpu", 1, 0.0, 8)),
    ],
)
def test_a_task_takes_what_settings_and_cluster_allow(resources, worker, tasks, share):
    assert share == choose_share(resources, Settings(worker=worker), tasks)


@pytest.mark.parametrize(
    ("resources", "worker"), [({}, {}), ({"CPU": 2.0}, {"threads": 4}), ({"CPU": 2.0}, {"device": "cuda"})]
)
def test_a_cluster_without_room_is_told(resources, worker):
    with pytest.raises(ServiceError, match="no room"):
        choose_share(resources, Settings(worker=worker), None)


def test_all_nodes_are_given_the_same_settings_without_keys():
    settings = Settings(api_key="a-key-of-this-test", repository={"url": "models"}, worker={"precision": "bfloat16"})

    given = Cluster(FakeRay(TWO_CORES), settings, None).settings

    assert {"repository", "worker", "limits", "log"} == given.keys()
    assert given["repository"]["url"].startswith("/")
    assert ("cpu", 1, "bfloat16") == tuple(given["worker"][name] for name in ("device", "threads", "precision"))


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(ConfigurationError, match=r"fount\[ray\]"), connect("auto"):
        pass
