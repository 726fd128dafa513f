"""A training set in memory and its identity; knows nothing of the files it came from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.errors import DatasetError

MIN_IMAGES = 2
MAX_CLASSES = 100_000
MAX_CLASS_NAME = 100


@dataclass(frozen=True, eq=False)
class ImageDataset:
    """Images and their classes, ready for training.

    Attributes:
        name: Short name for records: never a path.
        images: Pixels (N, H, W, C), C-contiguous; C is 1 (grey) or 3 (RGB).
        labels: Index into ``class_names`` per image; all zeros when there are no classes.
        class_names: Distinct names in label order; empty when the images are unlabelled.
        sha256: Digest of shape, class names, labels and pixels: the same for the same content in any container.
        num_skipped: Broken images that were left out.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    class_names: list[str]
    sha256: str
    num_skipped: int = 0

    @property
    def num_images(self) -> int:
        """Number of images."""
        return len(self.images)

    @property
    def class_counts(self) -> dict[str, int]:
        """Images per class name, in label order; empty when unlabelled."""
        counts = np.bincount(self.labels, minlength=len(self.class_names))
        return dict(zip(self.class_names, counts.tolist(), strict=False))


def build_dataset(
    name: str,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64] | None,
    class_names: Sequence[str],
    *,
    num_skipped: int = 0,
) -> ImageDataset:
    """Check the parts of a training set, and join them under their digest.

    One class alone tells a generator nothing, so it counts as none.

    Args:
        name: Short name for records.
        images: Pixels (N, H, W, C).
        labels: Class index per image; None when unlabelled.
        class_names: Names in label order.
        num_skipped: Broken images that were left out.

    Raises:
        DatasetError: If there are fewer than two images, or a class name cannot be published.
    """
    if len(images) < MIN_IMAGES:
        raise DatasetError(f"training needs at least {MIN_IMAGES} images, and here are {len(images)}")
    check_class_names(class_names)
    names = list(class_names) if labels is not None and len(class_names) > 1 else []
    indices = labels if labels is not None and names else np.zeros(len(images), np.int64)
    pixels = np.ascontiguousarray(images)
    return ImageDataset(
        name=name[:200] or "images",
        images=pixels,
        labels=np.ascontiguousarray(indices, np.int64),
        class_names=names,
        sha256=_compute_sha256(pixels, indices, names),
        num_skipped=num_skipped,
    )


def check_class_names(class_names: Sequence[str]) -> None:
    """Refuse names that a manifest could not hold, before hours of training are spent on them.

    Raises:
        DatasetError: If a name is empty, too long, doubled or not printable text, or if there are too many.
    """
    if len(class_names) > MAX_CLASSES:
        raise DatasetError(f"there are {len(class_names)} classes; the most is {MAX_CLASSES}", limit=MAX_CLASSES)
    if len(set(class_names)) != len(class_names):
        raise DatasetError("two classes have the same name")
    for name in class_names:
        if not 1 <= len(name) <= MAX_CLASS_NAME or not name.isprintable():
            raise DatasetError(
                f"the class name {printable(name)!r} must be 1 to {MAX_CLASS_NAME} printable characters",
                limit=MAX_CLASS_NAME,
            )


def printable(text: str) -> str:
    """Return text that any terminal can take, also for a file name that is not valid Unicode."""
    return text.encode("utf-8", "backslashreplace").decode()


def _compute_sha256(images: NDArray[np.uint8], labels: NDArray[np.int64], class_names: list[str]) -> str:
    head = {"schema": "fount-dataset/1", "shape": list(images.shape), "class_names": class_names}
    state = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
    state.update(labels.astype("<i8").tobytes())
    state.update(images.data)
    return state.hexdigest()
