"""Which class each of a number of samples is asked for, and which rows of real images have such classes."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from app.core.apportionment import apportion
from app.evaluation.arrays import Classes


def order_classes(num_samples: int, shares: Sequence[int]) -> Classes:
    """Return the class of each sample, every class spread evenly over all of them.

    With equal shares they come in turn: 0, 1, 2, 0, 1, 2.

    Args:
        num_samples: How many samples.
        shares: Of each class, at least 0; only their proportions count.
    """
    counts = np.array(apportion(num_samples, shares))
    classes = np.repeat(np.arange(len(counts)), counts)
    ranks = np.arange(num_samples) - np.repeat(np.cumsum(counts) - counts, counts)
    places = (ranks + 0.5) / counts[classes]
    order: Classes = classes[np.lexsort((classes, places))]
    return order


def take_classes(labels: Classes, counts: Sequence[int]) -> Int64[np.ndarray, " rows"]:
    """Return the first rows of each class, in the order in which they stand.

    Args:
        labels: Class of each row.
        counts: How many rows of each class; where there are fewer, all of them are taken.
    """
    rows = [np.flatnonzero(labels == number)[:count] for number, count in enumerate(counts)]
    taken: np.ndarray = np.sort(np.concatenate(rows))
    return taken
