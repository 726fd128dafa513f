import pytest
import torch
from torch import nn

from app.generators.lowering import Bfloat16Generator, find_products
from tests.factories import make_networks


@pytest.mark.parametrize("architecture", ["dcgan", "mlp_gan", "resnet_gan", "vae"])
def test_weights_of_products_are_rounded_and_all_others_kept(architecture):
    generator, _ = make_networks(architecture)
    kept = [name for name, _ in generator.named_modules() if "embedding" in name]

    lowered = Bfloat16Generator(generator.eval())

    assert {torch.bfloat16} == {layer.weight.dtype for layer in find_products(lowered)}
    assert {torch.float32} == {generator.get_submodule(name).weight.dtype for name in kept}


def test_it_is_of_the_same_space_and_in_evaluation_mode():
    generator, _ = make_networks("dcgan")

    lowered = Bfloat16Generator(generator.eval())

    assert generator.space == lowered.space
    assert not lowered.training


def test_products_are_dense_layers_and_convolutions():
    layers = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1)))

    assert [layers[0], layers[2][0]] == find_products(layers)
