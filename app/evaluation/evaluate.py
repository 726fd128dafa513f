"""The evaluation of a generator: from its samples to a record with every figure, its interval and its floor."""

import time
from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from app.core.errors import DatasetError
from app.evaluation.arrays import Classes
from app.evaluation.classifier import Pixels
from app.evaluation.figures import (
    Figure,
    Figures,
    measure_classes,
    measure_copying,
    measure_distances,
    measure_each_class,
    measure_modes,
    measure_neighbours,
    measure_reconstruction,
    score_classifiers,
    summarise_scores,
)
from app.evaluation.floors import open_floors
from app.evaluation.judge import Judge
from app.evaluation.protocol import Protocol
from app.evaluation.reference import Reference, View, look_at
from app.evaluation.sampling import Samples, draw_samples
from app.generators.base import Encoder, Generator
from app.repository.evaluation import MAX_CLASSES, EvaluationRecord, JudgeInfo, Metric, ReferenceInfo

COLOURS = 3
MIN_REFERENCE = 20

_LOWER = frozenset({"fid", "kid", "fid_per_class_mean", "fid_per_class_worst", "reverse_kl", "reconstruction_mse"})
_OF_SAMPLES_ALONE = frozenset({"inception_score", "label_agreement", "label_agreement_worst", "modes", "reverse_kl"})
_DIGITS = 6  # of a figure that are worth keeping

# Rough shares of the time, for the progress bar.
_STAGES = {
    "looking at real images": 5,
    "measuring real images for the floor": 30,
    "drawing samples": 10,
    "looking at samples": 5,
    "measuring distances": 10,
    "measuring neighbours": 10,
    "reconstructing real images": 5,
    "searching for copies": 10,
    "training classifiers on samples": 30,
}
_TOTAL = sum(_STAGES.values())

OnProgress: TypeAlias = Callable[[int, int, str], None]


def evaluate(  # noqa: PLR0913 - half of them are options, given by name
    generator: Generator,
    reference: Reference,
    judge: Judge,
    protocol: Protocol,
    *,
    seed: int = 0,
    encoder: Encoder | None = None,
    channel_judge: Judge | None = None,
    on_progress: OnProgress | None = None,
) -> EvaluationRecord:
    """Measure how good a generator is.

    Args:
        generator: In evaluation mode, on the device where it shall compute.
        reference: The data that it was trained on.
        judge: Of the same data.
        protocol: What to measure, on how many samples.
        seed: Of the samples, in [0, 2**63).
        encoder: Of the generator, where it has one; on the same device.
        channel_judge: Of grey images: names the mode of a colour image by its three channels, as for stacked digits.
        on_progress: Called with work done, work in all, and what is being done.

    Raises:
        DatasetError: If the data is not what the generator could have been trained on.
    """
    began = time.perf_counter()
    _check_data(generator, reference, channel_judge)
    evaluation = _Evaluation(generator, reference, judge, protocol, _Progress(on_progress))
    evaluation.measure(seed, encoder, _find_modes(generator, judge, channel_judge))
    return EvaluationRecord(
        protocol=protocol.name,
        num_samples=evaluation.num_samples,
        seed=seed,
        reference=ReferenceInfo(
            name=reference.dataset.name,
            split=reference.split,
            sha256=reference.dataset.sha256,
            num_images=reference.dataset.num_images,
        ),
        judge=JudgeInfo(description=judge.description, accuracy=_round(judge.accuracy), sha256=judge.sha256),
        metrics=evaluation.metrics(),
        per_class=evaluation.per_class(),
        wall_seconds=round(time.perf_counter() - began, 1),
    )


class _Modes(NamedTuple):
    """How to tell the mode of an image, and how many modes there are."""

    predict: Callable[[Pixels], Classes]
    num_modes: int


