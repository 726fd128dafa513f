import math

import pytest
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from app.training.objectives.elbo import (
    apply_free_bits,
    bernoulli_reconstruction,
    gaussian_reconstruction,
    normal_divergence,
    warm_up,
)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_the_divergence_is_that_of_two_normal_distributions():
    mean, log_var = draw(5, 3), draw(5, 3, seed=1)

    divergence = normal_divergence(mean, log_var)

    expected = kl_divergence(Normal(mean, (0.5 * log_var).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(divergence, expected)


def test_the_prior_itself_costs_nothing():
    assert 0 == normal_divergence(torch.zeros(2, 3), torch.zeros(2, 3)).abs().max()


def test_the_gaussian_likelihood_has_the_variance_that_fits_best():
    images, decoded = draw(4, 2, 3, 3), draw(4, 2, 3, 3, seed=1)

    surprise = gaussian_reconstruction(images, decoded)

    deviation = (images - decoded).square().mean().sqrt()
    expected = -Normal(decoded, deviation).log_prob(images).flatten(1).sum(dim=1)
    torch.testing.assert_close(surprise, expected)
    for other in (0.9 * deviation, 1.1 * deviation):
        assert surprise.sum() < -Normal(decoded, other).log_prob(images).sum()


def test_the_gaussian_gradient_is_that_of_the_logarithm_of_the_error():
    images, decoded = draw(4, 1, 3, 3), draw(4, 1, 3, 3, seed=1).requires_grad_()

    (gradient,) = torch.autograd.grad(gaussian_reconstruction(images, decoded).sum(), decoded)

    whole = 0.5 * images.numel() * (images - decoded).square().mean().log()
    torch.testing.assert_close(gradient, torch.autograd.grad(whole, decoded)[0])


def test_a_perfect_reconstruction_is_finite():
    images = torch.full((2, 1, 2, 2), -1.0)

    assert math.isfinite(gaussian_reconstruction(images, images).sum())
    assert 0 <= bernoulli_reconstruction(images, images).sum() < 1e-4


def test_pixels_are_chances_for_the_bernoulli_likelihood():
    bits, logits = torch.tensor([0.0, 1.0, 1.0, 0.0]), draw(4)

    surprise = bernoulli_reconstruction(
        (2 * bits - 1).reshape(1, 1, 2, 2), (2 * logits.sigmoid() - 1).reshape(1, 1, 2, 2)
    )

    torch.testing.assert_close(surprise, -Bernoulli(logits=logits).log_prob(bits).sum()[None])


def test_free_bits_are_paid_by_nobody_and_taught_to_nobody():
    divergence = torch.tensor([[0.1, 2.0], [0.3, 4.0]], requires_grad=True)

    cost = apply_free_bits(divergence, 0.5)
    cost.backward()

    assert pytest.approx(0.5 + 3.0) == cost.item()
    assert [[0.0, 0.5], [0.0, 0.5]] == divergence.grad.tolist()


def test_without_free_bits_the_cost_is_the_mean_divergence_of_an_image():
    divergence = draw(6, 4).square()

    torch.testing.assert_close(apply_free_bits(divergence, 0.0), divergence.sum(dim=1).mean())


@pytest.mark.parametrize(
    ("progress", "fraction", "expected"), [(0.0, 0.5, 0.0), (0.25, 0.5, 0.5), (0.5, 0.5, 1.0), (0.0, 0.0, 1.0)]
)
def test_the_divergence_warms_up(progress, fraction, expected):
    assert expected == warm_up(progress, fraction)
