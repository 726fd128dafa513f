"""A dataset of one's own, topped up by samples of a service until its classes are of one size."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from app.client.client import Client
from app.client.marking import to_pil
from app.client.order import find_class
from app.client.resolving import Version, resolve

_WHITE = 255.0


class RealDataset(Protocol):
    """Images and labels by number, as datasets of torch and torchvision are."""

    def __len__(self) -> int: ...
    def __getitem__(self, number: int, /) -> Any: ...


class Balanced(Dataset[tuple[Any, int, bool]]):
    """Yields (image, label, is_synthetic): first the real images, then what each class lacks, made by a model.

    A dataset by number, so that a loader may shuffle. What is missing is asked for once, and held as bytes.

    Args:
        real: Gives (image, label) by number.
        url: Address of the service.
        model: ``name``, ``name@3`` or ``name@alias``.
        to: Size that every class is brought to; ``max`` is that of the largest. No image is left out for it.
        labels: Of the real images, in order; by default ``targets`` or ``labels`` of the dataset, else all are read.
        classes: The model's class of each label; by default by the names in ``real.classes`` where the model has them,
            else by number.
        transform: Applied to a generated picture of Pillow; by default that of the real dataset, and without one
            images are tensors (c, h, w) in [0, 1].
        key: Bearer key; None where the service needs none.
        seed: Of the samples.

    Attributes:
        num_real: How many images are real.
        num_synthetic: How many are made.

    Raises:
        FountError: If the service refuses, or does not answer; ``InvalidRequestError`` where the model lacks a class.
    """

    def __init__(  # noqa: PLR0913 - a service, two datasets and how they go together
        self,
        real: RealDataset,
        url: str,
        model: str,
        *,
        to: int | str = "max",
        labels: Sequence[int] | None = None,
        classes: Mapping[int, str | int] | None = None,
        transform: Callable[[Image.Image], Any] | None = None,
        key: str | None = None,
        seed: int = 0,
    ) -> None:
        self._real = real
        self._transform = transform or _find_transform(real)
        counts = Counter(_read_labels(real) if labels is None else map(int, labels))
        size = max(counts.values(), default=0) if to == "max" else int(to)
        missing = {label: size - count for label, count in sorted(counts.items()) if count < size}
        with Client(url, key) as client:
            version = client.send(resolve(client.memory, model))
            named = _name_classes(missing, real, version, classes)
            asked = {name: missing[label] for label, name in named.items()}
            self._images = _read_images(client, version, asked, seed)
        by_name = {name: label for label, name in named.items()}
        order = sorted(asked, key=version.class_names.index)
        self._labels = [by_name[name] for name in order for _ in range(asked[name])]
        self.num_real, self.num_synthetic = len(real), len(self._labels)

    def __len__(self) -> int:
        return self.num_real + self.num_synthetic

    def __getitem__(self, number: int) -> tuple[Any, int, bool]:
        """Return an image, its label, and whether it was made."""
        if not -len(self) <= number < len(self):
            raise IndexError("there is no image of this number")
        number %= len(self)
        if number < self.num_real:
            image, label = self._real[number]
            return image, int(label), False
        picture = to_pil(self._images[number - self.num_real])
        return self._transform(picture), self._labels[number - self.num_real], True


def _read_labels(real: RealDataset) -> list[int]:
    for name in ("targets", "labels"):
        known = getattr(real, name, None)
        if known is not None and len(known) == len(real):
            return [int(label) for label in known]
    return [int(real[number][1]) for number in range(len(real))]


def _name_classes(
    labels: Mapping[int, int], real: RealDataset, version: Version, classes: Mapping[int, str | int] | None
) -> dict[int, str]:
    """Name the model's class of each label."""
    own = [str(name) for name in getattr(real, "classes", None) or ()]
    by_name = bool(own) and set(own) <= set(version.class_names)
    chosen: dict[int, str] = {}
    for label in labels:
        given = classes[label] if classes is not None else own[label] if by_name else label
        number = (
            given
            if isinstance(given, int) and given < len(version.class_names)
            else find_class(given, version.class_names)
        )
        chosen[label] = version.class_names[number]
    if len(set(chosen.values())) < len(chosen):
        raise ValueError("two labels stand for one class of the model")
    return chosen


def _read_images(client: Client, version: Version, counts: Mapping[str, int], seed: int) -> Any:
    """Ask for what is missing, class by class in the model's order; shape (n, h, w, c)."""
    images = np.empty((sum(counts.values()), *version.shape), np.uint8)
    if counts:
        for batch in client.stream(version.reference, class_counts=counts, seed=seed):
            images[batch.first_offset : batch.first_offset + len(batch)] = batch.images
    return images


def _find_transform(real: RealDataset) -> Callable[[Image.Image], Any]:
    """Return what the real dataset does to pictures; it yields them as they are where that is nothing."""
    if not hasattr(real, "transform"):
        return _to_tensor
    return real.transform or _keep


def _keep(picture: Image.Image) -> Image.Image:
    return picture


def _to_tensor(picture: Image.Image) -> torch.Tensor:
    pixels = np.asarray(picture)
    planes = pixels.reshape(*pixels.shape[:2], -1).transpose(2, 0, 1)
    return torch.from_numpy(np.array(planes)).to(torch.float32) / _WHITE
