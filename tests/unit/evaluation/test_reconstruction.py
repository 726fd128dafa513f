import numpy as np
import pytest
import torch

from app.evaluation.figures import measure_reconstruction
from app.evaluation.reconstruction import reconstruction_errors
from app.evaluation.reference import View
from app.generators.base import Encoder, Generator, Posterior
from tests.factories import make_space

SPACE = make_space(num_classes=2, latent_dim=64)


class Flatten(Encoder):
    """The pixels themselves are the latents."""

    def forward(self, images, _labels):
        flat = images.flatten(start_dim=1)
        return Posterior(flat, torch.zeros_like(flat))


class Shift(Generator):
    """Gives back the pixels, those of class 1 brighter by 51 levels: a fifth of the range."""

    def __init__(self, space):
        super().__init__(space)
        self.place = torch.nn.Parameter(torch.zeros(()))

    def forward(self, latents, labels):
        return latents.reshape(-1, 1, 8, 8) + 0.4 * labels.reshape(-1, 1, 1, 1)


@pytest.fixture
def real():
    images = np.random.default_rng(0).integers(0, 200, size=(300, 8, 8, 1), dtype=np.uint8)
    return View(images, np.arange(300) % 2, None)


def test_the_error_is_the_mean_square_with_pixels_from_0_to_1(real):
    errors = reconstruction_errors(Flatten(SPACE), Shift(SPACE), real.images, real.labels)

    assert (300,) == errors.shape
    assert 0.0 == errors[0::2].max()
    assert pytest.approx(0.2**2) == errors[1::2]


def test_the_figure_is_the_mean_with_an_interval(real):
    figure = measure_reconstruction(Flatten(SPACE), Shift(SPACE), real)

    assert (pytest.approx(0.02), 300) == (figure.value, figure.count)
    assert pytest.approx(1.96 * 0.02 / np.sqrt(300), rel=1e-3) == figure.interval[1] - figure.value
