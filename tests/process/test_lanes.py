import json
import subprocess
import sys

import pytest
import safetensors.torch
import torch

RECIPE = """
[data]
source = "digits"
image_size = 8
[model]
architecture = "resnet_gan"
latent_dim = 8
[model.hyperparameters]
base_width = 16
[augmentation]
policies = []
[objective]
name = "relativistic"
penalty_interval = 2
[schedule]
batch_size = 12
steps = 6
log_interval = 2
snapshot_interval = 3
[runtime]
threads = 1
precision = "float32"
device = "cpu"
"""


@pytest.fixture
def train(tmp_path):
    """Run ``fount train`` to its end; returns the weights of all networks."""
    (tmp_path / "tiny.toml").write_text(RECIPE)

    def run(name, *options, launcher=(sys.executable, "-m", "app")):
        command = [*launcher, "train", str(tmp_path / "tiny.toml"), "--name", name, "--json", *options]
        command += ["--runs", str(tmp_path / "runs")]
        process = subprocess.run(command, check=False, capture_output=True, text=True, timeout=200)
        assert 0 == process.returncode, process.stderr
        folder = tmp_path / "runs" / name / "001"
        assert 6 == json.loads(process.stdout)["steps"]
        assert 3 == len((folder / "log.jsonl").read_text().splitlines())
        return safetensors.torch.load_file(folder / "snapshots" / "step-000000006.safetensors")

    return run


def assert_same_training(one, other):
    assert one.keys() == other.keys()
    weights = [name for name in one if name.startswith(("generator.", "average.", "discriminator."))]
    assert len(weights) > 20
    for name in weights:
        torch.testing.assert_close(other[name], one[name], atol=2e-3, rtol=0)


def test_two_lanes_train_what_one_does(train):
    alone = train("alone")
    other_seed = train("other", "--set", "seed=1")

    together = train("together", "--set", "lanes=2")

    assert_same_training(alone, together)
    with pytest.raises(AssertionError):
        assert_same_training(alone, other_seed)


def test_torchrun_starts_lanes_too(train):
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone", "-m", "app")

    assert_same_training(train("alone"), train("elastic", launcher=torchrun))
