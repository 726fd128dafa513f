"""Whether a generator copies its training images: how near its samples are to them, compared with new real images.

Distances are taken between pixels. A copy is then at distance 0 whatever any network thinks of it, and train and test
are treated alike; features of a judge that was trained on the same images are neither: it pulls each class together,
and training images further than test images. The price is that a shifted or mirrored copy is not noticed.
"""

import numpy as np
from jaxtyping import Float64, UInt8

_ROWS = 2048  # of either side in one block: 16 MiB of products

Distances = Float64[np.ndarray, " n"]


def memorisation_ratio(
    generated: UInt8[np.ndarray, "generated height width channels"],
    train: UInt8[np.ndarray, "train height width channels"],
    test: UInt8[np.ndarray, "test height width channels"],
) -> float:
    """Divide the median distance of samples to the training images by that of new real images.

    Costs products of (generated + test) x train images.

    Args:
        generated: Samples.
        train: The images that the generator was trained on.
        test: Real images that it was not trained on.

    Returns:
        At least 0; 1 on average for an ideal sampler, well below 1 for one that copies. Images that are smoother than
        real ones also come out somewhat below 1, and bad ones above: look at the nearest pairs before judging.

    Raises:
        ValueError: If a set is empty, or half of the test images are in the training set.

    Source:
        The distance ratio of nearest-neighbour tests for overfitting: Meehan et al. 2020, "A non-parametric test to
        detect data-copying in generative models", reduced to a ratio of medians.
    """
    return distance_ratio(nearest_distances(generated, train), nearest_distances(test, train))


def distance_ratio(
    generated: Float64[np.ndarray, " generated"],
    test: Float64[np.ndarray, " test"],
) -> float:
    """Divide medians of distances; apart, so that an interval need not measure distances again.

    Raises:
        ValueError: If there are no distances, or the median of ``test`` is 0.
    """
    if len(generated) == 0 or len(test) == 0:
        raise ValueError(f"{len(generated)} generated and {len(test)} test distances: both need at least 1")
    typical = float(np.median(test))
    if typical == 0.0:
        raise ValueError("half of the test images are in the training set: they cannot tell what a new image is like")
    return float(np.median(generated)) / typical


def nearest_distances(
    images: UInt8[np.ndarray, "n height width channels"],
    references: UInt8[np.ndarray, "references height width channels"],
) -> Distances:
    """Measure each image's distance to its nearest reference.

    The nearest is found with float32 products, and its distance computed from the pixels in float64. So a copy is at
    exactly 0, and a distance that is not the smallest exceeds it by no more than rounding confuses: about 1e-6 of the
    images' squared lengths, on the square.

    Returns:
        Euclidean distances, in grey levels.

    Raises:
        ValueError: If there are no images, or no references.
    """
    if len(images) == 0 or len(references) == 0:
        raise ValueError(f"{len(images)} images and {len(references)} references: there is no distance between them")
    flat = images.reshape(len(images), -1)
    flat_references = references.reshape(len(references), -1)
    nearest = _find_nearest(flat, flat_references)
    distances = np.empty(len(flat))
    for start in range(0, len(flat), _ROWS):
        part = slice(start, start + _ROWS)
        difference = flat[part].astype(np.float64) - flat_references[nearest[part]]
        distances[part] = np.sqrt(np.einsum("nd,nd->n", difference, difference))
    return distances


def _find_nearest(images: np.ndarray, references: np.ndarray) -> np.ndarray:
    """Return the row of the nearest reference, by ``|y|^2 - 2 xy``: an image's own length does not change the order."""
    nearest = np.zeros(len(images), dtype=np.int64)
    smallest = np.full(len(images), np.inf, dtype=np.float32)
    for first in range(0, len(references), _ROWS):
        candidates = references[first : first + _ROWS].astype(np.float32)
        norms = np.einsum("nd,nd->n", candidates, candidates)
        candidates *= -2.0
        for start in range(0, len(images), _ROWS):
            part = slice(start, start + _ROWS)
            block = images[part].astype(np.float32) @ candidates.T
            block += norms
            column = block.argmin(axis=1)
            value = block[np.arange(len(block)), column]
            is_nearer = value < smallest[part]
            smallest[part][is_nearer] = value[is_nearer]
            nearest[part][is_nearer] = column[is_nearer] + first
    return nearest
