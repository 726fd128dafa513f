"""The generator that is measured unless another is named: random weights, published into a repository of its own.

It is the nearest that family ``dcgan`` has to the tutorial generator 128 -> 256x7x7 -> 64x14x14 -> 28x28x1 (1.87 M
parameters, 14.65 M multiply-adds per sample): widths double here, so that it is 168 -> 192x7x7 -> 96x14x14 -> 28x28x1.
"""

from pathlib import Path
from typing import Any

import torch

from app.core.seeds import SEED_LIMIT
from app.generators.base import SampleSpace
from app.generators.checkpoint import dump_weights
from app.generators.registry import find_architecture
from app.repository.manifest import CARD_FILE, WEIGHTS_FILE, DatasetInfo, ImageSpec, Manifest, TrainingInfo, utc_now
from app.repository.store import ModelRepository

NAME = "bench"
SECOND_NAME = "bench-too"  # the service is asked to be ready with two models
HYPERPARAMETERS: dict[str, Any] = {"base_width": 96, "max_width": 512}
SPACE = SampleSpace(ImageSpec(height=28, width=28, channels=1), latent_dim=168, num_classes=0)


def publish_models(root: Path, names: tuple[str, ...] = (NAME, SECOND_NAME)) -> None:
    """Publish a generator with seeded random weights under each name.

    Args:
        root: A folder, as the repository of a service.
        names: Of the models; each gets weights of its own.
    """
    repository = ModelRepository(str(root))
    for seed, name in enumerate(names):
        publish_version(repository, name, seed)


def describe_model(repository: str, reference_name: str, version: int) -> str:
    """Return one line about a published generator: its layers in numbers."""
    manifest = ModelRepository(repository).read_manifest(reference_name, version)
    image = manifest.image
    size = f"{image.height}x{image.width}x{image.channels}"
    kind = f"{manifest.num_classes} classes" if manifest.num_classes else "unconditional"
    return (
        f"`{manifest.architecture}`, {manifest.num_parameters / 1e6:.2f} M parameters, {manifest.latent_dim} latents "
        f"to {size}, {kind}"
    )


def publish_version(repository: ModelRepository, name: str, seed: int) -> Manifest:
    """Publish one more version, with weights of a seed."""
    architecture = find_architecture("dcgan")
    with torch.random.fork_rng():
        torch.manual_seed(seed % SEED_LIMIT)
        generator = architecture.generator(architecture.parse(HYPERPARAMETERS), SPACE)
    training = TrainingInfo(
        recipe={},
        dataset=DatasetInfo(name="none", sha256="0" * 64, num_images=0),
        seed=seed,
        steps=0,
        images_seen=0,
        wall_seconds=0.0,
        device="cpu",
        precision="float32",
        versions={},
    )
    draft = Manifest(
        name=name,
        architecture="dcgan",
        hyperparameters=HYPERPARAMETERS,
        parts=["generator"],
        image=SPACE.image,
        latent_dim=SPACE.latent_dim,
        num_parameters=sum(parameter.numel() for parameter in generator.parameters()),
        created=utc_now(),
        training=training,
    )
    files = {WEIGHTS_FILE: dump_weights({"generator": generator}), CARD_FILE: b"# A generator with random weights\n"}
    return repository.publish(draft, files)