class _Progress:
    """Turns stages, and parts of a stage, into work done."""

    def __init__(self, callback: OnProgress | None) -> None:
        self._callback = callback
        self._what = ""
        self._done = 0

    def enter(self, what: str) -> None:
        stages = list(_STAGES)
        self._what, self._done = what, sum(_STAGES[stage] for stage in stages[: stages.index(what)])
        self._tell(self._done)

    def tick(self, done: int, total: int) -> None:
        self._tell(self._done + _STAGES[self._what] * done // total)

    def finish(self) -> None:
        self._tell(_TOTAL)

    def _tell(self, done: int) -> None:
        if self._callback:
            self._callback(done, _TOTAL, self._what)


class _Evaluation:
    """One evaluation on its way: figures and floors by family."""

    def __init__(
        self, generator: Generator, reference: Reference, judge: Judge, protocol: Protocol, progress: _Progress
    ) -> None:
        self._generator = generator
        self._reference = reference
        self._judge = judge
        self._protocol = protocol
        self._progress = progress
        self._num_classes = generator.num_classes if reference.class_names else 0
        self._figures = Figures()
        self._floors: dict[str, float] = {}
        self.num_samples = min(protocol.num_samples, reference.dataset.num_images)

    def measure(self, seed: int, encoder: Encoder | None, modes: _Modes | None) -> None:
        """Measure everything that the protocol asks for, and that the generator and the data allow."""
        self._progress.enter("looking at real images")
        real = self._reference.view(self._judge)
        self._progress.enter("measuring real images for the floor")
        floors = open_floors(
            self._reference,
            self._judge,
            real,
            self._protocol,
            num_classes=self._num_classes,
            on_progress=self._progress.tick,
        )
        self._floors.update(floors.overall)
        samples = self._draw(seed, has_modes=modes is not None)
        self._progress.enter("looking at samples")
        view = look_at(self._judge, *samples.first(self.num_samples))
        self._measure_images(real, view)
        self._measure_classes(real, view)
        if modes:
            self._measure_modes(samples, modes)
        if encoder:
            self._measure_reconstruction(encoder, real)
        if floors.typical_distance:
            self._measure_copying(view, floors.typical_distance)
        if self._num_classes and self._protocol.cas_steps:
            self._measure_training(samples)
        self._progress.finish()

    def _draw(self, seed: int, *, has_modes: bool) -> Samples:
        self._progress.enter("drawing samples")
        counts = [self.num_samples]
        if has_modes:
            counts.append(self._protocol.mode_samples)
        if self._num_classes:
            counts.append(self._protocol.cas_samples)
        return draw_samples(self._generator, max(counts), seed=seed, on_progress=self._progress.tick)

    def _measure_images(self, real: View, view: View) -> None:
        self._progress.enter("measuring distances")
        strata, subsets = max(1, self._generator.num_classes), self._protocol.kernel_subsets
        self._figures.overall |= measure_distances(real, view, strata=strata, num_subsets=subsets)
        self._progress.enter("measuring neighbours")
        self._figures.overall |= measure_neighbours(real, view)

    def _measure_classes(self, real: View, view: View) -> None:
        if self._judge.class_names:
            self._figures.add(measure_classes(view, self._num_classes))
        if self._num_classes and self._protocol.is_deep:
            self._figures.add(measure_each_class(real, view, self._num_classes))

    def _measure_modes(self, samples: Samples, modes: _Modes) -> None:
        count = self._protocol.mode_samples
        found = measure_modes(modes.predict(samples.first(count).images), modes.num_modes)
        self._figures.overall |= found
        self._floors |= {"modes": float(modes.num_modes), "reverse_kl": (modes.num_modes - 1) / (2 * count)}

    def _measure_reconstruction(self, encoder: Encoder, real: View) -> None:
        self._progress.enter("reconstructing real images")
        self._floors["reconstruction_mse"] = 0.0  # by definition: an image against itself
        self._figures.overall["reconstruction_mse"] = measure_reconstruction(encoder, self._generator, real)

    def _measure_copying(self, view: View, typical_distance: float) -> None:
        self._progress.enter("searching for copies")
        self._floors["memorisation"] = 1.0  # by definition: real images against real images
        train = self._reference.train.images
        self._figures.overall["memorisation"] = measure_copying(view.images, train, typical_distance)

    def _measure_training(self, samples: Samples) -> None:
        self._progress.enter("training classifiers on samples")
        images, labels = samples.first(self._protocol.cas_samples)
        device = next(self._judge.network.parameters()).device
        seeds, scores = self._protocol.cas_seeds, list[float]()
        for score in score_classifiers(images, labels, self._reference.dataset, seeds=seeds, device=device):
            scores.append(score)
            self._progress.tick(len(scores), seeds)
        self._figures.overall["cas"] = summarise_scores(scores, len(images))

    def metrics(self) -> dict[str, Metric]:
        """Return the figures by their full names."""
        split = self._reference.split
        return {
            name_metric(family, figure.count, split): _describe(family, figure, self._floors.get(family))
            for family, figure in self._figures.overall.items()
        }

    def per_class(self) -> dict[str, dict[str, float]]:
        """Return the figures of each class by its name; none, where there are too many classes for a manifest."""
        names = self._reference.class_names
        if len(names) > MAX_CLASSES:
            return {}
        return {
            family: {names[number]: _round(value) for number, value in values.items()}
            for family, values in self._figures.per_class.items()
        }


def name_metric(family: str, count: int, split: Literal["train", "test"]) -> str:
    """Name a figure by how many images are behind it, and by what they were compared with: ``fid_10k_test``."""
    amount = f"{count // 1000}k" if count % 1000 == 0 else str(count)
    if family in _OF_SAMPLES_ALONE or (family == "cas" and split == "test"):
        return f"{family}_{amount}"
    return f"{family}_{amount}_{'train' if family == 'memorisation' else split}"


def _check_data(generator: Generator, reference: Reference, channel_judge: Judge | None) -> None:
    if reference.dataset.num_images < MIN_REFERENCE:
        raise DatasetError(f"figures need at least {MIN_REFERENCE} real images to compare with", limit=MIN_REFERENCE)
    image, classes = generator.image, len(reference.class_names)
    shape = (image.height, image.width, image.channels)
    if reference.train.images.shape[1:] != shape:
        raise DatasetError("the images of the data differ from those of the generator in size or colour")
    if generator.num_classes and classes and generator.num_classes != classes:
        raise DatasetError(f"the generator has {generator.num_classes} classes, and the data {classes}")
    if channel_judge and (image.channels != COLOURS or not channel_judge.class_names):
        raise DatasetError("modes are told by colour channels where images are RGB and the grey ones have classes")


def _find_modes(generator: Generator, judge: Judge, channel_judge: Judge | None) -> _Modes | None:
    """Tell modes by the channels where asked to; else by the classes, where the generator was not asked for one."""
    if channel_judge is not None:
        per_channel = len(channel_judge.class_names)
        return _Modes(lambda images: _combine_channels(channel_judge, images), per_channel**COLOURS)
    if judge.class_names and not generator.num_classes:
        return _Modes(judge.predict, len(judge.class_names))
    return None


def _combine_channels(judge: Judge, images: Pixels) -> Classes:
    """Number the combination of what the judge sees in each channel; red counts most."""
    modes = np.zeros(len(images), dtype=np.int64)
    for channel in range(COLOURS):
        seen = judge.predict(np.ascontiguousarray(images[..., channel : channel + 1]))
        modes = modes * len(judge.class_names) + seen
    return modes


def _describe(family: str, figure: Figure, floor: float | None) -> Metric:
    return Metric(
        value=_round(figure.value),
        interval=None if figure.interval is None else (_round(figure.interval[0]), _round(figure.interval[1])),
        floor=None if floor is None else _round(floor),
        better="lower" if family in _LOWER else "higher",
    )


def _round(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
