import numpy as np
import pytest
import torch

from app.data.dataset import build_dataset
from app.studies.draws import StudyData
from app.studies.plan import UtilityPlan
from app.studies.utility import UtilityStudy
from app.training.compute.runtime import Runtime
from app.training.config import parse_config

WIDTHS = {"base_width": 16, "max_width": 16}
SCHEDULE = {"batch_size": 4, "steps": 4, "log_interval": 2, "snapshot_interval": 2}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_halves():
    """Two classes that a glance tells apart: a bright left half, a bright right half."""

    def make(num_images=24, *, seed=0, channels=1):
        random = np.random.default_rng(seed)
        images = random.integers(0, 60, size=(num_images, 8, 8, channels), dtype=np.uint8)
        labels = np.arange(num_images) % 2
        for image, label in zip(images, labels, strict=True):
            image[:, 4 * label : 4 * label + 4] += 180
        return build_dataset("halves", images, labels, ["left", "right"])

    return make


@pytest.fixture
def make_study(make_halves):
    def make(*, num_images=24, conditional=None, **plan):
        settings = {"per_class": 3, "num_seeds": 2, "ratios": (0.5,), "steps": 3, "confidence": 0.5} | plan
        data = StudyData(make_halves(num_images), make_halves(20, seed=1), "test")
        model = {"latent_dim": 4, "hyperparameters": WIDTHS, "conditional": conditional}
        generator = parse_config({"model": model, "schedule": SCHEDULE})
        return UtilityStudy(UtilityPlan(generator, **settings), data, Runtime(torch.device("cpu"), "float32", 1))

    return make
