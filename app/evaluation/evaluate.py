"""The evaluation of a generator: from its samples to a record with every figure, its interval and its floor."""

import time
from typing import Literal, NamedTuple

from app.core.errors import DatasetError
from app.evaluation.arrays import Classes
from app.evaluation.figures import (
    Figure,
    Figures,
    measure_agreement,
    measure_copying,
    measure_distances,
    measure_each_class,
    measure_frechet,
    measure_modes,
    measure_neighbours,
    measure_reconstruction,
    score_clarity,
    score_classifiers,
    summarise_scores,
)
from app.evaluation.floors import open_floors
from app.evaluation.inception import Inception, open_features
from app.evaluation.inception_figures import measure_inception, open_inception_floors
from app.evaluation.judge import Judge
from app.evaluation.modes import COLOURS, ModeTeller, find_modes
from app.evaluation.protocol import Protocol
from app.evaluation.reference import Reference, View, look_at
from app.evaluation.sampling import Samples, draw_samples
from app.evaluation.stages import OnProgress, Stages
from app.generators.base import Encoder, Generator
from app.repository.evaluation import (
    MAX_CLASSES,
    EvaluationRecord,
    InceptionInfo,
    JudgeInfo,
    Metric,
    ReferenceInfo,
)

MIN_REFERENCE = 20

_LOWER = frozenset(
    {
        *(
            "fid",
            "fid_balanced",
            "kid",
            "fid_per_class_mean",
            "fid_per_class_worst",
            "reverse_kl",
            "reconstruction_mse",
        ),
        *("inception_fid", "inception_kid"),
    }
)
_OF_SAMPLES_ALONE = frozenset(
    {
        *("inception_score", "label_agreement", "label_agreement_worst", "modes", "reverse_kl"),
        "inception_inception_score",
    }
)
_DIGITS = 6  # of a figure that are worth keeping


