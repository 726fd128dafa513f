import numpy as np
import pytest
import scipy.stats
import torch
from torchmetrics.image.inception import InceptionScore

from app.evaluation.inception_score import inception_score


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(0.0, 3.0, size=(60, 7))


def softmax(logits):
    return torch.softmax(torch.from_numpy(logits), dim=1).numpy()


def test_score_is_the_mean_divergence_from_the_marginal(logits):
    probabilities = softmax(logits)
    divergences = [scipy.stats.entropy(row, probabilities.mean(axis=0)) for row in probabilities]

    score = inception_score(probabilities, splits=1).value

    assert pytest.approx(np.exp(np.mean(divergences)), rel=1e-12) == score


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save:UserWarning")
@pytest.mark.filterwarnings("ignore:std\\(\\). degrees of freedom:UserWarning")
def test_score_is_that_of_torchmetrics(logits):
    metric = InceptionScore(feature=torch.nn.Identity(), splits=1)
    metric.update(torch.from_numpy(logits))

    value, _ = metric.compute()

    assert pytest.approx(value.item(), rel=1e-12) == inception_score(softmax(logits), splits=1).value
