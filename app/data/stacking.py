"""Stacked images: three grey ones as the channels of one RGB image, so that ten classes become a thousand modes."""

import hashlib
import itertools

import numpy as np
from numpy.typing import NDArray

from app.core.errors import DatasetError
from app.data.dataset import MAX_CLASSES, ImageDataset, build_dataset
from app.data.options import require_memory

CHANNELS = 3


def stack_dataset(dataset: ImageDataset, *, num_images: int, seed: int = 0) -> ImageDataset:
    """Draw three images for each new one, uniformly and independently, and join them as red, green and blue.

    The class of a new image tells all three: with the classes ``0`` to ``9`` it is ``000`` to ``999``, red first. Names
    of more than one character are joined by hyphens. Classes that are never drawn are listed too.

    Args:
        dataset: Grey and labelled; at most 46 classes.
        num_images: How many to make, at least 2.
        seed: Which images meet follows from it and from the digest of ``dataset``.

    Raises:
        DatasetError: If the images are coloured or unlabelled, there are too many classes, joined names are too long,
            or the result does not fit into memory.

    Source:
        Metz et al. 2017, "Unrolled generative adversarial networks", section 3.3.1 (stacked MNIST).
    """
    _, height, width, channels = dataset.images.shape
    num_classes = len(dataset.class_names)
    if channels != 1 or num_classes == 0:
        raise DatasetError("only grey images with classes can be stacked")
    if num_classes**CHANNELS > MAX_CLASSES:
        raise DatasetError(
            f"{num_classes} classes stacked are {num_classes**CHANNELS:,}; the most is {MAX_CLASSES:,}",
            limit=MAX_CLASSES,
        )
    require_memory(num_images * height * width * CHANNELS)
    rows = _draw_rows(dataset, num_images, seed)
    images = np.empty((num_images, height, width, CHANNELS), np.uint8)
    for channel in range(CHANNELS):
        images[..., channel] = dataset.images[rows[:, channel], :, :, 0]
    labels = dataset.labels[rows] @ num_classes ** np.arange(CHANNELS)[::-1]
    return build_dataset(f"stacked-{dataset.name}", images, labels, _join_names(dataset.class_names))


def _draw_rows(dataset: ImageDataset, num_images: int, seed: int) -> NDArray[np.int64]:
    """Return three rows for each image; the raw words of Philox are the same in every release of NumPy."""
    key = hashlib.sha256(f"fount-stack/1/{dataset.sha256}/{seed}".encode()).digest()
    source = np.random.Philox(key=int.from_bytes(key[:16], "little"))
    words = source.random_raw((num_images, CHANNELS)) >> np.uint64(32)
    return ((words * np.uint64(dataset.num_images)) >> np.uint64(32)).astype(np.int64)


def _join_names(class_names: list[str]) -> list[str]:
    separator = "" if all(len(name) == 1 for name in class_names) else "-"
    return [separator.join(names) for names in itertools.product(class_names, repeat=CHANNELS)]
