import numpy as np
import pytest
import torch

from app.data.dataset import build_dataset
from app.training.config import parse_config
from app.training.build import resolve_config
from app.training.runtime import Runtime
from app.training.session import Session


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_session():
    """Two classes that a glance tells apart: a bright left half, a bright right half."""

    def make(*, steps=8, architecture="dcgan", objective="non_saturating", precision="float32", **schedule):
        random = np.random.default_rng(0)
        images = random.integers(0, 60, size=(32, 8, 8, 1), dtype=np.uint8)
        labels = np.arange(32) % 2
        for image, label in zip(images, labels, strict=True):
            image[:, 4 * label : 4 * label + 4] += 180
        dataset = build_dataset("halves", images, labels, ["left", "right"])
        widths = {"dcgan": {"base_width": 8}, "resnet_gan": {"base_width": 16, "blocks_per_level": 1}}
        config = parse_config(
            {
                "model": {"architecture": architecture, "latent_dim": 4, "hyperparameters": widths[architecture]},
                "objective": {"name": objective, "r1_gamma": 0.1, "r2_gamma": 0.1, "penalty_interval": 2},
                "schedule": {"batch_size": 12, "steps": steps, "log_interval": 2, "snapshot_interval": 3} | schedule,
            }
        )
        return Session(resolve_config(config, dataset), dataset, Runtime(torch.device("cpu"), precision, 1))

    return make
