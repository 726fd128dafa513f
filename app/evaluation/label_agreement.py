"""Whether images are of the class that was asked for, as a judge sees it."""

from dataclasses import dataclass

import numpy as np

from app.evaluation.arrays import Classes, require_classes


@dataclass(frozen=True)
class Agreement:
    """Shares of images whose judged class is the one asked for, in [0, 1]; higher is better.

    Attributes:
        mean: Mean over the classes that were asked for: each counts the same, whatever its number of images.
        worst: Share of the worst of these classes; exposes a class that collapsed.
        worst_class: Its number; the lowest, where several are equal.
        per_class: Share by class number, for the classes that were asked for.
    """

    mean: float
    worst: float
    worst_class: int
    per_class: dict[int, float]


def label_agreement(predicted: Classes, asked: Classes, num_classes: int) -> Agreement:
    """Compare the judged classes of generated images with the classes asked for.

    An ideal sampler reaches the judge's accuracy on real images, not 1.

    Args:
        predicted: Judged class of each image, in [0, num_classes).
        asked: Class that was asked for, in [0, num_classes).
        num_classes: Number of classes.

    Raises:
        ValueError: If there are no images, or a class does not exist.

    Source:
        Shmelkov et al. 2018, "How good is my GAN?", where it is called GAN-test: a classifier of real images is tested
        on generated ones. The figure per class is here for the collapse that a mean hides.
    """
    require_classes("predicted", predicted, num_classes)
    require_classes("asked", asked, num_classes)
    counts = np.bincount(asked, minlength=num_classes)
    hits = np.bincount(asked[predicted == asked], minlength=num_classes)
    per_class = {int(number): float(hits[number] / counts[number]) for number in np.flatnonzero(counts)}
    worst_class = min(per_class, key=lambda number: per_class[number])
    return Agreement(
        mean=float(np.mean(list(per_class.values()))),
        worst=per_class[worst_class],
        worst_class=worst_class,
        per_class=per_class,
    )
