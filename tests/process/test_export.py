"""``fount export`` as a process that is killed, and the shards of services beside it."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from threading import Event

import httpx
import mlcroissant
import pytest
from datasets import DownloadConfig, load_dataset

from tests.docs.service import served
from tests.factories import publish_tiny_model

DEADLINE_S = 120
NUM_SHARDS = 24
SHARD_SIZE = 20
RECIPE = {
    "samples": [{"model": "tiny@1", "num_samples": SHARD_SIZE * NUM_SHARDS, "seed": 5}],
    "shard_size": SHARD_SIZE,
    "format": "tar",
    "splits": {"train": 0.9, "test": 0.1},
}


@pytest.fixture
def command(tmp_path):
    publish_tiny_model(tmp_path / "models")
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE))

    def make(*options, recipe="recipe.json"):
        source = [str(tmp_path / recipe)] if recipe else []
        common = ["--repository", str(tmp_path / "models"), "--json"]
        return [sys.executable, "-m", "app", "export", *source, *common, *options]

    return make


def run(command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False, **options)


def read_tree(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def stop_at(command, folder, num_shards, number):
    """Start an export, and send it a signal once so many shards are there; return its exit status."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        deadline, pause = time.monotonic() + DEADLINE_S, Event()
        while len(list(folder.glob("*.tar"))) < num_shards:
            assert process.poll() is None, "ended too soon"
            assert time.monotonic() < deadline
            pause.wait(0.002)
        process.send_signal(number)
        return process.wait(DEADLINE_S)


def test_an_export_that_was_killed_ends_with_the_tree_of_one_that_was_not(command, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert 0 == run(command("-o", str(whole))).returncode

    statuses = [stop_at(command("-o", str(broken)), broken, count, signal.SIGKILL) for count in (1, 8, 16)]
    report = run(command("-o", str(broken), "--workers", "2"))

    assert [-signal.SIGKILL] * 3 == statuses
    assert 0 == report.returncode, report.stderr
    assert SHARD_SIZE * NUM_SHARDS == sum(
        json.loads(report.stdout)[name] for name in ("found_samples", "written_samples")
    )
    assert read_tree(whole) == read_tree(broken)


def test_an_export_that_is_told_to_stop_keeps_what_is_done(command, tmp_path):
    output = tmp_path / "out"

    status = stop_at(command("-o", str(output)), output, 5, signal.SIGTERM)

    done = len(list(output.glob("*.tar")))
    assert 128 + signal.SIGTERM == status
    assert not list(output.glob(".*"))
    assert 5 <= done < NUM_SHARDS
    found = json.loads(run(command("-o", str(output))).stdout)["found_samples"] // SHARD_SIZE
    assert done - 2 <= found <= done  # a shard that was being renamed is not written down


def test_every_shard_is_the_same_from_two_services_in_any_order(command, tmp_path):
    output = tmp_path / "out"
    recipe = {**RECIPE, "samples": [{"model": "tiny@1", "num_samples": 60, "seed": 5}]}
    (tmp_path / "small.json").write_text(json.dumps(recipe))
    report = json.loads(run(command("-o", str(output), recipe="small.json")).stdout)
    state = json.loads((output / "export.json").read_text())["shards"]
    urls = [f"/v1/datasets/{report['token']}/shards/{shard}.tar" for shard in range(report["num_shards"])]

    with served(tmp_path, tmp_path / "one.log") as one, served(tmp_path, tmp_path / "two.log") as two:
        forth = [hash_answer(one, url) for url in urls]
        back = [hash_answer(two, url) for url in reversed(urls)]

    assert [shard["sha256"] for shard in state.values()] == forth == back[::-1]


def hash_answer(port, url):
    answer = httpx.get(f"http://127.0.0.1:{port}{url}", trust_env=False).raise_for_status()
    return hashlib.sha256(answer.content).hexdigest()


def test_a_recipe_may_come_from_standard_input_and_go_to_a_url(command, tmp_path):
    recipe = json.dumps({"samples": [{"model": "tiny", "num_samples": 20}], "shard_size": 10})

    report = run([*command("-o", f"file://{tmp_path}/out", recipe=None), "-"], input=recipe)

    assert 0 == report.returncode, report.stderr
    assert 2 == len(list((tmp_path / "out").glob("train-*.tar")))


def test_a_dataset_of_one_model_needs_no_file(command, tmp_path):
    options = ["--model", "tiny", "--class-counts", "class-0=10,class-2=10", "--splits", "train=0.5,test=0.5"]

    report = run(command("-o", str(tmp_path / "out"), *options, "--format", "npz", recipe=None))

    assert 0 == report.returncode, report.stderr
    assert {"README.md", "croissant.json", "dataset.json", "export.json"} < read_tree(tmp_path / "out").keys()
    assert 2 == len(list((tmp_path / "out").glob("*.npz")))


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_an_exported_folder_is_loaded_as_it_stands(command, tmp_path):
    folder = tmp_path / "out"
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE | {"format": "parquet"}))
    assert 0 == run(command("-o", str(folder))).returncode

    local = DownloadConfig(local_files_only=True)
    loaded = load_dataset(str(folder), cache_dir=str(tmp_path / "cache"), download_config=local)

    num_samples = SHARD_SIZE * NUM_SHARDS
    assert {"train": num_samples * 9 // 10, "test": num_samples // 10} == {
        name: len(rows) for name, rows in loaded.items()
    }
    assert list(range(num_samples)) == sorted(index for rows in loaded.values() for index in rows["index"])
    metadata = mlcroissant.Dataset(str(folder / "croissant.json")).metadata
    assert [] == list(metadata.ctx.issues.errors)
    shards = {one.content_url for one in metadata.distribution}
    assert {path.name for path in folder.glob("*.parquet")} == {url.rpartition("/")[2] for url in shards}
