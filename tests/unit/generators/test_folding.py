import copy

import pytest
import torch
from torch import nn

from app.generators.base import Generator, Unflatten
from app.generators.folding import fold_batch_norms
from app.generators.pixels import to_pixels
from app.generators.registry import ARCHITECTURES
from tests.factories import make_networks, make_space

TRAINED = [name for name, family in ARCHITECTURES.items() if family.training != "none"]


class ChainGenerator(Generator):
    """Whatever layers a test asks for, on latents or on what they are placed as."""

    def __init__(self, *layers: nn.Module):
        super().__init__(make_space(num_classes=0, latent_dim=12))
        self.layers = nn.Sequential(*layers)

    def forward(self, latents, labels):  # noqa: ARG002 - without classes
        return self.layers(latents)


def age(network):
    """Give every norm statistics and weights as training leaves them."""
    for norm in find_norms(network):
        nn.init.normal_(norm.running_mean, std=0.5)
        nn.init.uniform_(norm.running_var, 0.2, 4.0)
        if norm.affine:
            nn.init.normal_(norm.weight, 1.0, 0.3)
            nn.init.normal_(norm.bias, std=0.3)
    return network.eval().requires_grad_(requires_grad=False)


def find_norms(network):
    return [module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]


def difference_of(generator):
    """Fold a copy, and return how many norms went and how far outputs moved, relative to their size."""
    latents = torch.randn(16, 12, generator=torch.Generator().manual_seed(0))
    folded = copy.deepcopy(generator)
    count = fold_batch_norms(folded)
    before, after = generator(latents, None), folded(latents, None)
    assert count == len(find_norms(generator)) - len(find_norms(folded))
    return count, float((before - after).abs().max() / before.abs().max())


@pytest.mark.parametrize("architecture", TRAINED)
@pytest.mark.parametrize("num_classes", [0, 3])
def test_every_family_makes_the_same_pixels_without_its_norms(architecture, num_classes):
    generator, _ = make_networks(architecture, make_space(num_classes=num_classes, channels=3))
    age(generator)
    latents = torch.randn(64, generator.latent_dim)
    labels = torch.arange(64) % 3 if num_classes else None
    folded = copy.deepcopy(generator)

    count = fold_batch_norms(folded)

    difference = (to_pixels(generator(latents, labels)).int() - to_pixels(folded(latents, labels)).int()).abs()
    assert len(find_norms(generator)) == count
    assert [] == find_norms(folded)
    assert difference.max() <= 1
    assert (difference == 0).float().mean() > 0.99


def test_the_classic_network_has_norms_to_fold():
    generator, _ = make_networks("dcgan", make_space(height=28, width=28))

    assert 2 == fold_batch_norms(age(generator))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    "build",
    [
        lambda bias: [nn.Linear(12, 6, bias=bias), nn.BatchNorm1d(6)],
        lambda bias: [nn.Linear(12, 24, bias=bias), Unflatten(2, 3), nn.BatchNorm2d(4)],
        lambda bias: [Unflatten(1, 1), nn.Conv2d(12, 6, 3, padding=1, groups=3, bias=bias), nn.BatchNorm2d(6)],
        lambda bias: [Unflatten(1, 1), nn.ConvTranspose2d(12, 6, 3, groups=3, bias=bias), nn.BatchNorm2d(6)],
        lambda bias: [nn.Tanh(), nn.BatchNorm1d(12), nn.Linear(12, 6, bias=bias)],
        lambda bias: [Unflatten(2, 2), nn.BatchNorm2d(3), nn.Conv2d(3, 6, 2, groups=3, bias=bias)],
        lambda bias: [
            Unflatten(2, 2),
            nn.BatchNorm2d(3),
            nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect", bias=bias),
        ],
    ],
    ids=[
        "dense",
        "dense-placed",
        "convolution",
        "transposed",
        "before-dense",
        "before-convolution",
        "before-reflection",
    ],
)
def test_a_norm_goes_into_the_layer_beside_it(build, bias, affine):
    layers = [
        type(layer)(layer.num_features, affine=affine) if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) else layer
        for layer in build(bias)
    ]

    count, difference = difference_of(age(ChainGenerator(*layers)))

    assert 1 == count
    assert difference < 1e-5


@pytest.mark.parametrize(
    "layers",
    [
        [Unflatten(2, 2), nn.BatchNorm2d(3), nn.Conv2d(3, 6, 3, padding=1)],
        [nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 6)],
        [nn.Tanh(), nn.BatchNorm1d(12)],
        [nn.Linear(12, 6), nn.BatchNorm1d(6, track_running_stats=False)],
    ],
    ids=["zeros-at-the-border", "activation-between", "alone", "statistics-of-the-batch"],
)
def test_a_norm_stays_where_folding_it_would_be_another_function(layers):
    generator = ChainGenerator(*layers).eval()
    norms = find_norms(generator)

    assert (0, norms) == (fold_batch_norms(generator), find_norms(generator))


def test_padding_to_the_same_size_adds_zeros_too():
    layers = [Unflatten(2, 2), nn.BatchNorm2d(3), nn.Conv2d(3, 6, 3, padding="same")]

    assert (0, 0.0) == difference_of(age(ChainGenerator(*layers)))
