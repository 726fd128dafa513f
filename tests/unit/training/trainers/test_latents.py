import pytest
import scipy.stats
import torch

from app.training.trainers.latents import sample_prior

PRIORS = {
    "normal": scipy.stats.norm(),
    "uniform": scipy.stats.uniform(-1, 2),
    "truncated": scipy.stats.truncnorm(-2, 2),
}


@pytest.mark.parametrize("prior", PRIORS)
def test_training_draws_from_the_distribution_of_samples(prior):
    latents = sample_prior(prior, 4000, 10, torch.Generator().manual_seed(1)).double()

    assert (4000, 10) == tuple(latents.shape)
    expected = (torch.arange(latents.numel()) + 0.5) / latents.numel()
    assert abs(PRIORS[prior].cdf(latents.flatten().sort().values.numpy()) - expected.numpy()).max() < 0.01


@pytest.mark.parametrize("prior", PRIORS)
def test_the_same_generator_state_gives_the_same_latents(prior):
    first, second = (sample_prior(prior, 3, 5, torch.Generator().manual_seed(2)) for _ in range(2))

    assert torch.equal(first, second)
