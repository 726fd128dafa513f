"""Precision, recall, density and coverage: quality and variety apart, from balls around the nearest neighbours."""

from dataclasses import dataclass

import numpy as np

from app.evaluation.arrays import GeneratedFeatures, RealFeatures, require_rows
from app.evaluation.distances import squared_distance_blocks, squared_neighbour_distances, squared_norms


@dataclass(frozen=True)
class Manifolds:
    """How two sets of features lie in each other; higher is better.

    Attributes:
        precision: Share of generated rows inside the ball of any real row.
        recall: Share of real rows inside the ball of any generated row.
        density: Real balls around a generated row, relative to k; 1 on average for an ideal sampler, and may be above.
        coverage: Share of real balls that hold a generated row; for an ideal sampler see ``expected_coverage``.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def measure_manifolds(real: RealFeatures, generated: GeneratedFeatures, *, neighbours: int = 5) -> Manifolds:
    """Compare the neighbourhoods of real and generated features.

    A ball reaches from its centre to the k-th nearest row of its own set. All four figures come from one pass over the
    distances between the sets, in float64. The boundary is inside, with what lies within rounding of it: only copies
    and discrete features lie there, and a copy of a real row belongs inside its ball even when that has radius 0.

    For an ideal sampler precision equals recall on average at equal counts; there is no closed form: measure it with
    a second set of real features. Costs time in n^2 d and memory in n d; blocks stay below 100 MiB.

    Args:
        real: Features of real images.
        generated: Features of generated images, from the same network; best as many as real ones.
        neighbours: k; part of the figures' name where it is not 5.

    Returns:
        The four figures; all but density in [0, 1].

    Raises:
        ValueError: If a set has not more than k rows, or entries that are not finite.

    Source:
        Kynkaanniemi et al. 2019, "Improved precision and recall metric for assessing generative models", equations 1
        and 2; Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models", section 3.
    """
    if neighbours < 1:
        raise ValueError(f"{neighbours} neighbours: at least 1 is needed")
    require_rows("real", real, minimum=neighbours + 1)
    require_rows("generated", generated, minimum=neighbours + 1)
    centre = real.mean(axis=0)
    return _measure(real - centre, generated - centre, neighbours)


def _measure(real: RealFeatures, generated: GeneratedFeatures, neighbours: int) -> Manifolds:
    rounding = 4.0 * real.shape[1] * np.finfo(np.float64).eps
    slack = rounding * max(squared_norms(real).max(), squared_norms(generated).max())
    real_radii = squared_neighbour_distances(real, neighbours) + slack
    generated_radii = squared_neighbour_distances(generated, neighbours) + slack
    is_precise = np.zeros(len(generated), dtype=bool)
    is_recalled, is_covered = np.zeros((2, len(real)), dtype=bool)
    balls = 0
    for part, block in squared_distance_blocks(generated, real):
        in_real_ball = block <= real_radii
        balls += int(np.count_nonzero(in_real_ball))
        is_precise[part] = in_real_ball.any(axis=1)
        is_covered |= in_real_ball.any(axis=0)
        is_recalled |= (block <= generated_radii[part, None]).any(axis=0)
    return Manifolds(
        precision=float(is_precise.mean()),
        recall=float(is_recalled.mean()),
        density=balls / (neighbours * len(generated)),
        coverage=float(is_covered.mean()),
    )


def expected_coverage(num_real: int, num_generated: int, *, neighbours: int = 5) -> float:
    """Return the coverage of an ideal sampler, in (0, 1): a real ball is missed when its k nearest rows are all real.

    Raises:
        ValueError: If there are not more than k real rows, or no generated ones.

    Source:
        Naeem et al. 2020, lemma 2; about ``1 - 2^-k`` at equal counts.
    """
    if not 1 <= neighbours < num_real or num_generated < 1:
        raise ValueError(f"{num_real} real and {num_generated} generated rows are too few for {neighbours} neighbours")
    rank = np.arange(1, neighbours + 1)
    return 1.0 - float(np.prod((num_real - rank) / (num_real + num_generated - rank)))
