import numpy as np
import torch

from app.core.seeds import draw_latents
from app.evaluation.sampling import draw_samples
from app.generators.pixels import to_pixels
from tests.factories import make_networks, make_space


def make_generator(**space):
    return make_networks(space=make_space(**space))[0].eval()


def test_balanced_samples_take_the_classes_in_turn():
    assert [0, 1, 2, 0, 1] == draw_samples(make_generator(), 5, seed=0).labels.tolist()


def test_samples_are_those_of_the_service():
    generator = make_generator()
    latents = torch.from_numpy(draw_latents(7, np.arange(4), generator.latent_dim))
    with torch.inference_mode():
        expected = to_pixels(generator(latents, torch.arange(4) % 3)).numpy()

    samples = draw_samples(generator, 4, seed=7, batch_size=4)

    assert np.array_equal(expected, samples.images)


def test_samples_do_not_depend_on_how_many_are_drawn():
    generator, calls = make_generator(), []

    samples = draw_samples(generator, 20, seed=1, batch_size=8, on_progress=lambda *at: calls.append(at))

    assert np.array_equal(samples.images[:5], draw_samples(generator, 5, seed=1, batch_size=8).images)
    assert np.array_equal(samples.images[:5], samples.first(5).images)
    assert [(8, 20), (16, 20), (20, 20)] == calls


def test_classes_can_have_other_shares():
    samples = draw_samples(make_generator(), 8, seed=0, shares=[2, 1, 1])

    assert [4, 2, 2] == np.bincount(samples.labels).tolist()
    assert [0, 1, 2, 0] == samples.labels[:4].tolist()


def test_without_classes_all_labels_are_zero():
    samples = draw_samples(make_generator(num_classes=0, channels=3), 3, seed=0)

    assert [0, 0, 0] == samples.labels.tolist()
    assert (3, 8, 8, 3) == samples.images.shape
