"""All figures of one set of images against real ones; the same for generated images and for the floor."""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import UInt8

from app.data.dataset import ImageDataset
from app.evaluation.arrays import Classes, GeneratedFeatures, Probabilities, RealFeatures
from app.evaluation.bootstrap import Interval, bootstrap_interval
from app.evaluation.classification_accuracy import classification_accuracy_score
from app.evaluation.classifier import Pixels
from app.evaluation.frechet_distance import frechet_distance, frechet_from_moments, moments
from app.evaluation.inception_score import inception_score
from app.evaluation.kernel_distance import kernel_distance
from app.evaluation.label_agreement import label_agreement
from app.evaluation.manifold import measure_manifolds
from app.evaluation.memorisation import distance_ratio, nearest_distances
from app.evaluation.modes import count_modes
from app.evaluation.protocol import CAS_BATCH
from app.evaluation.reconstruction import reconstruction_errors
from app.evaluation.reference import View
from app.generators.base import Encoder, Generator

NEIGHBOURS = 5
SPLIT_SIZE = 1000  # samples in each part of the Inception Score
MIN_PER_CLASS = 50  # fewer images of a class give no covariance worth the name

_NORMAL_QUANTILE = 1.959963984540054  # of 97.5 %
_T_QUANTILES = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}  # of 97.5 %, by number of values


@dataclasses.dataclass(frozen=True)
class Figure:
    """One figure: its value, the number of images behind it, its 95 % interval where that is known."""

    value: float
    count: int
    interval: Interval | None = None


@dataclasses.dataclass
class Figures:
    """Figures by family, and those of each class by family and class number."""

    overall: dict[str, Figure] = dataclasses.field(default_factory=dict)
    per_class: dict[str, dict[int, float]] = dataclasses.field(default_factory=dict)

    def add(self, others: "Figures") -> None:
        """Take up other figures."""
        self.overall |= others.overall
        self.per_class |= others.per_class


def measure_distances(
    real: RealFeatures,
    features: GeneratedFeatures,
    *,
    classes: Classes | None = None,
    num_subsets: int = 100,
    with_intervals: bool = True,
) -> dict[str, Figure]:
    """Measure Frechet and kernel distance; the interval is for other samples against the same real images.

    Args:
        real: Of what the images are compared with.
        features: Of the images, from the same network.
        classes: That they were asked for; None where they were not.
        num_subsets: Of the kernel distance.
        with_intervals: Whether to spend the time on intervals.
    """
    kernel = kernel_distance(real, features, num_subsets=num_subsets)
    return {
        "fid": measure_frechet(real, features, classes=classes, with_interval=with_intervals),
        "kid": Figure(kernel.value, len(features)),
    }


def measure_frechet(
    real: RealFeatures, features: GeneratedFeatures, *, classes: Classes | None = None, with_interval: bool = True
) -> Figure:
    """Measure the Frechet distance alone; otherwise as ``measure_distances``."""
    count, reference = len(features), moments(real)
    distance = frechet_from_moments(reference, moments(features))
    interval = None
    if with_interval:
        interval = bootstrap_interval(
            lambda rows: frechet_from_moments(reference, moments(features[rows])),
            count,
            value=distance,
            strata=classes,
            bounds=(0.0, math.inf),
        )
    return Figure(distance, count, interval)


def measure_neighbours(real: View, view: View) -> dict[str, Figure]:
    """Measure precision, recall, density and coverage on as many real images as there are others."""
    count = len(view.images)
    chosen = real.take(count)
    found = measure_manifolds(chosen.look.features, view.look.features, neighbours=NEIGHBOURS)
    return {
        "precision": _share(found.precision, count, of=count),
        "recall": _share(found.recall, count, of=len(chosen.images)),
        "density": Figure(found.density, count),
        "coverage": _share(found.coverage, count, of=len(chosen.images)),
    }


