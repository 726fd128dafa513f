"""How much images differ from each other: cheap enough for every snapshot, since it compares pixels of a few hundred.

Pixels see a generator that repeats itself. They do not see that it leaves out classes that look like others, or that it
makes noise: coverage and label agreement of an evaluation do.
"""

import dataclasses

import numpy as np
import torch
from numpy.typing import NDArray

from app.data.dataset import ImageDataset
from app.training.randomness import create_generator

MIN_PER_CLASS = 5
"""Images of a class that make its mean distance worth something: ten pairs."""


@dataclasses.dataclass(frozen=True)
class Spread:
    """Distances between images: root mean square over pixels, in levels from 0 to 255."""

    overall: float
    """Mean over all pairs."""
    by_class: dict[int, float]
    """Mean over all pairs within each class that has at least ``MIN_PER_CLASS`` images here."""
    nearest: NDArray[np.float64]
    """Of each image, to the one that is most like it; shape (n,)."""


def measure_spread(images: NDArray[np.uint8], labels: NDArray[np.int64] | None) -> Spread:
    """Compare every image with every other one.

    Takes memory of eight bytes per pixel and per pair.

    Args:
        images: Pixels, shape (n, height, width, channels), n at least 2.
        labels: Their classes, shape (n,); None to leave classes out.
    """
    distances = _measure_distances(images)
    overall = _mean_of_pairs(distances)
    by_class = {}
    for label in () if labels is None else np.unique(labels).tolist():
        own = np.flatnonzero(labels == label)
        if len(own) >= MIN_PER_CLASS:
            by_class[label] = _mean_of_pairs(distances[np.ix_(own, own)])
    np.fill_diagonal(distances, np.inf)
    return Spread(overall, by_class, distances.min(axis=1))


def draw_counterparts(
    dataset: ImageDataset, labels: NDArray[np.int64] | None, *, num_images: int, seed: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Draw real images to compare generated ones with: as many, and as many of each class; none twice.

    Args:
        dataset: Where to draw from.
        labels: Classes of the generated images; None when the generator is unconditional.
        num_images: How many were generated; a class, or a set, with fewer gives all it has.
        seed: Of the run.

    Returns:
        Images and their labels, in the order of classes; None for the labels where none were given.
    """
    order = torch.randperm(dataset.num_images, generator=create_generator(seed, "counterparts", 0)).numpy()
    if labels is None:
        return dataset.images[order[:num_images]], None
    shuffled = dataset.labels[order]
    wanted = np.unique(labels, return_counts=True)
    rows = [order[shuffled == label][:count] for label, count in zip(*wanted, strict=True)]
    chosen = np.concatenate(rows)
    return dataset.images[chosen], dataset.labels[chosen]


def _measure_distances(images: NDArray[np.uint8]) -> NDArray[np.float64]:
    pixels = images.reshape(len(images), -1).astype(np.float64)
    squares = np.square(pixels).sum(axis=1)
    # Whole numbers below 2**53: equal images are at a distance of exactly zero.
    squared = squares[:, None] + squares[None, :] - 2 * (pixels @ pixels.T)
    distances: NDArray[np.float64] = np.sqrt(squared / pixels.shape[1])
    return distances


def _mean_of_pairs(distances: NDArray[np.float64]) -> float:
    count = len(distances)
    return float(distances.sum() / (count * (count - 1)))
