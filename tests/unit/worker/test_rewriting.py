import copy

import pytest
import torch

from app.generators.base import put_channels_last
from app.generators.folding import fold_batch_norms
from app.generators.registry import ARCHITECTURES
from app.schemas.jobs import NumericsConfig
from app.training.publishing.template import load_template
from app.worker import rewriting
from app.worker.rewriting import rewrite
from tests.factories import make_networks, make_space

TRAINED = [name for name, family in ARCHITECTURES.items() if family.training != "none"]
PLAIN = NumericsConfig(fold_batch_norm=False, channels_last=False)


def make_generator(architecture="dcgan", **space):
    generator, _ = make_networks(architecture, make_space(**space))
    return generator.eval().requires_grad_(requires_grad=False)


def make_unstable(generator):
    """Make every pixel black or white, on edges so steep that the last bits of 8 decide, as no training does."""
    generator.layers[-2].weight.mul_(1e5)
    return generator


def images_of(generator, count=16):
    latents = torch.randn(count, generator.latent_dim, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(count) % generator.num_classes if generator.num_classes else None
    with torch.inference_mode():
        return generator(latents, labels)


@pytest.mark.parametrize(
    ("architecture", "numerics"),
    [
        ("autoencoder", "float32+channels_last"),
        ("dcgan", "float32+folded+channels_last"),
        ("mlp_gan", "float32"),
        ("resnet_gan", "float32+channels_last"),
        ("vae", "float32+channels_last"),
    ],
)
@pytest.mark.parametrize("num_classes", [0, 3])
def test_rewrites_in_float32_leave_pixels_of_every_family_as_they_are(architecture, numerics, num_classes):
    generator = make_generator(architecture, num_classes=num_classes)
    expected = images_of(generator)

    rewritten = rewrite(generator, NumericsConfig())

    assert numerics == rewritten.numerics
    assert () == rewritten.refused
    assert rewritten.differences is None or rewritten.differences.largest <= 1
    assert torch.allclose(expected, images_of(rewritten.generator), rtol=0, atol=1e-4)


def test_every_trained_family_is_covered():
    assert {"autoencoder", "dcgan", "mlp_gan", "resnet_gan", "vae"} == set(TRAINED)


@pytest.mark.parametrize("architecture", TRAINED)
def test_rewritten_samples_have_the_same_bits_at_every_padded_size(architecture):
    generator = rewrite(make_generator(architecture), NumericsConfig()).generator
    latents = torch.randn(64, generator.latent_dim)
    labels = torch.arange(64) % generator.num_classes

    with torch.inference_mode():
        whole = generator(latents, labels)
        part = generator(latents[16:32], labels[16:32])

    assert torch.equal(whole[16:32], part)


def test_without_rewrites_the_published_network_is_computed():
    generator = make_generator()

    rewritten = rewrite(generator, PLAIN)

    assert ("float32", None, ()) == (rewritten.numerics, rewritten.differences, rewritten.refused)
    assert rewritten.generator is generator


@pytest.mark.parametrize(
    ("config", "numerics"),
    [
        (NumericsConfig(channels_last=False), "float32+folded"),
        (NumericsConfig(fold_batch_norm=False), "float32+channels_last"),
        (NumericsConfig("bfloat16", fold_batch_norm=False, channels_last=False), "bfloat16"),
        (NumericsConfig("bfloat16"), "bfloat16+folded+channels_last"),
    ],
)
def test_each_rewrite_can_be_switched(config, numerics):
    assert numerics == rewrite(make_generator(), config).numerics


def test_differences_are_counted_over_all_values_of_the_probes():
    rewritten = rewrite(make_generator(height=9, width=10, channels=3), NumericsConfig())

    assert 64 * 9 * 10 * 3 == sum(rewritten.differences.counts)


@pytest.mark.parametrize("architecture", TRAINED)
def test_bfloat16_gives_other_pixels_within_its_bound_and_half_the_bytes(architecture):
    generator = make_generator(architecture)

    rewritten = rewrite(copy.deepcopy(generator), NumericsConfig("bfloat16"))

    images = images_of(rewritten.generator)
    assert rewritten.numerics.startswith("bfloat16")
    assert 0 < rewritten.differences.largest <= 24
    assert torch.float32 == images.dtype
    assert not torch.equal(images_of(generator), images)
    assert any(parameter.dtype == torch.bfloat16 for parameter in rewritten.generator.parameters())


def test_what_moves_pixels_too_far_is_refused_with_a_reason():
    generator = make_unstable(make_generator())

    rewritten = rewrite(generator, NumericsConfig("bfloat16", channels_last=False))

    assert "precision" == rewritten.refused[-1].name
    assert "grey levels" in rewritten.refused[-1].reason
    assert rewritten.numerics.startswith("float32")


def test_a_refused_rewrite_leaves_the_others_in_force():
    generator = make_unstable(make_generator())

    rewritten = rewrite(generator, NumericsConfig("bfloat16", fold_batch_norm=False))

    assert ["precision"] == [refusal.name for refusal in rewritten.refused]
    assert "float32+channels_last" == rewritten.numerics
    assert 0 == rewritten.differences.largest
    assert torch.equal(images_of(put_channels_last(copy.deepcopy(generator))), images_of(rewritten.generator))


def test_the_same_weights_are_judged_alike_each_time():
    generator = make_unstable(make_generator())

    first, second = (rewrite(copy.deepcopy(generator), NumericsConfig("bfloat16")) for _ in range(2))

    assert (first.numerics, first.differences, first.refused) == (second.numerics, second.differences, second.refused)


def test_what_the_device_cannot_compute_is_refused(monkeypatch):
    def fail(generator):
        fold_batch_norms(generator)
        generator.forward = lambda *_: (_ for _ in ()).throw(RuntimeError("no such kernel"))
        return generator

    monkeypatch.setattr(rewriting, "_fold", fail)

    rewritten = rewrite(make_generator(), NumericsConfig())

    assert [("fold_batch_norm", "this device cannot compute it")] == [
        (one.name, one.reason) for one in rewritten.refused
    ]
    assert "float32+channels_last" == rewritten.numerics


def test_a_device_without_memory_is_no_reason_to_refuse(monkeypatch):
    def exhaust(generator):
        generator.forward = lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError("full"))
        return generator

    monkeypatch.setattr(rewriting, "_fold", exhaust)

    with pytest.raises(torch.OutOfMemoryError):
        rewrite(make_generator(), NumericsConfig())


def test_a_device_that_is_lost_is_no_reason_to_refuse(monkeypatch):
    def lose(generator):
        generator.forward = lambda *_: (_ for _ in ()).throw(torch.AcceleratorError("CUDA error: device-side assert"))
        return generator

    monkeypatch.setattr(rewriting, "_fold", lose)

    with pytest.raises(torch.AcceleratorError):
        rewrite(make_generator(), NumericsConfig())


def test_what_makes_values_that_are_not_finite_is_refused(monkeypatch):
    def spoil(generator):
        next(generator.parameters()).fill_(float("nan"))
        return generator

    monkeypatch.setattr(rewriting, "_fold", spoil)

    rewritten = rewrite(make_generator(), NumericsConfig())

    assert ["it makes values that are not finite"] == [one.reason for one in rewritten.refused]
    assert "float32+channels_last" == rewritten.numerics


def test_pictures_that_are_drawn_have_nothing_to_rewrite():
    generator = load_template("glyph-digits")

    rewritten = rewrite(generator, NumericsConfig("bfloat16"))

    assert rewritten.generator is generator
    assert ("float32", None, ()) == (rewritten.numerics, rewritten.differences, rewritten.refused)
