"""Small, seeded things that many tests need."""

from pathlib import Path

import torch

from app.evaluation.inception import Inception
from app.generators.base import SampleSpace
from app.generators.checkpoint import dump_weights
from app.generators.registry import find_architecture
from app.repository.manifest import WEIGHTS_FILE, ImageSpec, Manifest
from app.repository.store import ModelRepository
from tests.drafts import make_draft

TINY_AUTOENCODER = {"base_width": 16, "max_width": 32, "prior_layers": 2, "prior_width": 8, "prior_steps": 4}
TINY_HYPERPARAMETERS = {
    "autoencoder": TINY_AUTOENCODER,
    "dcgan": {"base_width": 8},
    "mlp_gan": {"generator_widths": [32, 64], "discriminator_widths": [64, 32]},
    "resnet_gan": {"base_width": 16, "blocks_per_level": 1},
    "vae": TINY_AUTOENCODER,
}


def make_space(*, num_classes: int = 3, height: int = 8, width: int = 8, channels: int = 1, latent_dim: int = 8):
    image = ImageSpec(height=height, width=width, channels=channels)
    return SampleSpace(image, latent_dim, num_classes)


def make_networks(architecture: str = "dcgan", space: SampleSpace | None = None, *, seed: int = 0):
    """Build a tiny generator and its discriminator or encoder, with seeded random weights."""
    space = space or make_space()
    family = find_architecture(architecture)
    config = family.parse(TINY_HYPERPARAMETERS[architecture])
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = family.generator(config, space)
        partner = family.discriminator or family.encoder
        return generator, partner(config, space) if partner else None


class TinyEyes(torch.nn.Module):
    """Stands in for the Inception network: sees the mean of each quarter of an image, and takes each for a class."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(1 / 16), requires_grad=False)

    def features(self, pixels):
        grey = pixels.float().mean(dim=3, keepdim=True).permute(0, 3, 1, 2)
        return torch.nn.functional.adaptive_avg_pool2d(grey, 2).flatten(1) * self.scale

    def classify(self, features):
        return features


def make_inception(sha256: str = "e" * 64) -> Inception:
    """Make an Inception that costs nothing."""
    return Inception(TinyEyes(), sha256)


def make_manifest(name: str = "tiny", *, architecture: str = "dcgan", space: SampleSpace | None = None) -> Manifest:
    """Describe a tiny model that is not published yet."""
    space = space or make_space()
    return make_draft(
        name,
        architecture=architecture,
        hyperparameters=TINY_HYPERPARAMETERS[architecture],
        image=space.image,
        latent_dim=space.latent_dim,
        class_names=[f"class-{number}" for number in range(space.num_classes)],
    )


def publish_tiny_model(  # noqa: PLR0913 - each knob is one fact of the model
    root: Path | str,
    name: str = "tiny",
    *,
    architecture: str = "dcgan",
    num_classes: int = 3,
    height: int = 8,
    width: int = 8,
    channels: int = 1,
    seed: int = 0,
) -> Manifest:
    """Publish a generator with seeded random weights through the real repository; each call is a new version."""
    space = make_space(num_classes=num_classes, height=height, width=width, channels=channels)
    generator, _ = make_networks(architecture, space, seed=seed)
    weights = dump_weights({"generator": generator})
    draft = make_manifest(name, architecture=architecture, space=space)
    return ModelRepository(str(root)).publish(draft, {WEIGHTS_FILE: weights, "README.md": b"# tiny\n"})
