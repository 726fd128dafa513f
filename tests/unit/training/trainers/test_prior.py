import pytest
import torch

from app.generators.base import Posterior
from app.generators.flow import LatentFlow
from app.training.randomness import create_generator
from app.training.trainers.prior import CodeSet, encode_images, fit_prior, follow_codes, measure_surprise, place_codes
from tests.factories import make_networks, make_space

NARROW = -6.0


def make_codes(count, *, num_classes=2, bend=0.0):
    """Codes with another mean and covariance per class; ``bend`` makes their density no Gaussian."""
    random = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % max(num_classes, 1)
    mixing = torch.randn(max(num_classes, 1), 3, 3, generator=random)
    points = torch.randn(count, 3, generator=random)
    points[:, 2] += bend * (points[:, 0].square() - 1)
    means = torch.einsum("bij,bj->bi", mixing[labels], points) + 3.0 * labels[:, None]
    return CodeSet(Posterior(means, torch.full_like(means, NARROW)), labels if num_classes else None)


def make_flow(num_classes=2, layers=4):
    torch.manual_seed(0)
    return LatentFlow(3, num_classes, layers=layers, width=16).requires_grad_(requires_grad=False)


def surprise(flow, codes):
    return float(measure_surprise(flow, codes, torch.zeros_like(codes.posterior.mean)).detach())


@pytest.mark.parametrize("num_classes", [0, 2])
def test_each_class_gets_the_mean_and_covariance_of_its_codes(num_classes):
    codes, flow = make_codes(40_000, num_classes=num_classes), make_flow(num_classes)

    place_codes(flow.place, codes)

    for row in range(max(num_classes, 1)):
        own = codes.posterior.mean[row :: max(num_classes, 1)]
        torch.testing.assert_close(flow.place.mean[row], own.mean(dim=0))
        covariance = flow.place.factor[row] @ flow.place.factor[row].T
        torch.testing.assert_close(covariance, own.T.cov() + 0.0025 * torch.eye(3), rtol=0.01, atol=0.01)


@pytest.mark.parametrize("num_classes", [0, 2])
def test_following_batches_leads_to_where_the_codes_are(num_classes):
    codes, followed, placed = make_codes(6000, num_classes=num_classes), make_flow(num_classes), make_flow(num_classes)
    place_codes(placed.place, codes)

    for start in range(0, 6000, 40):
        follow_codes(followed.place, codes.choose(torch.arange(start, start + 40)))

    torch.testing.assert_close(followed.place.mean, placed.place.mean, atol=0.3, rtol=0.1)
    covariances = [flow.place.factor @ flow.place.factor.mT for flow in (followed, placed)]
    torch.testing.assert_close(*covariances, atol=0.3, rtol=0.2)


def test_following_a_batch_leaves_other_classes_alone():
    codes, flow = make_codes(40), make_flow()

    follow_codes(flow.place, codes.choose(torch.arange(0, 40, 2)))

    assert torch.equal(torch.eye(3), flow.place.factor[1])
    assert 0 == flow.place.mean[1].abs().max()
    assert 0 < flow.place.mean[0].abs().max()


def test_a_class_of_one_image_borrows_the_covariance_of_the_others():
    codes = make_codes(2001, num_classes=2)
    labels = torch.zeros(2001, dtype=torch.int64)
    labels[7] = 1
    flow = make_flow()

    place_codes(flow.place, CodeSet(codes.posterior, labels))

    torch.testing.assert_close(flow.place.mean[1], codes.posterior.mean[7])
    torch.testing.assert_close(flow.place.factor[1], flow.place.factor[0], rtol=0.2, atol=0.2)


def test_couplings_learn_what_is_not_gaussian():
    codes, gaussian, fitted = make_codes(1000, num_classes=0, bend=3.0), make_flow(0), make_flow(0)
    place_codes(gaussian.place, codes)

    fit_prior(fitted, codes, steps=100, seed=0)

    assert surprise(fitted, codes) < surprise(gaussian, codes) - 0.2
    assert not any(parameter.requires_grad for parameter in fitted.parameters())


def test_a_fitted_prior_draws_codes_like_those_of_the_images():
    codes, flow = make_codes(4000, num_classes=0), make_flow(0)

    fit_prior(flow, codes, steps=20, seed=0)

    drawn = flow(torch.randn(4000, 3), None)
    torch.testing.assert_close(drawn.mean(dim=0), codes.posterior.mean.mean(dim=0), atol=0.2, rtol=0.1)
    torch.testing.assert_close(drawn.T.cov(), codes.posterior.mean.T.cov(), atol=0.4, rtol=0.15)


def test_couplings_never_make_held_out_codes_less_likely():
    codes, flow, gaussian = make_codes(60), make_flow(), make_flow()
    place_codes(gaussian.place, codes)
    held_out = codes.choose(torch.arange(3))

    fit_prior(flow, codes, steps=60, seed=0)

    noise = torch.randn(3, 3, generator=create_generator(0, "prior_check", 0))
    assert measure_surprise(flow, held_out, noise) <= measure_surprise(gaussian, held_out, noise)


def test_too_few_images_leave_a_gaussian():
    codes, flow = make_codes(10), make_flow()

    fit_prior(flow, codes, steps=50, seed=0)

    assert 0 == sum(float(coupling.output.weight.abs().sum()) for coupling in flow.couplings)


def test_a_prior_without_layers_stays_the_standard_one():
    codes, flow = make_codes(50), make_flow(layers=0)

    fit_prior(flow, codes, steps=5, seed=0)

    assert torch.equal(codes.posterior.mean, flow(codes.posterior.mean, codes.labels))


def test_the_same_seed_fits_the_same_prior():
    codes, priors = make_codes(200, bend=1.0), [make_flow(), make_flow()]

    for prior in priors:
        fit_prior(prior, codes, steps=6, seed=4)

    states = [prior.state_dict() for prior in priors]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("num_classes", [0, 3])
def test_images_are_encoded_with_their_own_labels(num_classes):
    _, encoder = make_networks("vae", make_space(num_classes=num_classes))
    images = torch.randint(0, 256, (300, 8, 8, 1), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    labels = torch.arange(300) % 3 if num_classes else None

    codes = encode_images(encoder.eval(), images, labels, seed=5)

    floats = images.permute(0, 3, 1, 2).float() / 127.5 - 1.0
    with torch.no_grad():
        expected = encoder.encode(floats, labels).mean
    assert 300 == len(codes)
    torch.testing.assert_close(codes.posterior.mean.sort(dim=0).values, expected.sort(dim=0).values)
