"""What is watched while a run goes on: its log, its samples, its figures; and the best weights so far."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from app.generators.checkpoint import dump_weights
from app.generators.sheet import sheet_labels
from app.imaging.codec import encode_png
from app.training.config import TrainingConfig
from app.training.monitoring.diversity import measure_spread
from app.training.monitoring.preview import draw_grid, sample_grid
from app.training.monitoring.probe import Probe
from app.training.monitoring.tensorboard import TensorBoardWriter
from app.training.monitoring.watch import Finding, Watch
from app.training.runs.run import RunFolder
from app.training.trainers.trainer import Trainer

PREVIEW_SEED = 0


class Monitor:
    """Writes the log and the grids, says in words what looks wrong, and keeps the weights with the best FID.

    Args:
        run: Where everything is written.
        config: Of the run.
        watch: Judges what is seen.
        probe: Short evaluations at snapshots; None to go without.
    """

    def __init__(self, run: RunFolder, config: TrainingConfig, watch: Watch, probe: Probe | None) -> None:
        self._run = run
        self._config = config
        self._watch = watch
        self._probe = probe
        self._board: TensorBoardWriter | None = None
        memory = run.read_memory()
        self._best: dict[str, Any] | None = memory.get("best")
        if "watch" in memory:
            watch.load_state(memory["watch"])

    def start(self, step: int) -> None:
        """Get ready for what comes after a step."""
        if self._config.monitor.tensorboard:
            self._board = TensorBoardWriter(self._run.path / "tensorboard", first_step=step)

    def observe(self, step: int, means: Mapping[str, float], *, images_per_second: float) -> list[str]:
        """Take note of a line of the log; returns what looks wrong, in words."""
        figures = {name: round(value, 6) for name, value in means.items()}
        self._run.append_log({"step": step, "images_per_second": round(images_per_second, 1)} | figures)
        if self._board:
            self._board.add_figures(step, {**means, "images_per_second": images_per_second})
        return [finding.sentence for finding in self._watch.read_losses(self._images_seen(step), means)]

    def look(self, trainer: Trainer, step: int) -> list[Finding]:
        """Look at samples of the average: write a grid, evaluate, keep the best weights; returns what looks wrong."""
        generator = trainer.averager.average
        images = sample_grid(generator, seed=PREVIEW_SEED)
        self._write_grid(draw_grid(images, generator.num_classes), step)
        findings = self._watch.look(
            self._images_seen(step), measure_spread(images, sheet_labels(generator.num_classes))
        )
        findings += self._evaluate(trainer, step)
        self._run.write_memory({"best": self._best, "watch": self._watch.state()})
        return findings

    def close(self) -> None:
        """Write out what is still held back."""
        if self._board:
            self._board.close()

    def _evaluate(self, trainer: Trainer, step: int) -> Sequence[Finding]:
        if self._probe is None:
            return []
        figures = self._probe.measure(trainer.averager.average)
        self._run.append_log({"step": step, "evaluation": {name: round(value, 4) for name, value in figures.items()}})
        if self._board:
            self._board.add_figures(step, figures, group="evaluation")
        fid, coverage = figures.values()
        if self._best is None or fid < self._best["fid"]:
            self._best = {"step": step, "fid": fid}
            self._run.write_best(dump_weights(trainer.published_parts()))
        return self._watch.read_coverage(coverage)

    def _write_grid(self, sheet: Any, step: int) -> None:
        (self._run.grids / f"step-{step:09d}.png").write_bytes(encode_png(sheet, json.dumps({"step": step})))
        if self._board:
            self._board.add_sheet(step, sheet)

    def _images_seen(self, step: int) -> int:
        return step * self._config.images_per_step
