"""The inputs of a batch: latents of all runs, each scaled by its truncation."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.core.seeds import LatentPrior, Stream, draw_latents
from app.schemas.jobs import IndexRun, PathRun, RowsRun, Run, VariationRun

Latents = NDArray[np.float32]

_COPIES_BITS = 32  # of a variation's number; the image's number is above them


def draw_run_latents(runs: Sequence[Run], latent_dim: int, prior: LatentPrior = "normal") -> Latents:
    """Draw the latents of runs, one run after the other.

    Always computed here, on the CPU: latents are the same for every device.

    Returns:
        Numbers of the prior times each run's truncation, shape (samples, latent_dim).
    """
    samples = [run for run in runs if isinstance(run, IndexRun | RowsRun)]
    if len(samples) == len(runs):
        latents = _draw_samples(samples, latent_dim, prior)
    else:
        latents = np.concatenate([_draw_run(run, latent_dim, prior) for run in runs])
    if any(run.truncation != 1 for run in runs):
        factors = np.array([run.truncation for run in runs], dtype=np.float32)
        latents *= np.repeat(factors, [run.count for run in runs])[:, None]
    return latents


def _draw_run(run: Run, latent_dim: int, prior: LatentPrior) -> Latents:
    match run:
        case PathRun():
            return _draw_path(run, latent_dim, prior)
        case VariationRun():
            return _draw_variations(run, latent_dim)
        case IndexRun() | RowsRun():
            return _draw_samples([run], latent_dim, prior)


def _draw_samples(runs: Sequence[IndexRun | RowsRun], latent_dim: int, prior: LatentPrior) -> Latents:
    """Draw all runs in one go."""
    seeds = np.repeat(np.array([run.seed for run in runs], dtype=np.uint64), [run.count for run in runs])
    indices = np.concatenate([list_indices(run) for run in runs])
    return draw_latents(seeds, indices, latent_dim, prior)


def list_indices(run: IndexRun | RowsRun) -> NDArray[np.int64]:
    """Return the number of each sample of a run within its seed, shape (run.count,)."""
    if isinstance(run, RowsRun):
        return np.frombuffer(run.indices, dtype="<i8")
    return run.first_index + np.arange(run.count, dtype=np.int64)


def _draw_path(run: PathRun, latent_dim: int, prior: LatentPrior) -> Latents:
    """Mix the latents of both ends; on the spherical path with weights whose squares add up to 1.

    Latents of a normal prior lie near a sphere, and a straight line cuts through it, where the generator has not been.
    Sums of independent normal numbers with such weights are normal again. Square roots are exact where sines are not:
    the latents are the same on every processor.

    Source:
        White 2016, "Sampling generative networks", section 2.1, for why a path should follow the sphere.
    """
    seeds = np.array([run.from_seed, run.to_seed], dtype=np.uint64)
    ends = draw_latents(seeds, np.array([run.from_index, run.to_index], dtype=np.int64), latent_dim, prior)
    there = (run.first_frame + np.arange(run.count)) / (run.num_frames - 1)
    weights = np.stack([1.0 - there, there])
    if run.is_spherical:
        weights /= np.sqrt(np.square(weights).sum(axis=0))
    mixed: Latents = (weights[0][:, None] * ends[0] + weights[1][:, None] * ends[1]).astype(np.float32)
    return mixed


def _draw_variations(run: VariationRun, latent_dim: int) -> Latents:
    """Mix the latents of images with new ones, so that those of a normal prior stay normal."""
    images, copies = np.divmod(run.skip + np.arange(run.count, dtype=np.int64), run.copies)
    known = np.frombuffer(run.latents, dtype="<f4").reshape(-1, latent_dim)[images].astype(np.float64)
    numbers = ((run.first_image + images) << _COPIES_BITS) + run.first_copy + copies
    drawn = draw_latents(run.seed, numbers, latent_dim, stream=Stream.VARIATION)
    mixed: Latents = (np.sqrt(1.0 - run.strength**2) * known + run.strength * drawn).astype(np.float32)
    return mixed
