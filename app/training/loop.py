"""The loop: batches to steps, steps to a log, snapshots and sample grids; stops cleanly when asked."""

import dataclasses
import json
import math
import time
from collections.abc import Callable, Mapping

from torch import Tensor

from app.core.errors import DivergedError
from app.imaging.codec import encode_png
from app.training.adversarial import AdversarialTrainer
from app.training.batches import BatchSource
from app.training.preview import draw_preview
from app.training.run import RunFolder
from app.training.snapshot import Progress, load_snapshot, save_snapshot

PREVIEW_SEED = 0
STARVED_LOSS = 0.05


@dataclasses.dataclass(frozen=True)
class Report:
    """What a log line says: means since the last one."""

    step: int
    steps: int
    losses: Mapping[str, float]
    images_per_second: float
    warning: str | None = None


class Window:
    """Means of losses and speed since the last log line."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._images = 0
        self._start = time.monotonic()

    def add(self, losses: Mapping[str, Tensor], num_images: int) -> None:
        """Count one step."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value)
            self._counts[name] = self._counts.get(name, 0) + 1
        self._images += num_images

    def means(self) -> dict[str, float]:
        """Return the mean of each loss over the steps that had it."""
        return {name: total / self._counts[name] for name, total in self._sums.items()}

    def images_per_second(self) -> float:
        """Return real images per second of wall time."""
        return self._images / max(time.monotonic() - self._start, 1e-9)


def train(
    run: RunFolder,
    trainer: AdversarialTrainer,
    batches: BatchSource,
    *,
    should_stop: Callable[[], bool],
    on_start: Callable[[Progress], None],
    on_report: Callable[[Report], None],
) -> Progress:
    """Go on from the newest snapshot, if there is one, to the end or until asked to stop.

    A snapshot is written at every interval, at the end, and when asked to stop.

    Returns:
        How far the run came; ``step`` equals the configured steps when it is complete.

    Raises:
        DivergedError: If a loss is no longer finite; the last snapshot is from before.
        SnapshotError: If the newest snapshot cannot be used.
    """
    schedule = trainer.config.schedule
    latest = run.latest_snapshot()
    progress = load_snapshot(latest, trainer) if latest else Progress(0, 0.0)
    on_start(progress)
    started = time.monotonic() - progress.wall_seconds
    window = Window()
    for step in range(progress.step, schedule.steps):
        images, labels = batches.batch(step)
        window.add(trainer.step(step, images, labels), len(images))
        done = step + 1
        stop = should_stop()
        last = stop or done == schedule.steps
        if last or done % schedule.log_interval == 0:
            _log(run, window, done, schedule.steps, on_report)
            window = Window()
        if last or done % schedule.snapshot_interval == 0:
            _check_finite(window.means(), done)
            progress = Progress(done, time.monotonic() - started)
            save_snapshot(run.snapshots, trainer, progress)
            _save_grid(run, trainer, done)
        if stop:
            break
    return progress


def _log(run: RunFolder, window: Window, step: int, steps: int, on_report: Callable[[Report], None]) -> None:
    means = window.means()
    _check_finite(means, step)
    report = Report(step, steps, means, window.images_per_second(), _warn(means))
    entry = {"step": step, "images_per_second": round(report.images_per_second, 1)}
    run.append_log(entry | {name: round(value, 6) for name, value in means.items()})
    on_report(report)


def _check_finite(means: Mapping[str, float], step: int) -> None:
    """Stop before a broken state is written over a sound one."""
    if not all(math.isfinite(value) for value in means.values()):
        raise DivergedError(
            f"a loss is not finite at step {step}; lower the learning rates or raise r1_gamma, r2_gamma"
        )


def _warn(means: Mapping[str, float]) -> str | None:
    loss = means["discriminator_loss"]
    if loss < STARVED_LOSS:
        return (
            f"the discriminator wins: its loss is {loss:.3f}, so the generator learns little; raise r1_gamma, r2_gamma"
        )
    return None


def _save_grid(run: RunFolder, trainer: AdversarialTrainer, step: int) -> None:
    sheet = draw_preview(trainer.averager.average, seed=PREVIEW_SEED)
    (run.grids / f"step-{step:09d}.png").write_bytes(encode_png(sheet, json.dumps({"step": step})))
