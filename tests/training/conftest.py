import numpy as np
import pytest
import torch

from app.data.dataset import build_dataset
from app.evaluation.classifier import ClassifierRecipe
from app.training.build import resolve_config
from app.training.compute.runtime import Runtime
from app.training.config import parse_config
from app.training.monitoring.assessment import Assessment
from app.training.session import Session
from tests.factories import TINY_HYPERPARAMETERS


@pytest.fixture
def make_session():
    """Two classes that a glance tells apart: a bright left half, a bright right half."""

    def make(
        *,
        steps=8,
        architecture="dcgan",
        objective="non_saturating",
        precision="float32",
        sections=None,
        judged_in=None,
        **schedule,
    ):
        random = np.random.default_rng(0)
        images = random.integers(0, 60, size=(32, 8, 8, 1), dtype=np.uint8)
        labels = np.arange(32) % 2
        for image, label in zip(images, labels, strict=True):
            image[:, 4 * label : 4 * label + 4] += 180
        dataset = build_dataset("halves", images, labels, ["left", "right"])
        config = parse_config(
            {
                "model": {
                    "architecture": architecture,
                    "latent_dim": 4,
                    "hyperparameters": TINY_HYPERPARAMETERS[architecture],
                },
                "objective": {"name": objective, "r1_gamma": 0.1, "r2_gamma": 0.1, "penalty_interval": 2},
                "schedule": {"batch_size": 12, "steps": steps, "log_interval": 2, "snapshot_interval": 3} | schedule,
            }
            | (sections or {})
        )
        runtime = Runtime(torch.device("cpu"), precision, 1)
        recipe = ClassifierRecipe(steps=20, batch_size=8)
        assessment = judged_in and Assessment(config, dataset, runtime.device, cache=judged_in, recipe=recipe)
        return Session(resolve_config(config, dataset), dataset, runtime, assessment=assessment)

    return make
