"""Kernel distance between features of real and generated images (KID): unbiased, so small counts can be compared."""

import numpy as np
from jaxtyping import Float64

from app.evaluation.arrays import Estimate, GeneratedFeatures, RealFeatures, require_rows, summarise


def kernel_distance(
    real: RealFeatures,
    generated: GeneratedFeatures,
    *,
    num_subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> Estimate:
    """Measure the squared maximum mean discrepancy with a cubic kernel, averaged over random subsets: 0 is best.

    The floor of an ideal sampler is exactly 0 at any count, so single figures may be below 0.

    Args:
        real: Features of real images.
        generated: Features of generated images, from the same network.
        num_subsets: Subsets that are drawn, at least 1.
        subset_size: Rows of each, without repetition; the smaller set's count when that is less. With all rows of
            both sets in every subset the deviation is 0 and says nothing.
        seed: Of the subsets.

    Returns:
        Mean and deviation over the subsets.

    Raises:
        ValueError: If a set has fewer than two rows, entries are not finite, or there would be no subset of two.

    Source:
        Binkowski et al. 2018, "Demystifying MMD GANs", section 4; the estimator is that of Gretton et al. 2012, "A
        kernel two-sample test", equation 3.
    """
    require_rows("real", real, minimum=2)
    require_rows("generated", generated, minimum=2)
    if num_subsets < 1 or subset_size < 2:  # noqa: PLR2004 - pairs within a subset
        raise ValueError(f"{num_subsets} subsets of {subset_size} rows: at least 1 of 2 are needed")
    size = min(subset_size, len(real), len(generated))
    rng = np.random.default_rng(seed)

    subsets = [[rng.choice(len(rows), size, replace=False) for rows in (real, generated)] for _ in range(num_subsets)]
    return summarise([squared_discrepancy(real[x], generated[y]) for x, y in subsets])


def squared_discrepancy(x: Float64[np.ndarray, "n d"], y: Float64[np.ndarray, "m d"]) -> float:
    """Estimate the squared maximum mean discrepancy of two sets, without bias; pairs of a row with itself are left out.

    Costs n x m, n x n and m x m kernel values, all held at once.
    """
    between = cubic_kernel(x, y).mean()
    return float(_mean_of_pairs(x) + _mean_of_pairs(y) - 2.0 * between)


def cubic_kernel(x: Float64[np.ndarray, "n d"], y: Float64[np.ndarray, "m d"]) -> Float64[np.ndarray, "n m"]:
    """Return ``(x y / d + 1)^3`` for each pair; d is the length of a row."""
    base: np.ndarray = x @ y.T
    base /= x.shape[1]
    base += 1.0
    cube: np.ndarray = base * base * base
    return cube


def _mean_of_pairs(rows: Float64[np.ndarray, "n d"]) -> float:
    kernel = cubic_kernel(rows, rows)
    return float((kernel.sum() - np.trace(kernel)) / (len(rows) * (len(rows) - 1)))
