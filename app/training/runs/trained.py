"""What a run has trained."""

import dataclasses

from app.generators.checkpoint import load_parts
from app.training.runs.run import RunFolder
from app.training.runs.snapshot import Progress
from app.training.trainers.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """Where a run stands, at its end or where it was stopped."""

    run: RunFolder
    trainer: Trainer
    progress: Progress

    @property
    def is_complete(self) -> bool:
        """Whether the run came to its end."""
        return self.progress.is_complete


def restore_best(run: RunFolder, trainer: Trainer) -> None:
    """Put the averaged networks back to where they were best, where the run compared."""
    best = run.read_best()
    if best is not None:
        load_parts(trainer.published_parts(), best)
