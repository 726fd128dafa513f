import numpy as np
import pytest
import torch
from torchmetrics.image.kid import KernelInceptionDistance

from app.evaluation.kernel_distance import kernel_distance, squared_discrepancy


def draw_sets(num_real, num_generated):
    random = np.random.default_rng(0)
    return random.normal(size=(num_real, 5)), random.normal(0.3, 1.3, size=(num_generated, 5))


def reference_discrepancy(x, y):
    """Gretton et al. 2012, equation 3, pair by pair."""

    def mean(first, second, *, same):
        pairs = [(i, j) for i in range(len(first)) for j in range(len(second)) if not (same and i == j)]
        return np.mean([(first[i] @ second[j] / x.shape[1] + 1.0) ** 3 for i, j in pairs])

    return mean(x, x, same=True) + mean(y, y, same=True) - 2.0 * mean(x, y, same=False)


def test_discrepancy_is_the_sum_over_pairs():
    real, generated = draw_sets(14, 9)

    assert pytest.approx(reference_discrepancy(real, generated), rel=1e-11) == squared_discrepancy(real, generated)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance` will save:UserWarning")
def test_distance_is_that_of_torchmetrics():
    real, generated = draw_sets(40, 40)
    metric = KernelInceptionDistance(feature=torch.nn.Identity(), subsets=2, subset_size=40).set_dtype(torch.float64)

    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(generated), real=False)
    value, _ = metric.compute()

    assert pytest.approx(value.item(), rel=1e-9) == kernel_distance(real, generated, num_subsets=2).value
