import pytest
import torch

from app.generators.flow import LatentFlow, shuffle, unshuffle


def make_flow(latent_dim: int = 6, num_classes: int = 0, layers: int = 4) -> LatentFlow:
    """Build a flow whose weights are no longer those of the start."""
    generator = torch.Generator().manual_seed(3)
    flow = LatentFlow(latent_dim, num_classes, layers=layers, width=8).double()
    with torch.no_grad():
        for parameter in [*flow.parameters(), *flow.buffers()]:
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        if flow.place is not None:
            flow.place.factor.copy_(flow.place.factor.tril())
    return flow


@pytest.mark.parametrize("latent_dim", [1, 2, 5, 6])
@pytest.mark.parametrize("num_classes", [0, 3])
@pytest.mark.parametrize("layers", [0, 1, 4])
def test_the_inverse_undoes_the_flow(latent_dim, num_classes, layers):
    flow = make_flow(latent_dim, num_classes, layers)
    latents = torch.randn(7, latent_dim, dtype=torch.float64)
    labels = torch.arange(7) % 3 if num_classes else None

    restored, _ = flow.inverse(flow(latents, labels), labels)

    torch.testing.assert_close(restored, latents)


def test_the_stretch_is_the_logarithm_of_the_determinant():
    flow = make_flow()
    code = torch.randn(1, 6, dtype=torch.float64)

    _, stretch = flow.inverse(code, None)

    jacobian = torch.autograd.functional.jacobian(lambda x: flow.inverse(x, None)[0], code)[0, :, 0]
    torch.testing.assert_close(stretch.sum(), jacobian.slogdet().logabsdet)


def test_a_fresh_flow_is_the_identity():
    flow = LatentFlow(5, 3, layers=4, width=8)
    latents, labels = torch.randn(4, 5), torch.tensor([0, 1, 2, 0])

    codes = flow(latents, labels)

    torch.testing.assert_close(codes, latents)


def test_classes_have_codes_of_their_own():
    flow = make_flow(num_classes=2)
    latents = torch.randn(1, 6, dtype=torch.float64)

    codes = [flow(latents, torch.tensor([label])) for label in (0, 1)]

    assert not torch.allclose(*codes)


@pytest.mark.parametrize("size", [1, 2, 5, 8])
def test_every_number_takes_a_turn_in_the_half_that_moves(size):
    places = torch.arange(float(size))[None]

    assert torch.equal(places, unshuffle(shuffle(places)))
    moved = set()
    for _ in range(size):
        moved |= {int(place) for place in places[0, size // 2 :]}
        places = shuffle(places)
    assert set(range(size)) == moved


def test_many_classes_share_one_covariance():
    flow = LatentFlow(256, 40, layers=1, width=8)

    assert (1, 256, 256) == tuple(flow.place.factor.shape)
    assert (40, 256) == tuple(flow.place.mean.shape)