def measure_agreement(view: View, num_classes: int) -> Figures:
    """Measure whether the images are of the classes that they were asked for."""
    found = label_agreement(view.look.classes, view.labels, num_classes)
    count, worst_count = len(view.images), int(np.count_nonzero(view.labels == found.worst_class))
    overall = {
        "label_agreement": _share(found.mean, count, of=count),
        "label_agreement_worst": _share(found.worst, count, of=worst_count),
    }
    return Figures(overall, {"label_agreement": found.per_class})


def score_clarity(probabilities: Probabilities) -> Figure:
    """Measure the Inception Score, in parts of 1,000."""
    count = len(probabilities)
    return Figure(inception_score(probabilities, splits=max(1, count // SPLIT_SIZE)).value, count)


def measure_each_class(real: View, view: View, num_classes: int) -> Figures:
    """Measure the Frechet distance within each class; nothing where a class has too few images for that."""
    rows = [(real.labels == number, view.labels == number) for number in range(num_classes)]
    if min(int(chosen.sum()) for pair in rows for chosen in pair) < MIN_PER_CLASS:
        return Figures()
    distances = {
        number: frechet_distance(real.look.features[reals], view.look.features[others])
        for number, (reals, others) in enumerate(rows)
    }
    count, values = len(view.images), list(distances.values())
    overall = {
        "fid_per_class_mean": Figure(float(np.mean(values)), count),
        "fid_per_class_worst": Figure(max(values), count),
    }
    return Figures(overall, {"fid": distances})


def measure_modes(modes: Classes, num_modes: int) -> dict[str, Figure]:
    """Count the modes that samples fall on, and how unevenly they do."""
    found, count = count_modes(modes, num_modes), len(modes)
    interval = bootstrap_interval(
        lambda rows: count_modes(modes[rows], num_modes).reverse_kl,
        count,
        value=found.reverse_kl,
        bounds=(0.0, math.log(num_modes)),
    )
    return {"modes": Figure(float(found.covered), count), "reverse_kl": Figure(found.reverse_kl, count, interval)}


def score_classifiers(
    images: Pixels, labels: Classes, real: ImageDataset, *, seeds: int, device: torch.device
) -> Iterator[float]:
    """Yield the Classification Accuracy Score of one classifier after the other; each image is seen once by each."""
    for seed in range(seeds):
        yield classification_accuracy_score(
            images, labels, real, steps=len(images) // CAS_BATCH, batch_size=CAS_BATCH, seed=seed, device=device
        )


def summarise_scores(scores: list[float], count: int) -> Figure:
    """Average the scores of several classifiers; the interval is for other classifiers on the same images."""
    value = float(np.mean(scores))
    if len(scores) < 2:  # noqa: PLR2004 - one value has no spread
        return Figure(value, count)
    width = _T_QUANTILES[len(scores)] * float(np.std(scores, ddof=1)) / math.sqrt(len(scores))
    return Figure(value, count, (max(0.0, value - width), min(1.0, value + width)))


def measure_copying(
    images: Pixels, train: UInt8[np.ndarray, "train height width channels"], typical_distance: float
) -> Figure:
    """Compare the images' distances to the training images with that of new real ones."""
    distances, typical = nearest_distances(images, train), np.array([typical_distance])
    value = distance_ratio(distances, typical)
    interval = bootstrap_interval(
        lambda rows: distance_ratio(distances[rows], typical), len(images), value=value, bounds=(0.0, math.inf)
    )
    return Figure(value, len(images), interval)


def measure_reconstruction(encoder: Encoder, generator: Generator, real: View) -> Figure:
    """Average how far real images are from what encoder and generator make of them."""
    errors = reconstruction_errors(encoder, generator, real.images, real.labels)
    count, value = len(errors), float(errors.mean())
    reach = _NORMAL_QUANTILE * float(errors.std()) / math.sqrt(count)
    return Figure(value, count, (max(0.0, value - reach), value + reach))


def wilson_interval(share: float, count: int) -> Interval:
    """Return the 95 % interval of a share among ``count`` independent cases.

    Source:
        Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    z = _NORMAL_QUANTILE
    centre = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return (max(0.0, centre - reach), min(1.0, centre + reach))


def _share(share: float, count: int, *, of: int) -> Figure:
    return Figure(share, count, wilson_interval(share, of))
