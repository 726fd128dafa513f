import tracemalloc

import pytest
import safetensors.torch
import torch

from app.core.errors import UnsupportedArchitectureError
from app.generators.checkpoint import dump_weights, load_encoder, load_generator
from app.generators.registry import ARCHITECTURES
from tests.factories import make_manifest, make_networks, make_space

TRAINED = [name for name, family in ARCHITECTURES.items() if family.training != "none"]


@pytest.mark.parametrize("architecture", TRAINED)
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


@pytest.mark.parametrize("architecture", ["autoencoder", "vae"])
def test_an_encoder_survives_the_way_through_its_file(architecture):
    decoder, encoder = make_networks(architecture)
    encoder.eval()
    images, labels = torch.randn(4, 1, 8, 8), torch.arange(4) % 3
    manifest = make_manifest(architecture=architecture).model_copy(update={"parts": ["generator", "encoder"]})

    loaded = load_encoder(manifest, dump_weights({"generator": decoder, "encoder": encoder}))

    assert torch.equal(encoder(images, labels).mean, loaded(images, labels).mean)
    assert torch.equal(encoder(images, labels).log_var, loaded(images, labels).log_var)
    assert not loaded.training


def test_a_version_without_an_encoder_says_so():
    weights = dump_weights({"generator": make_networks("vae")[0]})

    for architecture in ("vae", "dcgan"):
        with pytest.raises(UnsupportedArchitectureError, match="no encoder"):
            load_encoder(make_manifest(architecture=architecture), weights)


def test_the_prior_of_latents_comes_from_the_manifest():
    manifest = make_manifest().model_copy(update={"latent_prior": "truncated"})

    loaded = load_generator(manifest, dump_weights({"generator": make_networks()[0]}))

    assert "truncated" == loaded.latent_prior


@pytest.mark.parametrize("data", [b"\x80\x02}q\x00.", b"PK\x03\x04" + bytes(100)], ids=["pickle", "archive"])
def test_a_pickle_in_the_place_of_weights_is_refused_by_its_first_bytes(data):
    with pytest.raises(UnsupportedArchitectureError, match="never opened"):
        load_generator(make_manifest(), data)


SIZES = [
    (name, field)
    for name, family in ARCHITECTURES.items()
    for field, info in family.config.model_fields.items()
    if info.annotation in {int, float}
]


@pytest.mark.parametrize(("architecture", "field"), SIZES)
@pytest.mark.parametrize("value", [10**6, -1, 2**31])
def test_hyperparameters_out_of_bounds_are_refused_before_anything_is_built(architecture, field, value, monkeypatch):
    monkeypatch.setattr(torch.nn.Parameter, "__new__", None)
    manifest = make_manifest(architecture=architecture)
    manifest = manifest.model_copy(update={"hyperparameters": {**manifest.hyperparameters, field: value}})

    with pytest.raises(UnsupportedArchitectureError, match=f"hyperparameter {field}"):
        load_generator(manifest, dump_weights({}))


@pytest.mark.parametrize("widths", [[10**6], [4096] * 9, [0], []])
def test_widths_out_of_bounds_are_refused_before_anything_is_built(widths):
    manifest = make_manifest(architecture="mlp_gan")
    manifest = manifest.model_copy(update={"hyperparameters": {"generator_widths": widths}})

    with pytest.raises(UnsupportedArchitectureError, match="generator_widths"):
        load_generator(manifest, dump_weights({}))


def test_what_a_manifest_promises_is_not_allocated(monkeypatch):
    """A build of the largest network that bounds allow takes no memory: it is of the size of its file, or refused."""
    space = make_space(num_classes=100_000, latent_dim=16384, height=1024, width=1024, channels=3)
    manifest = make_manifest(space=make_space()).model_copy(
        update={
            "image": space.image,
            "latent_dim": space.latent_dim,
            "class_names": [str(number) for number in range(space.num_classes)],
            "hyperparameters": {"base_width": 512, "max_width": 1024},
        }
    )
    tracemalloc.start()

    with pytest.raises(UnsupportedArchitectureError):
        load_generator(manifest, dump_weights({"generator": make_networks()[0]}))

    assert 64 * 2**20 > tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
