import pytest
import safetensors.torch
import torch

from app.core.errors import UnsupportedArchitectureError
from app.generators.checkpoint import dump_weights, load_generator
from app.generators.registry import ARCHITECTURES
from tests.factories import make_manifest, make_networks, make_space


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_generator_survives_the_way_through_its_file(architecture):
    generator, _ = make_networks(architecture)
    generator.eval()
    latents, labels = torch.randn(5, generator.latent_dim), torch.arange(5) % 3

    loaded = load_generator(make_manifest(architecture=architecture), dump_weights({"generator": generator}))

    assert torch.equal(generator(latents, labels), loaded(latents, labels))
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())


def test_weights_of_another_size_are_refused():
    weights = dump_weights({"generator": make_networks(space=make_space(height=16, width=16))[0]})

    with pytest.raises(UnsupportedArchitectureError, match="do not fit"):
        load_generator(make_manifest(), weights)


@pytest.mark.parametrize(
    "damage",
    [lambda data: data[:-1], lambda data: b"\xff" * 8 + data[8:], lambda data: b""],
    ids=["cut", "huge header", "empty"],
)
def test_a_damaged_file_is_refused(damage):
    weights = dump_weights({"generator": make_networks()[0]})

    with pytest.raises(UnsupportedArchitectureError):
        load_generator(make_manifest(), damage(weights))


def test_weights_in_another_precision_are_refused():
    generator, _ = make_networks()
    halves = {f"generator.{name}": tensor.half() for name, tensor in generator.state_dict().items()}

    with pytest.raises(UnsupportedArchitectureError):
        load_generator(make_manifest(), safetensors.torch.save(halves))


def test_a_missing_part_is_refused():
    weights = dump_weights({"encoder": make_networks()[0]})

    with pytest.raises(UnsupportedArchitectureError):
        load_generator(make_manifest(), weights)
