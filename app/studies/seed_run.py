"""One seed of a utility study: a few real images, a generator trained on just those, and a classifier for every arm."""

import time
from collections.abc import Callable
from typing import TypeAlias

from app.data.dataset import ImageDataset
from app.evaluation.classifier import Classifier, measure_accuracy
from app.evaluation.sampling import Samples, draw_samples
from app.studies.arms import AUGMENTED, Arm, find_agreeing, train_arm
from app.studies.draws import StudyData
from app.studies.plan import UtilityPlan
from app.studies.results import ArmResult, GeneratorResult, StudyFolder
from app.training.build import resolve_config
from app.training.compute.runtime import Runtime
from app.training.config import MonitorConfig
from app.training.runs.trained import TrainedRun
from app.training.session import Session

SAMPLES_PER_IMAGE = 100
MAX_SAMPLES = 20_000
MAX_SAMPLE_BYTES = 2**29
TRIALS, TRIAL_STEPS = 3, 5

OnProgress: TypeAlias = Callable[[float, str], None]
"""Called with the part that is over, in [0, 1], and what is going on."""


class SeedRun:
    """Draws the real images of a seed, and computes what follows from them.

    Args:
        plan: Of the study.
        data: Of the study.
        runtime: Where to compute.
        seed: Number of the seed.

    Raises:
        RecipeError: If the generator cannot be trained on these images.
    """

    def __init__(self, plan: UtilityPlan, data: StudyData, runtime: Runtime, seed: int) -> None:
        self._plan = plan
        self._test = data.test
        self._seed = seed
        self._real = data.draw(plan.per_class, seed)
        # An evaluation on the way would need a judge, and a judge real images that this seed must not know.
        monitor = MonitorConfig(on_collapse=plan.generator.monitor.on_collapse)
        config = plan.generator.model_copy(update={"seed": plan.generator.seed + seed, "monitor": monitor})
        self.session = Session(resolve_config(config, self._real), self._real, runtime)

    def run(self, folder: StudyFolder, *, should_stop: Callable[[], bool], on_progress: OnProgress) -> bool:
        """Compute the arms that the folder does not have yet.

        Args:
            folder: Of the study.
            should_stop: Asked after every step of the generator and before every arm.
            on_progress: Told what is going on.

        Returns:
            Whether all arms are there.

        Raises:
            DivergedError: If the training of the generator fails.
        """
        missing = [arm for arm in self._plan.arms if (self._seed, arm.name) not in folder.arms]
        if not missing:
            return True
        trained = self._train_generator(folder, should_stop, on_progress)
        if not trained.is_complete:
            return False
        on_progress(0.5, "drawing samples")
        generated, kept = self._sample(trained)
        folder.add(_describe(self._seed, trained, generated, kept))
        for number, arm in enumerate(missing):
            if should_stop():
                return False
            on_progress(0.5 + 0.5 * number / len(missing), arm.name)
            folder.add(ArmResult(self._seed, arm.name, self._measure(arm, kept if arm.filtered else generated)))
        return True

    def time_classifier(self) -> float:
        """Return the seconds that training a classifier takes, by a few of its steps."""
        times = []
        for _ in range(TRIALS):
            start = time.perf_counter()
            train_arm(self._real, None, AUGMENTED, steps=TRIAL_STEPS, seed=0, device=self.session.runtime.device)
            times.append(time.perf_counter() - start)
        return min(times) * self._plan.steps / TRIAL_STEPS  # the first one pays for warming up

    def _train_generator(
        self, folder: StudyFolder, should_stop: Callable[[], bool], on_progress: OnProgress
    ) -> TrainedRun:
        """Train the generator; one that is done is loaded, and one that was stopped goes on."""
        what = "training a generator"
        on_progress(0.0, what)
        return self.session.train(
            self.session.open_run(folder.path / "generators", f"seed-{self._seed}"),
            should_stop=should_stop,
            on_report=lambda report: on_progress(0.5 * report.progress, what),
        )

    def _sample(self, trained: TrainedRun) -> tuple[Samples, Samples]:
        """Draw generated images, and find those that a classifier of the real ones agrees with."""
        generated = draw_samples(trained.trainer.averager.average, count_samples(self._real), seed=self._seed)
        network = self._train(AUGMENTED, None, self._plan.num_classifiers)
        agreed = find_agreeing(network, generated, self._plan.confidence)
        return generated, Samples(generated.images[agreed], generated.labels[agreed])

    def _measure(self, arm: Arm, generated: Samples) -> list[float]:
        networks = (self._train(arm, generated, number) for number in range(self._plan.num_classifiers))
        return [measure_accuracy(network, self._test.images, self._test.labels) for network in networks]

    def _train(self, arm: Arm, generated: Samples | None, number: int) -> Classifier:
        """Train the classifier with this number: those of the arms from 0, and after them that of the filter."""
        seed = self._seed * (self._plan.num_classifiers + 1) + number
        return train_arm(
            self._real, generated, arm, steps=self._plan.steps, seed=seed, device=self.session.runtime.device
        )


def count_samples(real: ImageDataset) -> int:
    """Return how many images to generate: 100 for each real one, at most 20,000, and at most half a GiB."""
    bytes_per_image = real.images.nbytes // real.num_images
    return min(SAMPLES_PER_IMAGE * real.num_images, MAX_SAMPLES, MAX_SAMPLE_BYTES // bytes_per_image)


def _describe(seed: int, trained: TrainedRun, generated: Samples, kept: Samples) -> GeneratorResult:
    count = len(generated.images)
    progress = trained.progress
    return GeneratorResult(seed, progress.step, round(progress.wall_seconds, 1), count, len(kept.images) / count)
