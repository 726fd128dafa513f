"""From a trained generator to a version in the repository: weights, manifest, card, contact sheet."""

import json

from app.data.dataset import ImageDataset
from app.generators.checkpoint import dump_weights
from app.generators.sheet import SHEET_SEED
from app.imaging.codec import encode_png
from app.repository.evaluation import EvaluationRecord, dump_evaluation
from app.repository.manifest import (
    CARD_FILE,
    CURVES_FILE,
    GRID_FILE,
    WEIGHTS_FILE,
    DatasetInfo,
    Manifest,
    TrainingInfo,
    utc_now,
)
from app.repository.store import ModelRepository
from app.training.monitoring.plots import can_plot, plot_curves, read_entries
from app.training.monitoring.preview import draw_preview
from app.training.publishing.card import write_card
from app.training.publishing.provenance import find_commit, list_versions
from app.training.runs.snapshot import Progress
from app.training.runs.trained import TrainedRun
from app.training.trainers.trainer import Trainer


def publish_generator(
    repository: ModelRepository,
    name: str,
    trained: TrainedRun,
    dataset: ImageDataset,
    *,
    evaluation: EvaluationRecord | None = None,
) -> Manifest:
    """Publish a run's averaged generator as the next version of a model.

    Args:
        repository: Where to.
        name: Of the model.
        trained: What was trained.
        dataset: What on.
        evaluation: Figures of that generator, for manifest and card.

    Raises:
        RepositoryError: If the repository cannot be written.
    """
    trainer = trained.trainer
    generator = trainer.averager.average
    draft = _create_draft(name, trainer, dataset, trained.progress)
    if evaluation is not None:
        draft = draft.model_copy(update={"evaluation": dump_evaluation(evaluation)})
    grid = draw_preview(generator, seed=SHEET_SEED)
    files = {
        WEIGHTS_FILE: dump_weights(trainer.published_parts()),
        GRID_FILE: encode_png(grid, json.dumps({"model": name, "seed": SHEET_SEED})),
    }
    curves = _draw_curves(name, trained)
    if curves is not None:
        files[CURVES_FILE] = curves
    files[CARD_FILE] = write_card(draft, has_curves=curves is not None).encode()
    return repository.publish(draft, files)


def _draw_curves(name: str, trained: TrainedRun) -> bytes | None:
    """Plot the run's log; None where nothing was logged, or nothing is installed to plot with."""
    entries = read_entries(trained.run.path / "log.jsonl")
    if not entries or not can_plot():
        return None
    return plot_curves(entries, images_per_step=trained.trainer.config.images_per_step, title=name)


def _create_draft(name: str, trainer: Trainer, dataset: ImageDataset, progress: Progress) -> Manifest:
    config, runtime, generator = trainer.config, trainer.runtime, trainer.averager.average
    return Manifest(
        name=name,
        architecture=config.model.architecture,
        hyperparameters=config.model.hyperparameters,
        parts=list(trainer.published_parts()),
        latent_prior=config.model.latent_prior,
        image=generator.image,
        latent_dim=generator.latent_dim,
        class_names=dataset.class_names if generator.num_classes else [],
        num_parameters=sum(parameter.numel() for parameter in generator.parameters()),
        created=utc_now(),
        license=config.license,
        training=TrainingInfo(
            recipe=config.model_dump(mode="json"),
            dataset=DatasetInfo(
                name=dataset.name,
                sha256=dataset.sha256,
                num_images=dataset.num_images,
                class_counts=dataset.class_counts,
            ),
            seed=config.seed,
            steps=progress.step,
            images_seen=progress.step * config.images_per_step,
            wall_seconds=round(progress.wall_seconds, 1),
            device=runtime.describe(),
            precision=runtime.precision,
            versions=list_versions(),
            git_commit=find_commit(),
        ),
    )
