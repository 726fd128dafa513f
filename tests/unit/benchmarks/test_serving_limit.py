import numpy as np
import pytest
import torch
from serving.limit import measure_limits
from serving.model import HYPERPARAMETERS, SPACE, describe_model
from serving.sampling import VARIANTS, Choice, Sampler, write_npy

from tests.factories import publish_tiny_model


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_form_of_the_generator_makes_the_same_pixels(tmp_path, variant):
    publish_tiny_model(tmp_path, num_classes=0)
    latents = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))
    choice = Choice(str(tmp_path), "tiny", threads=torch.get_num_threads())

    expected = Sampler(choice).compute(latents)
    found = Sampler(Choice(choice.repository, "tiny", variant, choice.threads)).compute(latents)

    assert 2 >= np.abs(expected.astype(int) - found.astype(int)).max()
    assert expected.std() > 0


def test_many_samples_are_made_in_parts(tmp_path):
    publish_tiny_model(tmp_path)
    sampler = Sampler(Choice(str(tmp_path), "tiny", threads=torch.get_num_threads()))

    pixels = sampler.sample(300)

    assert (300, 8, 8, 1) == pixels.shape
    assert 128 + pixels.size == len(write_npy(pixels))


def test_loops_are_measured_by_name_and_size():
    rates = measure_limits({"a": lambda size: np.zeros(size, np.uint8)}, (1, 4), 0.002)

    assert {"a": {"1", "4"}} == {name: set(by_size) for name, by_size in rates.items()}
    assert all(0 < rate for rate in rates["a"].values())


def test_the_model_is_described_in_numbers(tmp_path):
    publish_tiny_model(tmp_path)

    assert describe_model(str(tmp_path), "tiny", 1).endswith("8 latents to 8x8x1, 3 classes")
    assert (168, 0) == (SPACE.latent_dim, SPACE.num_classes)
    assert 96 == HYPERPARAMETERS["base_width"]
