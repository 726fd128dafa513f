"""The loop: batches to steps, steps to a log, snapshots and sample grids; stops cleanly when asked."""

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Mapping

from torch import Tensor

from app.core.errors import CollapsedError, DivergedError
from app.training.batching.batches import BatchSource
from app.training.horizon import Horizon
from app.training.monitoring.monitor import Monitor
from app.training.runs.run import RunFolder
from app.training.runs.snapshot import Progress, load_snapshot, save_snapshot
from app.training.trainers.trainer import Trainer


@dataclasses.dataclass(frozen=True)
class Report:
    """What a log line says: means since the last one."""

    step: int
    progress: float
    losses: Mapping[str, float]
    images_per_second: float
    findings: tuple[str, ...] = ()


class Window:
    """Means of losses and speed since the last log line."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}
        self._images = 0
        self._start = time.monotonic()

    def add(self, losses: Mapping[str, Tensor], num_images: int) -> None:
        """Count one step; nothing is waited for."""
        for name, value in losses.items():
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1
        self._images += num_images

    def means(self) -> dict[str, float]:
        """Return the mean of each loss over the steps that had it."""
        return {name: float(total) / self._counts[name] for name, total in self._sums.items()}

    def images_per_second(self) -> float:
        """Return real images per second of wall time."""
        return self._images / max(time.monotonic() - self._start, 1e-9)


class Loop:
    """One run from its newest snapshot, if there is one, to its end or until asked to stop."""

    def __init__(
        self,
        run: RunFolder,
        trainer: Trainer,
        batches: BatchSource,
        monitor: Monitor | None,
        *,
        on_report: Callable[[Report], None],
    ) -> None:
        self._run = run
        self._trainer = trainer
        self._batches = batches
        self._monitor = monitor
        self._on_report = on_report
        self._findings: list[str] = []
        latest = run.latest_snapshot()
        self.progress = load_snapshot(latest, trainer) if latest else Progress(0, 0.0, 0.0)

    def train(self, *, should_stop: Callable[[], bool]) -> Progress:
        """Take steps; a snapshot is written at every interval, at the end, and when asked to stop.

        Returns:
            How far the run came.

        Raises:
            DivergedError: If a loss is no longer finite; the last snapshot is from before.
            CollapsedError: If modes are lost, and the configuration says to stop then.
        """
        if self._monitor is None:
            return self._train(should_stop)
        self._monitor.start(self.progress.step)
        with contextlib.closing(self._monitor):
            return self._train(should_stop)

    def _train(self, should_stop: Callable[[], bool]) -> Progress:
        trainer, schedule = self._trainer, self._trainer.config.schedule
        horizon = Horizon(schedule, elapsed_s=self.progress.budget_seconds, lanes=trainer.lanes)
        started = time.monotonic() - self.progress.wall_seconds
        window = Window()
        step = self.progress.step
        while not self.progress.is_complete:
            progress = horizon.progress(step)
            window.add(trainer.step(step, progress, *self._batches.batch(step)), trainer.config.images_per_step)
            is_last = horizon.is_last(step, progress)
            step += 1
            stop = trainer.lanes.agree(wish=should_stop())
            halts = stop or is_last
            if halts or step % schedule.log_interval == 0:
                self._log(window, step, horizon.progress(step))
                window = Window()
            if halts or step % schedule.snapshot_interval == 0:
                _check_finite(window.means(), step)
                if is_last:
                    trainer.finish(self._batches.dataset)
                is_last = self._look(step) or is_last
                wall_seconds = time.monotonic() - started
                self._save(Progress(step, wall_seconds, horizon.elapsed_s(), is_complete=is_last))
            if stop:
                break
        return self.progress

    def _log(self, window: Window, step: int, progress: float) -> None:
        average = self._trainer.lanes.average
        means = {name: average(value) for name, value in window.means().items()}
        _check_finite(means, step)
        speed = window.images_per_second()
        if self._monitor is not None:
            findings = self._monitor.observe(step, means, images_per_second=speed)
            self._on_report(Report(step, progress, means, speed, (*findings, *self._findings)))
            self._findings = []

    def _look(self, step: int) -> bool:
        """Look at samples; returns whether the run ends here, with the best weights so far.

        Raises:
            CollapsedError: If modes are lost, and the configuration says to stop then.
        """
        findings = self._monitor.look(self._trainer, step) if self._monitor is not None else []
        self._findings = [finding.sentence for finding in findings]
        collapsed = self._trainer.lanes.agree(wish=any(finding.level == "collapse" for finding in findings))
        action = self._trainer.config.monitor.on_collapse
        if collapsed and action == "stop":
            raise CollapsedError(f"stopped at step {step}: {'; '.join(self._findings)}")
        return collapsed and action == "restore"

    def _save(self, progress: Progress) -> None:
        self.progress = progress
        if self._trainer.lanes.is_first:
            save_snapshot(self._run.snapshots, self._trainer, progress)


def _check_finite(means: Mapping[str, float], step: int) -> None:
    """Stop before a broken state is written over a sound one."""
    if not all(math.isfinite(value) for value in means.values()):
        raise DivergedError(
            f"a loss is not finite at step {step}; lower the learning rates or raise r1_gamma, r2_gamma"
        )
