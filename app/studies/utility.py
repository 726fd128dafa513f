"""Does generated data help a classifier? Train one with it and without it, several times, on images of one's own.

For each seed a few real images are drawn, a generator is trained on just those, and classifiers on every arm of the
study. Arms are compared within a seed, so that the luck of the draw cancels.
"""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

from app.core.errors import RecipeError
from app.studies.draws import StudyData
from app.studies.plan import UtilityPlan
from app.studies.results import StudyFolder
from app.studies.seed_run import OnProgress, SeedRun
from app.training.compute.runtime import Runtime

SCHEMA = "fount-study/1"


@dataclasses.dataclass(frozen=True)
class StudyEstimate:
    """What a study will take, in seconds, all seeds together."""

    generators_s: float
    classifiers_s: float


class UtilityStudy:
    """A study: what is asked, the real images, and where to compute.

    Args:
        plan: What is asked.
        data: Real images.
        runtime: Where to compute.

    Raises:
        DatasetError: If there are too few images.
        RecipeError: If the generator cannot be trained, or not be asked for a class.
    """

    def __init__(self, plan: UtilityPlan, data: StudyData, runtime: Runtime) -> None:
        data.check(plan.per_class, plan.num_seeds)
        self.plan = plan
        self.data = data
        self.runtime = runtime
        if not self._open_seed(0).session.config.model.conditional:
            raise RecipeError("model.conditional: a utility study asks the generator for classes")

    def open_folder(self, path: Path) -> StudyFolder:
        """Return the folder to put results into, with those that are there already.

        Raises:
            ConfigurationError: If it holds another study, or cannot be written.
        """
        digests = {"pool": self.data.pool.sha256, "test": self.data.test.sha256}
        return StudyFolder(path, {"schema": SCHEMA, "data": digests} | self.plan.identify())

    def estimate(self) -> StudyEstimate:
        """Measure what the study will take, by a few steps of a generator and of a classifier."""
        run = self._open_seed(0)
        per_classifier = run.time_classifier()
        num_seeds = self.plan.num_seeds
        return StudyEstimate(
            generators_s=num_seeds * run.session.estimate().seconds,
            classifiers_s=num_seeds * self.plan.trainings_per_seed * per_classifier,
        )

    def run(
        self, folder: StudyFolder, *, should_stop: Callable[[], bool], on_progress: OnProgress | None = None
    ) -> bool:
        """Compute what the folder does not have yet; see ``SeedRun.run``.

        Returns:
            Whether the study is complete.
        """
        for seed in range(self.plan.num_seeds):
            tell = functools.partial(self._tell, on_progress, seed)
            if not self._open_seed(seed).run(folder, should_stop=should_stop, on_progress=tell):
                return False
        return True

    def _open_seed(self, seed: int) -> SeedRun:
        return SeedRun(self.plan, self.data, self.runtime, seed)

    def _tell(self, on_progress: OnProgress | None, seed: int, part: float, what: str) -> None:
        if on_progress:
            on_progress((seed + part) / self.plan.num_seeds, f"seed {seed}: {what}")
