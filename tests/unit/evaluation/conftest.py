import numpy as np
import pytest
import torch

from app.data.dataset import build_dataset


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


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
