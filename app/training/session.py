"""A training session from images to a published version: what ``fount train`` does, without a terminal."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from app.core.errors import RecipeError
from app.data.dataset import ImageDataset
from app.data.sources import open_dataset
from app.data.stacking import stack_dataset
from app.evaluation.protocol import ProtocolName
from app.evaluation.stages import OnProgress
from app.generators.sheet import count_cells, sheet_labels
from app.repository.evaluation import EvaluationRecord
from app.repository.manifest import Manifest
from app.repository.store import ModelRepository
from app.training.batching.batches import BatchSource
from app.training.build import create_trainer, resolve_config
from app.training.compute.lanes import Lanes
from app.training.compute.launch import start_lanes
from app.training.compute.runtime import Runtime, start_runtime
from app.training.config import TrainingConfig
from app.training.estimate import Estimate, estimate_run
from app.training.loop import Loop, Report
from app.training.monitoring.assessment import Assessment
from app.training.monitoring.diversity import draw_counterparts, measure_spread
from app.training.monitoring.monitor import Monitor
from app.training.monitoring.watch import Watch, balanced_loss
from app.training.objectives.registry import ELBO, create_objective
from app.training.publishing.publish import publish_generator
from app.training.runs.run import RunFolder, open_run
from app.training.runs.trained import TrainedRun, restore_best
from app.training.trainers.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class Session:
    """Everything that is fixed before the first step."""

    config: TrainingConfig
    dataset: ImageDataset
    runtime: Runtime
    lanes: Lanes = dataclasses.field(default_factory=Lanes)
    assessment: Assessment | None = None

    def estimate(self) -> Estimate:
        """Measure what the run will cost, by a few of its steps."""
        return estimate_run(self._create_trainer(), self._create_batches())

    def open_run(self, root: Path, name: str, *, publish: bool = False, fresh: bool = False) -> RunFolder:
        """Return the folder of the run to go on with, or of a new one; see ``open_run`` in ``run.py``."""
        identity = {"config": self.config.model_dump(mode="json", exclude={"runtime"}), "dataset": self.dataset.sha256}
        fresh = fresh and self.lanes.is_first
        return self.lanes.take_turns(lambda: open_run(root, name, identity, publish=publish, fresh=fresh))

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
            CollapsedError: If modes are lost, and the configuration says to stop then.
            SnapshotError: If the newest snapshot cannot be used.
        """
        precision = self.lanes.take_turns(lambda: run.settle_precision(self.runtime.precision))
        trainer = self._create_trainer(dataclasses.replace(self.runtime, precision=precision))
        monitor = self._create_monitor(run, trainer) if self.lanes.is_first else None
        loop = Loop(run, trainer, self._create_batches(), monitor, on_report=on_report)
        progress = loop.train(should_stop=should_stop)
        if progress.is_complete:
            restore_best(run, trainer)
        return TrainedRun(run, trainer, progress)

    def evaluate(
        self, trained: TrainedRun, protocol: ProtocolName, *, on_progress: OnProgress | None = None
    ) -> EvaluationRecord:
        """Measure the averaged generator, before it is published.

        Raises:
            RecipeError: If the session knows no data to compare with.
        """
        trainer = trained.trainer
        return self._require_assessment().evaluate(
            trainer.averager.average, protocol, encoder=trainer.published_encoder(), on_progress=on_progress
        )

    def publish(
        self,
        trained: TrainedRun,
        repository: ModelRepository,
        name: str,
        *,
        evaluation: EvaluationRecord | None = None,
    ) -> Manifest:
        """Publish the averaged generator as the next version of a model.

        Raises:
            RepositoryError: If the repository cannot be written.
        """
        return publish_generator(repository, name, trained, self.dataset, evaluation=evaluation)

    def _create_monitor(self, run: RunFolder, trainer: Trainer) -> Monitor:
        num_classes = trainer.generator.num_classes
        config, labels, count = self.config, sheet_labels(num_classes), count_cells(num_classes)
        real = measure_spread(*draw_counterparts(self.dataset, labels, num_images=count, seed=config.seed))
        balanced = None if config.objective.name == ELBO else balanced_loss(create_objective(config.objective.name))
        class_names = self.dataset.class_names if labels is not None else []
        watch = Watch(class_names=class_names, real=real, balanced_loss=balanced)
        samples = config.monitor.evaluation_samples
        probe = self._require_assessment().create_probe(samples) if samples else None
        return Monitor(run, config, watch, probe)

    def _require_assessment(self) -> Assessment:
        if self.assessment is None:
            raise RecipeError("data.source: an evaluation needs to know where the data is")
        return self.assessment

    def _create_trainer(self, runtime: Runtime | None = None) -> Trainer:
        return create_trainer(self.config, self.dataset, runtime or self.runtime, self.lanes)

    def _create_batches(self) -> BatchSource:
        return BatchSource(
            self.dataset,
            batch_size=self.config.images_per_step,
            seed=self.config.seed,
            mirror=self.config.data.mirror,
            balanced=self.config.data.balanced,
            lanes=self.lanes,
        )


def open_session(
    config: TrainingConfig,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    on_judge: Callable[[int, int], None] | None = None,
) -> Session:
    """Join the lanes, read the data and choose the device.

    Args:
        config: As read from a recipe.
        on_progress: Called with images read and images in all.
        on_judge: Called while a judge is trained, with steps done and steps in all.

    Raises:
        RecipeError: If no data is named, or the configuration does not go with the data.
        DatasetError: If the data cannot be read.
    """
    data = config.data
    if data.source is None:
        raise RecipeError("data.source: this recipe comes without data; name it with --data")
    lanes = start_lanes(config.runtime)
    runtime = start_runtime(config.runtime, lanes)
    dataset = open_dataset(
        data.source,
        image_size=data.image_size,
        channels=1 if data.stack else data.channels,
        split=data.split,
        skip_broken=data.skip_broken,
        on_progress=on_progress,
    )
    assessment = Assessment(config, dataset, runtime.device, on_progress=on_judge)
    if data.stack:
        dataset = stack_dataset(dataset, num_images=data.stack, seed=config.seed)
    return Session(resolve_config(config, dataset), dataset, runtime, lanes, assessment)
