"""Short evaluations during a run: is it still getting better, and which weights were the best?"""

import numpy as np

from app.data.dataset import ImageDataset
from app.evaluation.evaluate import name_metric
from app.evaluation.frechet_distance import Moments, frechet_from_moments, moments
from app.evaluation.judge import Judge
from app.evaluation.manifold import measure_manifolds
from app.evaluation.reference import choose_rows
from app.evaluation.sampling import draw_samples
from app.generators.base import Generator

REFERENCE_IMAGES = 10_000
COVERAGE_IMAGES = 1000
SEED = 20_000_000
"""Of the samples; far from the ones that people look at."""


class Probe:
    """Compares a few samples with training images, through a judge.

    Its figures are for watching one run: they are against images that the generator has seen, and of few samples, so
    they are no figures of quality.
    """

    def __init__(self, dataset: ImageDataset, judge: Judge, *, num_samples: int) -> None:
        self._judge = judge
        self._num_samples = num_samples
        rows = choose_rows(dataset.num_images)[:REFERENCE_IMAGES]
        self._shares: list[int] = np.bincount(dataset.labels[rows]).tolist()
        features = judge.features(dataset.images[rows])
        self._moments: Moments = moments(features)
        self._features = features[:COVERAGE_IMAGES]

    def measure(self, generator: Generator) -> dict[str, float]:
        """Return the Frechet distance and coverage of an averaged generator; their names say of how many samples."""
        shares = self._shares if generator.num_classes else None
        samples = draw_samples(generator, self._num_samples, seed=SEED, shares=shares)
        features = self._judge.features(samples.images)
        near = measure_manifolds(self._features, features[:COVERAGE_IMAGES])
        return {
            name_metric("fid", len(features), "train"): frechet_from_moments(self._moments, moments(features)),
            name_metric("coverage", len(self._features), "train"): near.coverage,
        }
