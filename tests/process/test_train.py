"""``fount train`` as a process: stopped by signals, killed, gone on with."""

import json
import os
import signal
import subprocess
import sys

import pytest

from app.repository.store import ModelRepository

RECIPE = """
[data]
image_size = 8
[model]
architecture = "dcgan"
latent_dim = 4
[model.hyperparameters]
base_width = 8
[objective]
name = "non_saturating"
[schedule]
batch_size = 16
steps = 60
log_interval = 5
snapshot_interval = 20
[runtime]
threads = 1
precision = "float32"
"""


@pytest.fixture
def train(tmp_path):
    """Start ``fount train`` on the built-in digits; the log file tells how far it is."""
    (tmp_path / "tiny.toml").write_text(RECIPE)

    def start(*options, name="tiny-gan"):
        command = [sys.executable, "-m", "app", "train", str(tmp_path / "tiny.toml"), "--data", "digits"]
        command += ["--name", name, "--publish", "--evaluate", "none", "--json", *options]
        command += ["--runs", str(tmp_path / "runs"), "--repository", str(tmp_path / "models")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)

    return start


def wait_for_log(process):
    """Return once the run has logged something: the progress is told line by line where there is no terminal."""
    for line in process.stderr:
        if "images/s" in line:
            return
    raise AssertionError("the run ended without a log line")


def finish(process):
    answer, errors = process.communicate(timeout=120)
    assert 0 == process.returncode, errors
    return json.loads(answer), errors


def publish(process):
    report, errors = finish(process)
    assert '"action": "version-published"' in errors
    return report


def test_sigterm_leaves_a_snapshot_from_which_the_same_command_goes_on(train, tmp_path):
    whole = publish(train(name="whole"))
    stopped = train()
    wait_for_log(stopped)

    stopped.send_signal(signal.SIGTERM)
    _, errors = stopped.communicate(timeout=60)
    resumed = publish(train())

    repository = ModelRepository(str(tmp_path / "models"))
    weights = [repository.read_weights(repository.read_manifest(name, 1)) for name in ("whole", "tiny-gan")]
    assert 143 == stopped.returncode, errors
    assert "goes on from there" in errors
    assert resumed["run"].endswith("001")
    assert weights[0] == weights[1]
    assert 60 == resumed["steps"] == whole["steps"]


def test_ctrl_c_leaves_a_snapshot(train, tmp_path):
    stopped = train()
    wait_for_log(stopped)

    stopped.send_signal(signal.SIGINT)
    _, errors = stopped.communicate(timeout=60)

    assert 130 == stopped.returncode, errors
    assert 1 == len(list((tmp_path / "runs" / "tiny-gan" / "001" / "snapshots").iterdir()))


def test_a_killed_run_goes_on_from_its_last_snapshot(train, tmp_path):
    killed = train("--set", "snapshot_interval=5")
    wait_for_log(killed)

    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=60)
    resumed = publish(train("--set", "snapshot_interval=5"))

    assert resumed["run"].endswith("001")
    assert 1 == ModelRepository(str(tmp_path / "models")).verify("tiny-gan", 1).version


def test_a_dry_run_estimates_and_leaves_nothing(train, tmp_path):
    report, errors = finish(train("--dry-run"))

    assert "version-published" not in errors
    assert report["estimate"]["seconds"] > 0
    assert report["estimate"]["memory_bytes"] > 2**20
    assert 1797 == report["dataset"]["num_images"]
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--set", "stepz=3"], 1, "no such key"),
        (["--set", "steps=0"], 1, "greater than or equal to 1"),
        (["--set", "architecture=stylegan"], 1, "autoencoder, dcgan"),
        (["--set", "objective.name=hingeless"], 1, "hinge, least_squares"),
        (["--data", "no-such-folder"], 1, "no-such-folder"),
        (["--name", "No Such Name"], 2, "--name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_are_told_before_training(train, tmp_path, options, status, words):
    process = train(*options)

    _, errors = process.communicate(timeout=60)

    assert status == process.returncode
    assert words in errors
    assert not (tmp_path / "models").exists()
