import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.fid import FrechetInceptionDistance

from app.evaluation.frechet_distance import frechet_distance


class Identity(torch.nn.Module):
    """Stands in for Inception: the images are the features."""

    def __init__(self, num_features):
        super().__init__()
        self.num_features = num_features

    def forward(self, images):
        return images


def draw_sets(num_real, num_generated, width):
    random = np.random.default_rng(0)
    mix = random.normal(size=(width, width))
    return (
        np.maximum(0.0, random.normal(size=(num_real, width)) @ mix),
        np.maximum(0.0, random.normal(0.2, 1.2, size=(num_generated, width)) @ mix),
    )


def reference_distance(real, generated):
    """Heusel et al. 2017, equation 6, with the root of the product itself."""
    means = real.mean(axis=0) - generated.mean(axis=0)
    covariances = [np.cov(rows, rowvar=False) for rows in (real, generated)]
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    return means @ means + np.trace(covariances[0] + covariances[1] - 2.0 * np.real(root))


@pytest.mark.parametrize("shape", [(50, 40, 4), (300, 200, 32)], ids=["few", "more"])
def test_distance_is_that_of_the_matrix_root(shape):
    real, generated = draw_sets(*shape)

    assert pytest.approx(reference_distance(real, generated), rel=1e-9) == frechet_distance(real, generated)


@pytest.mark.parametrize(
    ("shape", "tolerance"),
    [((300, 200, 32), 1e-9), ((20, 15, 32), 1e-6)],
    ids=["full rank", "fewer rows than columns"],
)
def test_distance_is_that_of_torchmetrics(shape, tolerance):
    real, generated = draw_sets(*shape)
    metric = FrechetInceptionDistance(feature=Identity(shape[2])).set_dtype(torch.float64)

    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(generated), real=False)

    # Its root of the product loses half of the digits where the covariances have no full rank.
    assert pytest.approx(metric.compute().item(), rel=tolerance) == frechet_distance(real, generated)
