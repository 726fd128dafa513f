import math

import pytest
import torch

from app.core.errors import RecipeError
from app.training.objectives.penalties import one_centred_penalty, zero_centred_penalty
from app.training.objectives.registry import OBJECTIVES, create_objective
from tests.factories import make_networks, make_space

SCORES = torch.tensor([-2.0, 0.0, 3.0])


def test_non_saturating_losses_are_cross_entropies():
    objective = create_objective("non_saturating")

    losses = objective.discriminator_loss(SCORES, SCORES)

    expected = -torch.log(torch.sigmoid(SCORES)) - torch.log(1 - torch.sigmoid(SCORES))
    torch.testing.assert_close(losses, expected)
    torch.testing.assert_close(objective.generator_loss(None, SCORES), -torch.log(torch.sigmoid(SCORES)))


def test_relativistic_losses_mirror_each_other():
    objective = create_objective("relativistic")
    real, fake = SCORES, SCORES.flip(0)

    torch.testing.assert_close(objective.discriminator_loss(real, fake), objective.generator_loss(fake, real))
    torch.testing.assert_close(objective.discriminator_loss(real, real), torch.full((3,), math.log(2)))


def test_the_relativistic_loss_needs_real_scores():
    with pytest.raises(ValueError, match="real images"):
        create_objective("relativistic").generator_loss(None, SCORES)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_losses_fall_as_their_side_wins(name):
    objective = create_objective(name)
    better, worse = torch.tensor([1.0]), torch.tensor([-4.0])

    assert objective.discriminator_loss(better, worse) < objective.discriminator_loss(worse, better)
    assert objective.generator_loss(worse, better) < objective.generator_loss(better, worse)


def test_an_unknown_objective_is_refused():
    with pytest.raises(RecipeError, match="hinge, least_squares, non_saturating"):
        create_objective("hinge_of_doom")


def test_the_penalty_of_a_linear_score_is_its_squared_slope():
    weight = torch.tensor([3.0, -4.0]).reshape(1, 1, 1, 2)
    images = torch.randn(5, 1, 1, 2, requires_grad=True)

    penalty = zero_centred_penalty(
        lambda x: (x * weight).sum(dim=(1, 2, 3)), images, (images * weight).sum(dim=(1, 2, 3))
    )

    torch.testing.assert_close(penalty.value, torch.full((5,), 12.5))


def test_the_slope_of_one_costs_nothing_and_other_slopes_their_squared_distance():
    weight = torch.tensor([3.0, -4.0]).reshape(1, 1, 1, 2)
    real, fake, places = torch.zeros(4, 1, 1, 2), torch.ones(4, 1, 1, 2), torch.rand(4, 1, 1, 1)

    def score(images, scale):
        return (images * weight).sum(dim=(1, 2, 3)) * scale

    steep = one_centred_penalty(lambda images: score(images, 1.0), real, fake, places=places)
    right = one_centred_penalty(lambda images: score(images, 0.2), real, fake, places=places)

    torch.testing.assert_close(steep.value, torch.full((4,), 16.0))
    torch.testing.assert_close(right.value, torch.zeros(4), atol=1e-6, rtol=0)


def test_the_one_centred_penalty_has_the_gradient_of_double_backward():
    _, discriminator = make_networks("dcgan", make_space(height=16, width=16))
    discriminator.double()
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    real, fake = torch.randn(2, 6, 1, 16, 16, dtype=torch.float64)
    places, labels = torch.rand(6, 1, 1, 1, dtype=torch.float64), torch.arange(6) % 3
    parameters = list(discriminator.parameters())

    penalty = one_centred_penalty(lambda x: discriminator(x, labels), real, fake, places=places)
    surrogate = torch.autograd.grad(penalty.surrogate.mean(), parameters, allow_unused=True)

    between = torch.lerp(real, fake, places).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(between, labels).sum(), between, create_graph=True)
    exact = (slope.flatten(1).norm(dim=1) - 1).square().mean()
    reference = torch.autograd.grad(exact, parameters, allow_unused=True)
    pairs = [(a, b) for a, b in zip(surrogate, reference, strict=True) if b is not None]
    given, expected = (torch.cat([part.flatten() for part in side]) for side in zip(*pairs, strict=True))
    assert (given - expected).norm() < 0.02 * expected.norm()


def test_least_squares_pulls_real_scores_to_one_and_generated_ones_to_zero():
    objective = create_objective("least_squares")

    assert [0.0] == objective.discriminator_loss(torch.tensor([1.0]), torch.tensor([0.0])).tolist()
    assert [0.0] == objective.generator_loss(None, torch.tensor([1.0])).tolist()


def test_hinge_is_content_beyond_its_margins():
    objective = create_objective("hinge")

    losses = objective.discriminator_loss(torch.tensor([1.5, 0.0]), torch.tensor([-1.5, 0.0]))

    assert [0.0, 2.0] == losses.tolist()


@pytest.mark.parametrize("architecture", ["dcgan", "resnet_gan"])
def test_the_penalty_has_the_gradient_of_double_backward(architecture):
    _, discriminator = make_networks(architecture, make_space(height=16, width=16))
    discriminator.double()  # so that the difference is limited by its step, not by rounding
    with torch.no_grad():
        for parameter in discriminator.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
    images = torch.randn(6, 1, 16, 16, dtype=torch.float64, requires_grad=True)
    labels = torch.arange(6) % 3
    parameters = list(discriminator.parameters())

    penalty = zero_centred_penalty(lambda x: discriminator(x, labels), images, discriminator(images, labels))
    surrogate = torch.autograd.grad(penalty.surrogate.mean(), parameters, allow_unused=True)

    (slope,) = torch.autograd.grad(discriminator(images, labels).sum(), images, create_graph=True)
    exact = slope.square().sum(dim=(1, 2, 3))
    reference = torch.autograd.grad(exact.mean() / 2, parameters, allow_unused=True)
    torch.testing.assert_close(penalty.value, exact.detach() / 2)
    pairs = [(a, b) for a, b in zip(surrogate, reference, strict=True) if b is not None]
    given, expected = (torch.cat([part.flatten() for part in side]) for side in zip(*pairs, strict=True))
    assert (given - expected).norm() < 0.02 * expected.norm()
