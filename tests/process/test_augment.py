"""``fount augment`` as a process, killed and stopped; and a service that makes the same files."""

import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from threading import Event

import httpx
import pytest

from tests.docs.service import served
from tests.factories import publish_tiny_model
from tests.pictures import encode, make_pixels, write_folder

DEADLINE_S = 120
POLICY = {
    "ops": [
        {"op": "random_resized_crop", "height": 24, "width": 24},
        {"op": "one_of", "ops": [{"op": "rotate", "degrees": [-15, 15]}, {"op": "flip"}]},
        {"op": "brightness", "factor": [0.5, 1.5]},
    ]
}
FILES = {
    f"{name}/{number}.png": encode(make_pixels(height=30 + number, width=40, seed=number))
    for name, count in (("cat", 8), ("dog", 3))
    for number in range(count)
}


@pytest.fixture
def command(tmp_path):
    source = write_folder(tmp_path / "in", FILES)
    (tmp_path / "policy.json").write_text(json.dumps(POLICY))
    common = [source, "--policy", str(tmp_path / "policy.json"), "--seed", "5", "--json"]
    return lambda *options: [sys.executable, "-m", "app", "augment", *common, *options]


def run(command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert 0 == result.returncode, result.stderr
    return json.loads(result.stdout)


def read_tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def stop_at(command, folder, count, number):
    """Start a run, and send it a signal once so many outputs are there; return its exit status."""
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline, pause = time.monotonic() + DEADLINE_S, Event()
        while len(list(folder.glob("*/*.png"))) < count:
            assert process.poll() is None, "ended too soon"
            assert time.monotonic() < deadline
            pause.wait(0.002)
        process.send_signal(number)
        _, complaints = process.communicate(timeout=DEADLINE_S)
        return process.returncode, complaints


def test_files_are_the_same_by_one_process_or_three_and_from_a_service(command, tmp_path):
    publish_tiny_model(tmp_path / "models")
    one, three = tmp_path / "one", tmp_path / "three"
    request = {"policy": POLICY, "seed": 5, "first_copy": 2, "copies": 18, "format": "zip"}

    report = run(command("--jobs", "1", "-o", str(one), "--copies", "20"))
    run(command("--jobs", "3", "-o", str(three), "--copies", "20"))
    with served(tmp_path, tmp_path / "serve.log") as port:
        answer = httpx.post(
            f"http://127.0.0.1:{port}/v1/augmentations",
            files=[("images", FILES["dog/1.png"]), ("request", (None, json.dumps(request)))],
            trust_env=False,
        ).raise_for_status()

    tree = read_tree(one)
    assert (11, 220, 3 * 20) == (report["num_images"], report["num_outputs"], report["repeated_outputs"])
    assert tree == read_tree(three)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        sent = {name: archive.read(name) for name in archive.namelist() if name.endswith(".png")}
    assert [tree[f"dog/1-{copy}.png"] for copy in range(2, 20)] == [sent[name] for name in sorted(sent)]


def test_a_run_that_was_killed_ends_with_the_tree_of_one_that_was_not(command, tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(command("--copies", "60", "-o", str(whole)))

    killed = [stop_at(command("--copies", "60", "-o", str(broken)), broken, count, signal.SIGKILL) for count in (1, 99)]
    report = run(command("--copies", "60", "-o", str(broken)))

    assert [-signal.SIGKILL] * 2 == [status for status, _ in killed]
    assert 0 < report["found_outputs"] < report["num_outputs"]
    assert read_tree(whole) == read_tree(broken)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_told_to_stop_says_how_it_goes_on(command, tmp_path, number):
    output = tmp_path / "out"

    status, complaints = stop_at(command("--copies", "400", "-o", str(output)), output, 20, number)

    assert (128 + number, "broken off; the same command goes on from there\n") == (status, complaints)
    assert not list(output.glob(".fount-part-*"))


def test_balanced_classes_have_no_picture_twice(command, tmp_path):
    report = run(command("--balance-to", "12", "-o", str(tmp_path / "out")))

    tree = read_tree(tmp_path / "out")
    pictures = [data for name, data in tree.items() if name.endswith(".png")]
    assert {"cat": {"before": 8, "after": 12}, "dog": {"before": 3, "after": 12}} == report["classes"]
    assert 24 == len(pictures)
    assert 24 - 3 == len(set(pictures))  # three images are in both classes
    assert FILES.items() <= tree.items()


def test_one_run_at_a_time_writes_to_a_folder(command, tmp_path):
    output = tmp_path / "out"

    with subprocess.Popen(command("--copies", "400", "-o", str(output)), stdout=subprocess.DEVNULL) as first:
        deadline, pause = time.monotonic() + DEADLINE_S, Event()
        while not (output / "augment.json").exists() and time.monotonic() < deadline:
            pause.wait(0.002)
        second = subprocess.run(
            command("-o", str(output)), capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        first.terminate()

    assert 1 == second.returncode
    assert "is writing to this folder" in second.stderr
