import numpy as np
import pytest
import scipy.stats

from app.evaluation.modes import count_modes


def test_divergence_is_that_of_the_distributions():
    predicted = np.random.default_rng(0).poisson(4.0, size=500).clip(0, 19)
    shares = np.bincount(predicted, minlength=20) / 500

    assert pytest.approx(scipy.stats.entropy(shares, np.full(20, 0.05))) == count_modes(predicted, 20).reverse_kl
