"""What real images score in the place of generated ones; measured once per data set, judge and protocol, then kept."""

import dataclasses
import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from app.data.dataset import ImageDataset
from app.evaluation.classifier import Progress
from app.evaluation.figures import (
    Figure,
    measure_agreement,
    measure_distances,
    measure_each_class,
    measure_frechet,
    measure_neighbours,
    score_clarity,
    score_classifiers,
    summarise_scores,
)
from app.evaluation.judge import Judge
from app.evaluation.memorisation import nearest_distances
from app.evaluation.protocol import Protocol
from app.evaluation.reference import Reference, View, choose_rows, look_at

SCHEMA = "fount-floors/2"


@dataclasses.dataclass(frozen=True)
class Floors:
    """Floors, by family of figure.

    Attributes:
        overall: One value per family.
        typical_distance: Median distance of new real images to the training images, in grey levels; 0 where nobody
            measured it.
    """

    overall: dict[str, float]
    typical_distance: float = 0.0


def open_floors(
    reference: Reference,
    judge: Judge,
    real: View,
    protocol: Protocol,
    *,
    num_classes: int,
    on_progress: Progress | None = None,
) -> Floors:
    """Return the floors; from the folder of the judge, where they were measured before.

    Args:
        reference: The data.
        judge: Who looks at it.
        real: What the judge sees in the images that generated ones are compared with.
        protocol: What is measured.
        num_classes: Classes that samples are asked for; 0 for an unconditional generator.
        on_progress: Called with parts done and parts in all, while measuring.
    """
    path = judge.folder / name_floors(reference, judge.sha256, protocol, num_classes)
    return keep_floors(path, lambda: _Measurement(reference, judge, real, protocol, on_progress).run(num_classes))


def name_floors(reference: Reference, observer: str, protocol: Protocol, kind: int | str) -> str:
    """Name the file of floors by all that they depend on.

    Args:
        reference: The data.
        observer: Digest of the weights of the network that looks at it.
        protocol: What is measured.
        kind: The number of classes for the figures of a judge; a word for figures of another network.
    """
    data = [reference.train.sha256, reference.dataset.sha256]
    identity = json.dumps([SCHEMA, *data, observer, dataclasses.asdict(protocol), kind])
    key = hashlib.sha256(identity.encode()).hexdigest()
    return f"{reference.train.sha256[:16]}-{protocol.name}-{key[:16]}.floors.json"


def keep_floors(path: Path, measure: Callable[[], Floors]) -> Floors:
    """Return the floors in a file; where it has none, measure them and put them there."""
    floors = _read_floors(path)
    if floors is None:
        floors = measure()
        _write_floors(path, floors)
    return floors


class _Measurement:
    """One measurement of all floors."""

    def __init__(
        self, reference: Reference, judge: Judge, real: View, protocol: Protocol, on_progress: Progress | None
    ) -> None:
        self._reference = reference
        self._judge = judge
        self._real = real
        self._protocol = protocol
        self._on_progress = on_progress
        self._parts = 3 + protocol.cas_seeds
        self._count = min(protocol.num_samples, reference.dataset.num_images)
        stand_ins, self._against = reference.stand_ins(self._count)
        self._view = look_at(judge, stand_ins.images, stand_ins.labels)
        has_test = reference.test is not None
        self._target = real if has_test else look_at(judge, self._against.images, self._against.labels)

    def run(self, num_classes: int) -> Floors:
        """Measure what the protocol asks for."""
        figures = self._measure_images()
        if self._judge.class_names:
            figures["inception_score"] = score_clarity(self._view.look.probabilities)
        if num_classes:
            figures |= self._measure_labels(num_classes)
        overall = {family: figure.value for family, figure in figures.items()}
        return Floors(overall, self._typical_distance())

    def _measure_images(self) -> dict[str, Figure]:
        subsets = self._protocol.kernel_subsets
        self._tell(0)
        real, seen = self._target.look.features, self._view.look.features
        distances = measure_distances(real, seen, num_subsets=subsets, with_intervals=False)
        self._tell(1)
        neighbours = measure_neighbours(self._target, self._view)
        self._tell(2)
        return distances | neighbours

    def _measure_labels(self, num_classes: int) -> dict[str, Figure]:
        figures = self._measure_agreement(num_classes)
        if self._protocol.is_deep:
            figures |= self._measure_even(num_classes)
        if self._protocol.cas_steps:
            figures["cas"] = self._measure_training()
        return figures

    def _measure_agreement(self, num_classes: int) -> dict[str, Figure]:
        """Return how often the judge is right about real images; without a test split, about those it was not shown."""
        if self._reference.test is None:
            return {"label_agreement": Figure(self._judge.accuracy, self._reference.train.num_images)}
        return measure_agreement(self._real, num_classes).overall

    def _measure_even(self, num_classes: int) -> dict[str, Figure]:
        """Measure real images, equally many of each class, in the place of samples that were asked for like that."""
        view = self._view
        if not self._reference.is_even:
            stand_ins, _ = self._reference.stand_ins(self._count, even=True)
            view = look_at(self._judge, stand_ins.images, stand_ins.labels)
        figures = measure_each_class(self._target, view, num_classes).overall
        if view is not self._view:
            figures["fid_balanced"] = measure_frechet(
                self._target.look.features, view.look.features, with_interval=False
            )
        return figures

    def _measure_training(self) -> Figure:
        """Return the score of as many real images as there are samples, some twice where there are not so many."""
        learned_from = self._learnable()
        rows = np.resize(choose_rows(learned_from.num_images), self._protocol.cas_samples)
        device = next(self._judge.network.parameters()).device
        scores = []
        images, labels, seeds = learned_from.images[rows], learned_from.labels[rows], self._protocol.cas_seeds
        for score in score_classifiers(images, labels, self._against, seeds=seeds, device=device):
            scores.append(score)
            self._tell(2 + len(scores))
        return summarise_scores(scores, len(rows))

    def _learnable(self) -> ImageDataset:
        """Return all real images that are not those to be classified."""
        return self._reference.train if self._reference.test else self._reference.stand_ins()[0]

    def _tell(self, done: int) -> None:
        if self._on_progress:
            self._on_progress(done, self._parts)

    def _typical_distance(self) -> float:
        if not self._protocol.is_deep or self._reference.test is None:
            return 0.0
        new = self._real.take(self._protocol.num_samples)
        return float(np.median(nearest_distances(new.images, self._reference.train.images)))


def _read_floors(path: Path) -> Floors | None:
    try:
        document = json.loads(path.read_text("utf-8"))
        overall = {str(family): float(value) for family, value in document["overall"].items()}
        return Floors(overall, float(document["typical_distance"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _write_floors(path: Path, floors: Floors) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    aside.write_text(json.dumps(dataclasses.asdict(floors), indent=2, sort_keys=True) + "\n", "utf-8")
    aside.replace(path)
