"""What is watched while a run goes on: its log, and whether it goes wrong."""

from collections.abc import Mapping

from app.training.run import RunFolder
from app.training.trainer import Trainer

STARVED_LOSS = 0.05


class Monitor:
    """Writes the log and says in words what looks wrong."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run

    def observe(self, step: int, means: Mapping[str, float], *, images_per_second: float) -> list[str]:
        """Take note of a log line; returns findings in words."""
        entry = {"step": step, "images_per_second": round(images_per_second, 1)}
        self._run.append_log(entry | {name: round(value, 6) for name, value in means.items()})
        loss = means.get("discriminator_loss")
        if loss is not None and loss < STARVED_LOSS:
            return [f"the discriminator wins: its loss is {loss:.3f}; raise r1_gamma, r2_gamma"]
        return []

    def look(self, trainer: Trainer, step: int) -> bool:  # noqa: ARG002
        """Look at samples at a snapshot; returns whether the run should end."""
        return False
