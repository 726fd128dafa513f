"""The judge: a classifier of the real images, whose eyes every figure is seen through.

Figures depend on who looks, so a judge has an identity, the digest of its weights, and is kept: figures of two models
can be compared only when the same judge looked at both.
"""

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import safetensors
import safetensors.torch
import torch
from jaxtyping import Int64
from torch import Tensor

from app.core.errors import ConfigurationError
from app.data.dataset import ImageDataset
from app.evaluation.arrays import Classes, Features, Probabilities
from app.evaluation.classifier import (
    NUM_TURNS,
    PREDICTION_BATCH,
    Classifier,
    ClassifierRecipe,
    ClassIndices,
    Pixels,
    Progress,
    measure_accuracy,
    to_images,
    train_classifier,
)
from app.generators.base import put_channels_last

SCHEMA = "fount-judge/1"
HELD_OUT = 10  # one image of so many is kept for measuring where there is no test split


def default_cache() -> Path:
    """Return the folder where judges are kept unless told otherwise."""
    return Path("~/.cache/fount/judges").expanduser()


class Look(NamedTuple):
    """What a judge sees in images: features, and probabilities of its classes."""

    features: Features
    probabilities: Probabilities

    @property
    def classes(self) -> Classes:
        """The most probable class of each image."""
        classes: Classes = self.probabilities.argmax(axis=1)
        return classes


@dataclasses.dataclass(frozen=True, eq=False)
class Judge:
    """A trained classifier of real images.

    Attributes:
        network: The classifier, in evaluation mode.
        class_names: In the order of its outputs; empty when it was trained without labels, on turned images.
        accuracy: On real images that it was not trained on, in [0, 1].
        sha256: Digest of its weights.
        description: What it is, in words.
        folder: Where it is kept, with what it has measured of real images.
    """

    network: Classifier
    class_names: list[str]
    accuracy: float
    sha256: str
    description: str
    folder: Path

    def look(self, images: Pixels) -> Look:
        """Look at images once; in float32, the figures are taken in float64."""
        device = next(self.network.parameters()).device
        features, probabilities = [], []
        with torch.inference_mode():
            for start in range(0, len(images), PREDICTION_BATCH):
                batch = to_images(torch.from_numpy(images[start : start + PREDICTION_BATCH]).to(device))
                seen = self.network.features(batch)
                features.append(seen.double().cpu())
                probabilities.append(self.network.classify(seen).double().softmax(dim=1).cpu())
        return Look(torch.cat(features).numpy(), torch.cat(probabilities).numpy())

    def features(self, images: Pixels) -> Features:
        """Return 128 numbers per image."""
        return self.look(images).features

    def probabilities(self, images: Pixels) -> Probabilities:
        """Return the probability of each class per image; rows sum to one."""
        return self.look(images).probabilities

    def predict(self, images: Pixels) -> Classes:
        """Return the most probable class of each image."""
        return self.look(images).classes


def open_judge(
    train: ImageDataset,
    test: ImageDataset | None,
    *,
    cache: Path,
    recipe: ClassifierRecipe | None = None,
    device: torch.device | None = None,
    on_progress: Progress | None = None,
) -> Judge:
    """Return the judge of a data set; it is trained once, then read from the cache.

    Args:
        train: Real images to learn from; without classes it learns to tell how they are turned.
        test: Images to measure it on; without them, every tenth of ``train`` is kept back for that.
        cache: Folder of judges; created where it does not exist.
        recipe: How to train it; by default as long as its images need.
        device: Where it computes.
        on_progress: Called while it is trained, with steps done and steps in all.

    Raises:
        ConfigurationError: If the cache cannot be written.
    """
    recipe = recipe or ClassifierRecipe.for_judge(train.images.shape[3])
    device = device or torch.device("cpu")
    path = cache / f"{train.sha256[:16]}-{recipe.tag}{'' if test else '-held'}.safetensors"
    seen, kept, kept_labels = _split(train, test)
    measured_on = test.sha256 if test else "held"
    found = _read_network(path, train, device)
    if found is None:
        _create_folder(cache)
        labels = train.labels[seen] if train.class_names else None
        network = train_classifier(
            train.images[seen], labels, len(train.class_names), recipe, device=device, on_progress=on_progress
        )
        accuracy = measure_accuracy(network, kept, kept_labels)
        _write_network(path, network, {"accuracy": repr(accuracy), "measured_on": measured_on})
    else:
        network, facts = found
        is_known = facts.get("measured_on") == measured_on
        accuracy = float(facts["accuracy"]) if is_known else measure_accuracy(network, kept, kept_labels)
    return _create_judge(network, train, accuracy, cache, held_out=test is None)


def _split(
    train: ImageDataset, test: ImageDataset | None
) -> tuple[slice | Int64[np.ndarray, " seen"], Pixels, ClassIndices | None]:
    """Return the rows of ``train`` to learn from, and the images and labels to measure on."""
    if test is not None:
        return slice(None), test.images, test.labels if train.class_names else None
    # in the order of files, neighbours may be of one class, or frames of one film
    shuffled = np.random.default_rng(0).permutation(train.num_images)
    kept, seen = shuffled[::HELD_OUT], np.delete(shuffled, np.s_[::HELD_OUT])
    return seen, train.images[kept], train.labels[kept] if train.class_names else None


def _create_judge(network: Classifier, train: ImageDataset, accuracy: float, folder: Path, *, held_out: bool) -> Judge:
    what = f"{len(train.class_names)} classes" if train.class_names else "how images are turned (no labels)"
    where = "a held-out tenth" if held_out else "the test split"
    return Judge(
        network=network,
        class_names=train.class_names,
        accuracy=accuracy,
        sha256=hashlib.sha256(safetensors.torch.save(_weights(network))).hexdigest(),
        description=f"CNN trained by Fount on {train.name[:60]}: {what}, accuracy {accuracy:.2%} on {where}",
        folder=folder,
    )


def _weights(network: Classifier) -> dict[str, Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}


def _read_network(path: Path, train: ImageDataset, device: torch.device) -> tuple[Classifier, Mapping[str, str]] | None:
    """Read a judge that was kept; None when there is none, or when the file is torn."""
    if not path.is_file():
        return None
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            facts = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        _, height, width, channels = train.images.shape
        network = Classifier(height, width, channels, len(train.class_names) or NUM_TURNS)
        network.load_state_dict(tensors)
        float(facts["accuracy"])
    except (safetensors.SafetensorError, OSError, RuntimeError, KeyError, ValueError):
        return None
    return put_channels_last(network.to(device)).requires_grad_(requires_grad=False).eval(), facts


def _write_network(path: Path, network: Classifier, facts: Mapping[str, str]) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    aside.write_bytes(safetensors.torch.save(_weights(network), {"schema": SCHEMA, **facts}))
    aside.replace(path)


def _create_folder(cache: Path) -> None:
    """Make the folder before a minute is spent on what would be put there.

    Raises:
        ConfigurationError: If it cannot be made.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"the folder of judges cannot be created: {error.strerror}") from error
    if not os.access(cache, os.W_OK):
        raise ConfigurationError("the folder of judges cannot be written")
