"""The inputs of a batch: latents of all runs in one draw, scaled by each run's truncation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.core.seeds import LatentPrior, draw_latents
from app.schemas.jobs import IndexRun


def draw_run_latents(runs: Sequence[IndexRun], latent_dim: int, prior: LatentPrior = "normal") -> NDArray[np.float32]:
    """Draw the latents of runs, one run after the other.

    Always computed here, on the CPU: latents are the same for every device.

    Returns:
        Numbers of the prior times each run's truncation, shape (samples, latent_dim).
    """
    counts = [run.count for run in runs]
    seeds = np.repeat(np.array([run.seed for run in runs], dtype=np.uint64), counts)
    indices = np.concatenate([run.first_index + np.arange(run.count, dtype=np.int64) for run in runs])
    latents = draw_latents(seeds, indices, latent_dim, prior)
    if any(run.truncation != 1 for run in runs):
        factors = np.array([run.truncation for run in runs], dtype=np.float32)
        latents *= np.repeat(factors, counts)[:, None]
    return latents