def evaluate(  # noqa: PLR0913 - half of them are options, given by name
    generator: Generator,
    reference: Reference,
    judge: Judge,
    protocol: Protocol,
    *,
    seed: int = 0,
    encoder: Encoder | None = None,
    channel_judge: Judge | None = None,
    inception: Inception | None = None,
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
        inception: Looks at the images once more, for figures beside the judge's; that takes minutes on a GPU and
            up to an hour on a CPU.
        on_progress: Called with work done, work in all, and what is being done.

    Raises:
        DatasetError: If the data is not what the generator could have been trained on.
    """
    began = time.perf_counter()
    _check_data(generator, reference, channel_judge)
    stages = Stages(on_progress, has_inception=inception is not None)
    evaluation = _Evaluation(generator, reference, judge, protocol, stages)
    modes = find_modes(judge, channel_judge, num_classes=generator.num_classes)
    evaluation.measure(seed, encoder=encoder, modes=modes, inception=inception)
    return EvaluationRecord(
        protocol=protocol.name,
        num_samples=evaluation.num_samples,
        seed=seed,
        class_shares="reference",
        reference=ReferenceInfo(
            name=reference.dataset.name,
            split=reference.split,
            sha256=reference.dataset.sha256,
            num_images=reference.dataset.num_images,
        ),
        judge=JudgeInfo(description=judge.description, accuracy=_round(judge.accuracy), sha256=judge.sha256),
        inception=InceptionInfo(sha256=inception.sha256) if inception else None,
        metrics=evaluation.metrics(),
        per_class=evaluation.per_class(),
        wall_seconds=round(time.perf_counter() - began, 1),
    )


class _Drawn(NamedTuple):
    """Samples of one seed, drawn twice where classes have other shares in the real images.

    Attributes:
        alike: Asked for classes in the shares of the real images: for figures of all images together.
        even: Asked for all classes alike: for figures of single classes, and for what learns from samples.
    """

    alike: Samples
    even: Samples


class _Evaluation:
    """One evaluation on its way: figures and floors by family."""

    def __init__(
        self, generator: Generator, reference: Reference, judge: Judge, protocol: Protocol, stages: Stages
    ) -> None:
        self._generator = generator
        self._reference = reference
        self._judge = judge
        self._protocol = protocol
        self._stages = stages
        self._num_classes = generator.num_classes if reference.class_names else 0
        self._is_uneven = self._num_classes > 0 and not reference.is_even
        self._figures = Figures()
        self._floors: dict[str, float] = {}
        self.num_samples = min(protocol.num_samples, reference.dataset.num_images)

    def measure(
        self, seed: int, *, encoder: Encoder | None, modes: ModeTeller | None, inception: Inception | None
    ) -> None:
        """Measure everything that the protocol asks for, and that the generator and the data allow."""
        self._stages.enter("looking at real images")
        real = self._reference.view(self._judge)
        self._stages.enter("measuring real images for the floor")
        floors = open_floors(
            self._reference,
            self._judge,
            real,
            self._protocol,
            num_classes=self._num_classes,
            on_progress=self._stages.tick,
        )
        self._floors.update(floors.overall)
        drawn = self._draw(seed, has_modes=modes is not None)
        self._stages.enter("looking at samples")
        view = even = look_at(self._judge, *drawn.alike)
        if self._is_uneven:
            even = look_at(self._judge, *drawn.even.first(self.num_samples))
        self._measure_images(real, view)
        if self._num_classes:
            self._measure_classes(real, even)
        if modes:
            self._measure_modes(drawn.even, modes)
        if encoder:
            self._measure_reconstruction(encoder, real)
        if floors.typical_distance:
            self._measure_copying(view, floors.typical_distance)
        if self._num_classes and self._protocol.cas_steps:
            self._measure_training(drawn.even)
        if inception:
            self._measure_inception(drawn.alike, inception)
        self._stages.finish()

    def _draw(self, seed: int, *, has_modes: bool) -> _Drawn:
        self._stages.enter("drawing samples")
        counts = [self.num_samples]
        if has_modes:
            counts.append(self._protocol.mode_samples)
        if self._num_classes:
            counts.append(self._protocol.cas_samples)
        num_even, num_alike = max(counts), self.num_samples if self._is_uneven else 0

        def tick(done: int, before: int = 0) -> None:
            self._stages.tick(before + done, num_even + num_alike)

        even = draw_samples(self._generator, num_even, seed=seed, on_progress=lambda done, _: tick(done))
        if not num_alike:
            return _Drawn(even.first(self.num_samples), even)
        shares = self._reference.shares
        alike = draw_samples(
            self._generator,
            num_alike,
            seed=seed,
            shares=shares,
            on_progress=lambda done, _: tick(done, num_even),
        )
        return _Drawn(alike, even)

    def _measure_images(self, real: View, view: View) -> None:
        self._stages.enter("measuring distances")
        self._figures.overall |= measure_distances(
            real.look.features,
            view.look.features,
            classes=self._asked(view.labels),
            num_subsets=self._protocol.kernel_subsets,
        )
        if self._judge.class_names:
            self._figures.overall["inception_score"] = score_clarity(view.look.probabilities)
        self._stages.enter("measuring neighbours")
        self._figures.overall |= measure_neighbours(real, view)

    def _measure_classes(self, real: View, even: View) -> None:
        self._figures.add(measure_agreement(even, self._num_classes))
        if not self._protocol.is_deep:
            return
        self._figures.add(measure_each_class(real, even, self._num_classes))
        if self._is_uneven:
            self._figures.overall["fid_balanced"] = measure_frechet(
                real.look.features, even.look.features, classes=even.labels
            )

    def _asked(self, labels: Classes) -> Classes | None:
        """Return the classes that samples were asked for; None where the generator takes none."""
        return labels if self._generator.num_classes else None

    def _measure_modes(self, samples: Samples, modes: ModeTeller) -> None:
        count = self._protocol.mode_samples
        found = measure_modes(modes.predict(samples.first(count).images), modes.num_modes)
        self._figures.overall |= found
        self._floors |= {"modes": float(modes.num_modes), "reverse_kl": (modes.num_modes - 1) / (2 * count)}

    def _measure_reconstruction(self, encoder: Encoder, real: View) -> None:
        self._stages.enter("reconstructing real images")
        self._floors["reconstruction_mse"] = 0.0  # by definition: an image against itself
        self._figures.overall["reconstruction_mse"] = measure_reconstruction(encoder, self._generator, real)

    def _measure_copying(self, view: View, typical_distance: float) -> None:
        self._stages.enter("searching for copies")
        self._floors["memorisation"] = 1.0  # by definition: real images against real images
        train = self._reference.train.images
        self._figures.overall["memorisation"] = measure_copying(view.images, train, typical_distance)

    def _measure_training(self, samples: Samples) -> None:
        self._stages.enter("training classifiers on samples")
        images, labels = samples.first(self._protocol.cas_samples)
        device = next(self._judge.network.parameters()).device
        seeds, scores = self._protocol.cas_seeds, list[float]()
        for score in score_classifiers(images, labels, self._reference.dataset, seeds=seeds, device=device):
            scores.append(score)
            self._stages.tick(len(scores), seeds)
        self._figures.overall["cas"] = summarise_scores(scores, len(images))

    def _measure_inception(self, samples: Samples, inception: Inception) -> None:
        reference, folder, tick = self._reference, self._judge.folder, self._stages.tick
        self._stages.enter("looking at real images through Inception")
        real = open_features(inception, reference.dataset, folder, on_progress=tick)
        self._stages.enter("measuring real images for the floor of Inception")
        self._floors |= open_inception_floors(
            reference, inception, real, self._protocol, folder=folder, on_progress=tick
        )
        self._stages.enter("looking at samples through Inception")
        look = inception.look(samples.images, on_progress=tick)
        self._stages.enter("measuring distances through Inception")
        self._figures.overall |= measure_inception(
            real,
            look,
            classes=self._asked(samples.labels),
            num_subsets=self._protocol.kernel_subsets,
        )

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


def _describe(family: str, figure: Figure, floor: float | None) -> Metric:
    return Metric(
        value=_round(figure.value),
        interval=None if figure.interval is None else (_round(figure.interval[0]), _round(figure.interval[1])),
        floor=None if floor is None else _round(floor),
        better="lower" if family in _LOWER else "higher",
    )


def _round(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
