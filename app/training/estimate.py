"""What a run will cost, from a few steps of it."""

import dataclasses
import resource
import sys
import time
from collections.abc import Callable

import torch

from app.training.batching.batches import BatchSource
from app.training.trainers.trainer import Trainer

TRIALS = 3


@dataclasses.dataclass(frozen=True)
class Estimate:
    """Measured on the device that would train."""

    seconds: float
    images_per_second: float
    memory_bytes: int


def estimate_run(trainer: Trainer, batches: BatchSource) -> Estimate:
    """Run a few steps with and without penalty and scale them to the whole run; the trainer is spent afterwards."""
    config = trainer.config
    interval = config.objective.penalty_interval
    with_penalty = _time_step(trainer, batches, lambda trial: trial * interval)
    without = _time_step(trainer, batches, lambda trial: trial * interval + 1) if interval > 1 else with_penalty
    per_step = (with_penalty + (interval - 1) * without) / interval
    return Estimate(
        seconds=config.schedule.time_budget_s or per_step * config.schedule.steps,
        images_per_second=config.images_per_step / per_step,
        memory_bytes=_peak_memory(trainer),
    )


def _time_step(trainer: Trainer, batches: BatchSource, choose: Callable[[int], int]) -> float:
    """Return the fastest of a few steps, in seconds; the first one pays for warming up."""
    times = []
    for trial in range(TRIALS):
        step = choose(trial)
        start = time.perf_counter()
        losses = trainer.step(step, 0.0, *batches.batch(step))
        float(next(iter(losses.values())))
        times.append(time.perf_counter() - start)
    return min(times)


def _peak_memory(trainer: Trainer) -> int:
    if trainer.runtime.device.type == "cuda":
        return torch.cuda.max_memory_allocated(trainer.runtime.device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def describe_duration(seconds: float) -> str:
    """Write a duration as a person would: ``40 s``, ``6 min``, ``2.5 h``."""
    if seconds < 100:  # noqa: PLR2004 - shorter in seconds
        return f"{seconds:.0f} s"
    if seconds < 100 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
