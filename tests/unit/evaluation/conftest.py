import numpy as np
import pytest

from app.data.dataset import build_dataset
from app.evaluation.classifier import ClassifierRecipe
from app.evaluation.judge import open_judge


@pytest.fixture
def make_halves():
    """Two classes that a glance tells apart: a bright left half, a bright right half."""

    def make(num_images=64, *, seed=0, labelled=True, channels=1):
        random = np.random.default_rng(seed)
        images = random.integers(0, 60, size=(num_images, 8, 8, channels), dtype=np.uint8)
        labels = np.arange(num_images) % 2
        for image, label in zip(images, labels, strict=True):
            image[:, 4 * label : 4 * label + 4] += 180
        return build_dataset("halves", images, labels, ["left", "right"] if labelled else [])

    return make


@pytest.fixture
def make_judge(tmp_path):
    """Train a judge for a second, or read it from the folder of the test."""

    def make(train, test=None):
        return open_judge(train, test, cache=tmp_path, recipe=ClassifierRecipe(steps=12, batch_size=16))

    return make
