"""A training session from images to a published version: what ``fount train`` does, without a terminal."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from app.core.errors import RecipeError
from app.data.dataset import ImageDataset
from app.data.sources import open_dataset
from app.repository.manifest import Manifest
from app.repository.store import ModelRepository
from app.training.batches import BatchSource
from app.training.build import create_trainer, resolve_config
from app.training.config import TrainingConfig
from app.training.estimate import Estimate, estimate_run
from app.training.loop import Loop, Report
from app.training.monitor import Monitor
from app.training.publish import publish_generator
from app.training.run import RunFolder, open_run
from app.training.runtime import Runtime, start_runtime
from app.training.snapshot import Progress
from app.training.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """Where a run stands, at its end or where it was stopped."""

    trainer: Trainer
    progress: Progress

    @property
    def is_complete(self) -> bool:
        """Whether the run came to its end."""
        return self.progress.is_complete


@dataclasses.dataclass(frozen=True)
class Session:
    """Everything that is fixed before the first step."""

    config: TrainingConfig
    dataset: ImageDataset
    runtime: Runtime

    def estimate(self) -> Estimate:
        """Measure what the run will cost, by a few of its steps."""
        return estimate_run(self._create_trainer(), self._create_batches())

    def open_run(self, root: Path, name: str, *, publish: bool = False, fresh: bool = False) -> RunFolder:
        """Return the folder of the run to go on with, or of a new one; see ``open_run`` in ``run.py``."""
        identity = {"config": self.config.model_dump(mode="json", exclude={"runtime"}), "dataset": self.dataset.sha256}
        return open_run(root, name, identity, publish=publish, fresh=fresh)

    def train(
        self,
        run: RunFolder,
        *,
        should_stop: Callable[[], bool],
        on_report: Callable[[Report], None],
    ) -> TrainedRun:
        """Train to the end or until asked to stop; goes on from the run's newest snapshot, in its precision.

        Raises:
            DivergedError: If a loss is no longer finite.
            SnapshotError: If the newest snapshot cannot be used.
        """
        precision = run.settle_precision(self.runtime.precision)
        trainer = self._create_trainer(dataclasses.replace(self.runtime, precision=precision))
        loop = Loop(run, trainer, self._create_batches(), Monitor(run), on_report=on_report)
        return TrainedRun(trainer, loop.train(should_stop=should_stop))

    def publish(self, trained: TrainedRun, repository: ModelRepository, name: str) -> Manifest:
        """Publish the averaged generator as the next version of a model.

        Raises:
            RepositoryError: If the repository cannot be written.
        """
        return publish_generator(repository, name, trained.trainer, self.dataset, trained.progress)

    def _create_trainer(self, runtime: Runtime | None = None) -> Trainer:
        return create_trainer(self.config, self.dataset, runtime or self.runtime)

    def _create_batches(self) -> BatchSource:
        return BatchSource(
            self.dataset,
            batch_size=self.config.images_per_step,
            seed=self.config.seed,
            mirror=self.config.data.mirror,
        )


def open_session(config: TrainingConfig, *, on_progress: Callable[[int, int], None] | None = None) -> Session:
    """Read the data and choose the device.

    Args:
        config: As read from a recipe.
        on_progress: Called with images read and images in all.

    Raises:
        RecipeError: If no data is named, or the configuration does not go with the data.
        DatasetError: If the data cannot be read.
    """
    data = config.data
    if data.source is None:
        raise RecipeError("data.source: this recipe comes without data; name it with --data")
    runtime = start_runtime(config.runtime)
    dataset = open_dataset(
        data.source,
        image_size=data.image_size,
        channels=data.channels,
        split=data.split,
        skip_broken=data.skip_broken,
        on_progress=on_progress,
    )
    return Session(resolve_config(config, dataset), dataset, runtime)
