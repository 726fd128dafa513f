import numpy as np
import pytest
import torch

from app.core.errors import RecipeError
from app.data.dataset import build_dataset
from app.training.compute.runtime import Runtime
from app.training.config import parse_config
from app.training.trainers.variational import VariationalTrainer
from tests.factories import make_networks, make_space

CPU = torch.device("cpu")


def make_trainer(architecture="vae", *, num_classes=2, prior="normal", precision="float32", **objective):
    config = parse_config(
        {
            "model": {"architecture": architecture, "latent_dim": 4, "latent_prior": prior},
            "objective": {"name": "elbo", "kl_warmup": 0.0} | objective,
            "optimizer": {"generator_lr": 3e-3, "beta1": 0.9, "max_grad_norm": 100.0},
            "averaging": {"half_life_images": 50, "ramp": 0.5},
            "schedule": {"batch_size": 16, "steps": 60},
            "data": {"mirror": True},
        }
    )
    space = make_space(num_classes=num_classes, latent_dim=4)
    return VariationalTrainer(config, *make_networks(architecture, space), Runtime(CPU, precision, 1))


def make_dataset():
    """Two classes: a bright upper half, a bright lower half."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 60, size=(64, 8, 8, 1), dtype=np.uint8), np.arange(64) % 2
    for image, label in zip(images, labels, strict=True):
        image[4 * label : 4 * label + 4] += 180
    return build_dataset("halves", images, labels, ["upper", "lower"])


def train(trainer, steps=60):
    dataset = make_dataset()
    images = torch.from_numpy(dataset.images).permute(0, 3, 1, 2).float() / 127.5 - 1
    labels = torch.from_numpy(dataset.labels)
    losses = []
    for step in range(steps):
        rows = torch.arange(16 * step, 16 * step + 16) % 64
        losses.append(trainer.step(step, step / steps, images[rows], labels[rows]))
    return dataset, losses


@pytest.mark.parametrize("architecture", ["vae", "autoencoder"])
@pytest.mark.parametrize("reconstruction", ["gaussian", "bernoulli"])
def test_training_lowers_the_loss(architecture, reconstruction):
    _, losses = train(make_trainer(architecture, reconstruction=reconstruction))

    assert {"loss", "reconstruction", "kl"} == set(losses[0])
    assert losses[-1]["loss"] < losses[0]["loss"] - 10


@pytest.mark.parametrize("architecture", ["vae", "autoencoder"])
def test_samples_look_like_their_class_when_the_prior_is_fitted(architecture):
    trainer = make_trainer(architecture)
    dataset, _ = train(trainer)

    trainer.finish(dataset)

    labels = torch.arange(20) % 2
    with torch.no_grad():
        images = trainer.averager.average(torch.randn(20, 4), labels)
    upper, lower = images[:, :, :4].mean(dim=(1, 2, 3)), images[:, :, 4:].mean(dim=(1, 2, 3))
    assert torch.equal(labels == 0, upper > lower)


def test_the_published_encoder_speaks_the_language_of_the_published_generator():
    trainer = make_trainer()
    dataset, _ = train(trainer, steps=5)
    trainer.finish(dataset)

    parts = trainer.published_parts()

    assert ["generator", "encoder"] == list(parts)
    images, labels = torch.rand(3, 1, 8, 8), torch.tensor([0, 1, 0])
    with torch.no_grad():
        decoded = parts["generator"](parts["encoder"](images, labels).mean, labels)
        expected = parts["generator"].decode(parts["encoder"].encode(images, labels).mean, labels)
    torch.testing.assert_close(decoded, expected, rtol=1e-3, atol=1e-3)


def test_an_unconditional_autoencoder_ignores_labels():
    trainer = make_trainer(num_classes=0)

    dataset, losses = train(trainer, steps=3)
    trainer.finish(dataset)

    assert all(torch.isfinite(value) for value in losses[-1].values())


def test_the_divergence_counts_less_while_it_warms_up():
    cold = make_trainer(kl_warmup=1.0)
    images, labels = torch.rand(4, 1, 8, 8), torch.arange(4) % 2

    start, middle = cold.step(0, 0.0, images, labels), make_trainer(kl_warmup=1.0).step(0, 0.5, images, labels)

    torch.testing.assert_close(start["loss"], start["reconstruction"])
    torch.testing.assert_close(middle["loss"], middle["reconstruction"] + 0.5 * middle["kl"])


def test_a_deterministic_code_is_decoded_without_noise():
    first, second = make_trainer("autoencoder"), make_trainer("autoencoder")
    second._draw_latents = lambda _step, _purpose, count: torch.full((count, 4), 3.0)
    images, labels = torch.rand(4, 1, 8, 8), torch.arange(4) % 2

    losses = [trainer.step(0, 0.0, images, labels)["reconstruction"] for trainer in (first, second)]

    assert losses[0] == losses[1]


def test_steps_work_in_half_precision():
    _, losses = train(make_trainer(precision="bfloat16"), steps=2)

    assert torch.float32 == losses[-1]["loss"].dtype
    assert torch.isfinite(losses[-1]["loss"])


def test_latents_that_are_not_normal_are_refused():
    with pytest.raises(RecipeError, match="latent_prior"):
        make_trainer(prior="uniform")
