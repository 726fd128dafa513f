"""Looking at images through the published Inception network, with weights that the user provides."""

import dataclasses
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

import safetensors
import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor, nn

from app.core.errors import ConfigurationError
from app.data.dataset import ImageDataset
from app.evaluation.arrays import Features
from app.evaluation.classifier import Pixels, Progress
from app.evaluation.inception_network import InceptionV3, PixelBatch
from app.evaluation.judge import Look

BATCH = 32  # about half a gigabyte of maps

_ADVICE = "docs/evaluation.md says how to make the file"
_COUNTER = "num_batches_tracked"  # of batch norm: some files have it, and nothing depends on it
_NUM_NAMES = 3  # of wrong tensors that an error lists, per kind


@runtime_checkable
class FeatureNetwork(Protocol):
    """What is needed of a network that looks at images."""

    def features(self, pixels: PixelBatch) -> Float[Tensor, "batch features"]:
        """Return the same number of features for images of any size."""

    def classify(self, features: Float[Tensor, "batch features"]) -> Float[Tensor, "batch classes"]:
        """Return one logit per class."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """Return the weights, which are where it computes."""


@dataclasses.dataclass(frozen=True, eq=False)
class Inception:
    """The network with its weights.

    Attributes:
        network: In evaluation mode.
        sha256: Digest of the file of its weights.
    """

    network: FeatureNetwork
    sha256: str

    def look(self, images: Pixels, *, on_progress: Progress | None = None) -> Look:
        """Look at images once, in float32; on one core of a CPU, ten of them take about a second.

        Args:
            images: Grey or RGB, of any size.
            on_progress: Called with images done and images in all.
        """
        device = next(self.network.parameters()).device
        features, probabilities = [], []
        for start in range(0, len(images), BATCH):
            batch = torch.from_numpy(images[start : start + BATCH]).to(device)
            with torch.inference_mode():
                seen = self.network.features(batch)
                features.append(seen.double().cpu())
                probabilities.append(self.network.classify(seen).double().softmax(dim=1).cpu())
            if on_progress:
                on_progress(min(start + BATCH, len(images)), len(images))
        return Look(torch.cat(features).numpy(), torch.cat(probabilities).numpy())


def open_inception(path: Path, *, device: torch.device | None = None) -> Inception:
    """Read the weights of the Inception network.

    Args:
        path: A safetensors file with the tensors of ``pt_inception-2015-12-05-6726825d.pth`` under their names.
        device: Where it shall compute; by default the CPU.

    Raises:
        ConfigurationError: If there is no such file, or it holds other tensors.
    """
    with torch.device("meta"):
        network = InceptionV3()
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        tensors = _read_tensors(path, network.state_dict())
    except OSError as error:
        raise ConfigurationError(f"the Inception weights cannot be read: {error.strerror or 'not a file'}") from error
    except safetensors.SafetensorError as error:
        raise ConfigurationError(f"the Inception weights are not a safetensors file; {_ADVICE}") from error
    network.load_state_dict(tensors, assign=True)
    return Inception(network.to(device or "cpu").requires_grad_(requires_grad=False).eval(), sha256)


def open_features(
    inception: Inception, dataset: ImageDataset, folder: Path, *, on_progress: Progress | None = None
) -> Features:
    """Return the features of all real images; from the folder, where they were taken before.

    Args:
        inception: Who looks.
        dataset: The images, 8 KiB of features each.
        folder: Where features are kept.
        on_progress: Called with images done and images in all, while looking.
    """
    path = folder / f"{dataset.sha256[:16]}-inception-{inception.sha256[:16]}.features.safetensors"
    features = _read_features(path, dataset.num_images)
    if features is None:
        features = inception.look(dataset.images, on_progress=on_progress).features
        aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        aside.write_bytes(safetensors.torch.save({"features": torch.from_numpy(features).float()}))
        aside.replace(path)
    return features


def _read_tensors(path: Path, expected: Mapping[str, Tensor]) -> dict[str, Tensor]:
    with safetensors.safe_open(path, framework="pt") as file:
        names = {name for name in file.keys() if not name.endswith(_COUNTER)}  # noqa: SIM118 - not a mapping
        shapes = {name: (file.get_slice(name).get_dtype(), file.get_slice(name).get_shape()) for name in names}
        _check_shapes(shapes, expected)
        tensors = {name: file.get_tensor(name) for name in names}
    counters = {name: torch.zeros((), dtype=torch.int64) for name in expected if name.endswith(_COUNTER)}
    return tensors | counters


def _check_shapes(given: Mapping[str, tuple[str, list[int]]], expected: Mapping[str, Tensor]) -> None:
    """Compare names, types and shapes before 90 MiB are read.

    Raises:
        ConfigurationError: If they differ; lists some of the names.
    """
    needed = {name: ("F32", list(tensor.shape)) for name, tensor in expected.items() if not name.endswith(_COUNTER)}
    wrong = {
        "missing": sorted(needed.keys() - given.keys()),
        "unknown": sorted(given.keys() - needed.keys()),
        "of another shape or type": sorted(
            name for name in needed.keys() & given.keys() if needed[name] != given[name]
        ),
    }
    if any(wrong.values()):
        counts = ", ".join(f"{len(names)} {kind}" for kind, names in wrong.items())
        some = {kind.replace(" ", "_"): names[:_NUM_NAMES] for kind, names in wrong.items() if names}
        raise ConfigurationError(
            f"the tensors in the file are not those of FID's Inception network: {counts}; {_ADVICE}", **some
        )


def _read_features(path: Path, num_images: int) -> Features | None:
    """Read features that were kept; None when there are none, or when the file is torn."""
    if not path.is_file():
        return None
    try:
        features: Features = safetensors.torch.load_file(path)["features"].double().numpy()
    except (safetensors.SafetensorError, OSError, KeyError):
        return None
    return features if len(features) == num_images else None
