import hashlib
import json
from collections import Counter

import httpx
import pytest

from app.core.errors import ExportError, VersionNotFoundError, WorkerError
from app.core.settings import LimitSettings
from app.exporting import export as export_module
from app.exporting.export import ExportOrder, prepare_export
from app.exporting.folder import Folder
from app.exporting.local import LocalSite, ShardWriter
from app.exporting.shards import write_shards
from app.exporting.state import load_state
from app.exporting.writing import create_encoder
from app.main import create_app
from app.schemas.datasets import DatasetRequest
from app.schemas.samples import SampleFormat
from app.serving.engine import Engine
from tests.fakes import FakeWorkers

LIMITS = LimitSettings()
BODY = {
    "samples": [
        {"model": "tiny", "class_counts": {"a": 30, "b": 30}, "seed": 3},
        {"model": "plain", "num_samples": 20},
    ],
    "shard_size": 10,
    "format": "tar",
    "splits": {"train": 0.75, "test": 0.25},
}
REQUEST = DatasetRequest.model_validate(BODY)
BODY_WITH_SEEDS = DatasetRequest.model_validate(
    BODY | {"samples": [BODY["samples"][0], {"model": "plain", "num_samples": 20, "seed": 9}]}
)
NUM_SHARDS = 8


@pytest.fixture
def encoder():
    encoder = create_encoder(2)
    yield encoder
    encoder.close()


@pytest.fixture
async def running(engine):
    await engine.start()
    yield engine
    await engine.stop(0)


class Counts(Counter):
    """What a watcher is told."""

    def find(self, count):
        self["found"] += count

    def write(self, count):
        self["written"] += count


@pytest.fixture
async def service(repository, make_settings):
    """A service on the same models, with an engine of its own."""
    app = create_app(make_settings(), Engine(make_settings(), repository, worker_factory=FakeWorkers()))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://fount") as client,
    ):
        yield client


@pytest.fixture
def run(running, encoder, tmp_path):
    """Runs an export to a folder, to its end or to a shard that cannot be written."""

    async def run_one(name="out", source=REQUEST, sample_format=None, *, fails_at=None, reads=True):
        folder, counts = FailingFolder(str(tmp_path / name), fails_at), Counts()
        with folder.claim():
            site = LocalSite([running], LIMITS, encoder)
            export = await prepare_export(ExportOrder(source, sample_format, folder), site, LIMITS)
            missing = await export.find_missing(counts.find, reads=reads)
            writer = ShardWriter(export.dataset, export.sample_format, folder, running, encoder)
            await write_shards(export, missing, [writer], counts.write)
            await export.finish()
        return export, counts

    return run_one


class FailingFolder(Folder):
    """A folder whose disk is full when a shard of this name is to be written."""

    def __init__(self, path, fails_at):
        super().__init__(path)
        self._fails_at = fails_at

    def stage(self, name):
        if self._fails_at is not None and name.startswith(self._fails_at):
            raise ExportError(f"{name}: no space")
        return super().stage(name)


def read_tree(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("sample_format", ["tar", "parquet", "arrow", "npz"])
async def test_shards_have_the_bytes_that_the_service_gives(run, service, tmp_path, sample_format):
    export, _ = await run(sample_format=SampleFormat(sample_format))

    for shard, name in enumerate(export.names):
        answer = await service.get(f"/v1/datasets/{export.dataset.token}/shards/{shard}.{sample_format}")
        assert answer.content == (tmp_path / "out" / name).read_bytes()
    assert NUM_SHARDS == len(export.names)


async def test_beside_the_shards_lies_what_describes_them(run, tmp_path):
    export, counts = await run()

    tree = read_tree(tmp_path / "out")
    others = {"README.md", "croissant.json", "dataset.json", "export.json"}
    assert {*export.names, *others} == tree.keys()
    description = json.loads(tree["dataset.json"])
    assert (export.dataset.token, export.names) == (description["token"], description["shards"])
    listed = {one["name"]: one["sha256"] for one in json.loads(tree["croissant.json"])["distribution"]}
    assert {name: hashlib.sha256(tree[name]).hexdigest() for name in export.names} == listed
    assert {"written": 80} == counts


@pytest.mark.parametrize("fails_at", ["train-00000", "train-00003", "test-00001", "README"])
async def test_a_resumed_export_ends_with_the_tree_of_an_undisturbed_one(run, tmp_path, fails_at):
    whole, _ = await run("whole", BODY_WITH_SEEDS)

    with pytest.raises(ExportError, match="no space"):
        await run("out", BODY_WITH_SEEDS, fails_at=fails_at)
    before = load_state(Folder(str(tmp_path / "out"))).shards
    _, counts = await run("out", BODY_WITH_SEEDS)

    assert len(before) * 10 == counts["found"]
    assert 80 == counts["found"] + counts["written"]
    assert read_tree(tmp_path / "whole") == read_tree(tmp_path / "out")
    assert NUM_SHARDS == len(whole.shards)


async def test_what_was_left_open_is_what_it_was_when_the_export_began(run, repository, running):
    with pytest.raises(ExportError, match="no space"):
        await run(fails_at="test-00000")
    repository.set_alias("tiny", "production", 2)
    await running.catalog.refresh()

    export, counts = await run()

    assert ["tiny@1", "plain@1"] == [block.reference for block in export.dataset.recipe.blocks]
    assert counts["found"]


async def test_a_finished_export_is_checked_and_nothing_is_computed(run, workers, tmp_path):
    await run()
    before, batches = read_tree(tmp_path / "out"), len(workers.batches)

    _, counts = await run()

    assert ({"found": 80}, before, batches) == (counts, read_tree(tmp_path / "out"), len(workers.batches))


@pytest.mark.parametrize("damage", ["altered", "torn", "gone"])
async def test_a_shard_that_is_not_what_was_written_is_written_again(run, tmp_path, damage):
    await run()
    before = read_tree(tmp_path / "out")
    shard = tmp_path / "out" / "train-00002-of-00006.tar"
    data = shard.read_bytes()
    if damage == "gone":
        shard.unlink()
    else:
        shard.write_bytes(data[:-1] if damage == "torn" else b"x" + data[1:])

    _, counts = await run()

    assert {"found": 70, "written": 10} == counts
    assert before == read_tree(tmp_path / "out")


async def test_where_reading_costs_much_sizes_are_compared(run, tmp_path):
    await run()
    shard = tmp_path / "out" / "train-00002-of-00006.tar"
    shard.write_bytes(b"x" + shard.read_bytes()[1:])

    _, counts = await run(reads=False)

    assert {"found": 80} == counts


async def test_another_dataset_or_format_is_not_mixed_in(run):
    await run()

    with pytest.raises(ExportError, match="another dataset"):
        await run(source=DatasetRequest.model_validate(BODY | {"shard_size": 20}))
    with pytest.raises(ExportError, match="another dataset or format"):
        await run(sample_format=SampleFormat.NPZ)


async def test_files_that_no_export_wrote_are_left_alone(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "train-00000-of-00006.tar").write_bytes(b"mine")

    with pytest.raises(ExportError, match="no export wrote them"):
        await run()

    assert {"train-00000-of-00006.tar": b"mine"} == read_tree(tmp_path / "out")


async def test_a_token_gives_the_shards_of_its_request(run, tmp_path):
    export, _ = await run("one", BODY_WITH_SEEDS)

    await run("two", export.dataset.token)

    one, two = read_tree(tmp_path / "one"), read_tree(tmp_path / "two")
    assert {"export.json"} == {name for name in one if one[name] != two[name]}


async def test_samples_that_cannot_be_computed_end_the_export_and_keep_what_is_done(run, workers, tmp_path):
    with pytest.raises(ExportError, match="no space"):
        await run(fails_at="test-00000")
    done = load_state(Folder(str(tmp_path / "out"))).shards
    workers.fail_batches()

    with pytest.raises(WorkerError, match="it fails"):
        await run()

    assert done == load_state(Folder(str(tmp_path / "out"))).shards
    assert not list((tmp_path / "out").glob(".*"))


async def test_a_version_that_is_gone_is_told(run):
    export, _ = await run("one")
    block = export.dataset.recipe.blocks[0]

    with pytest.raises(VersionNotFoundError):
        await run(
            "two", DatasetRequest.model_validate(BODY | {"samples": [{"model": f"{block.model}@9", "num_samples": 9}]})
        )


async def test_shards_are_written_down_now_and_then_not_each_time(run, monkeypatch):
    saved = []
    monkeypatch.setattr(export_module, "save_state", lambda destination, state, names: saved.append(len(state.shards)))

    await run()

    assert [0, NUM_SHARDS] == saved


async def test_a_shard_that_is_taken_away_meanwhile_is_told(run, running, encoder, tmp_path):
    await run()
    folder = Folder(str(tmp_path / "out"))
    export = await prepare_export(ExportOrder(REQUEST, None, folder), LocalSite([running], LIMITS, encoder), LIMITS)
    (tmp_path / "out" / export.names[0]).unlink()

    with pytest.raises(ExportError, match="taken away") as caught:
        await export.finish()

    assert [export.names[0]] == caught.value.fields["files"]
