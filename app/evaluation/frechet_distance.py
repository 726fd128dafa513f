"""Frechet distance between features of real and generated images (FID, when the features are Inception's)."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from app.evaluation.arrays import Features, GeneratedFeatures, RealFeatures, require_rows


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and covariance of a set of features: all that the distance needs, so the real ones are computed once.

    Attributes:
        mean: Mean of the rows.
        covariance: Unbiased covariance; of rank below the number of rows.
        count: Rows behind them.
    """

    mean: Float64[np.ndarray, " d"]
    covariance: Float64[np.ndarray, "d d"]
    count: int


def moments(features: Features) -> Moments:
    """Compute mean and covariance.

    Raises:
        ValueError: If there are fewer than two rows, or entries that are not finite.
    """
    require_rows("features", features, minimum=2)
    mean = features.mean(axis=0)
    centred = features - mean
    return Moments(mean, centred.T @ centred / (len(features) - 1), len(features))


def frechet_distance(real: RealFeatures, generated: GeneratedFeatures) -> float:
    """Measure how far two sets of features are apart, as two normal distributions: 0 is best.

    Biased: sets of one distribution score above 0, the more the fewer rows there are; ``expected_floor`` says how much.
    Figures compare only at the same count, features and reference.

    Args:
        real: Features of real images.
        generated: Features of generated images, from the same network.

    Returns:
        The squared Frechet distance, at least 0, in squared units of the features; symmetric.

    Raises:
        ValueError: If a set has fewer than two rows, or entries that are not finite.

    Source:
        Heusel et al. 2017, "GANs trained by a two time-scale update rule", equation 6.
    """
    return frechet_from_moments(moments(real), moments(generated))


def frechet_from_moments(a: Moments, b: Moments) -> float:
    """Measure the squared Frechet distance of two normal distributions, ``|m - n|^2 + tr(A + B - 2 (A B)^1/2)``.

    With ``A = F F'`` and ``B = G G'`` the trace of the root is the sum of the singular values of ``F' G``. Nothing is
    squared on the way, so covariances without full rank lose no digits, unlike with a root of the product.

    Raises:
        ValueError: If the features have different lengths.
    """
    if len(a.mean) != len(b.mean):
        raise ValueError(f"features have {len(a.mean)} and {len(b.mean)} entries: they are of different networks")
    overlap = np.linalg.svd(_factor(a.covariance).T @ _factor(b.covariance), compute_uv=False).sum()
    means = np.square(a.mean - b.mean).sum()
    distance = means + np.trace(a.covariance) + np.trace(b.covariance) - 2.0 * overlap
    return max(0.0, float(distance))  # rounding may leave equal sets just below 0


def expected_floor(reference: Moments, num_generated: int) -> float:
    """Return what an ideal sampler scores on average against this reference, were the features normal.

    To first order in 1/n. Features of networks have heavier tails, and the splits of real data differ: the distance
    between two splits of real images stays the floor to quote, and this is the part of it that counts alone explain.

    Args:
        reference: Moments of the real features.
        num_generated: Generated rows, at least 2.

    Raises:
        ValueError: If there are fewer than two generated rows.

    Source:
        Own derivation: the distance to a covariance with eigenvalues l that is moved by a small H is
        ``1/2 sum_ij H_ij^2 / (l_i + l_j)`` (the metric in Bhatia et al. 2019, "On the Bures-Wasserstein distance
        between positive definite matrices"), here averaged over the noise of sample covariances.
    """
    if num_generated < 2:  # noqa: PLR2004 - as for the moments
        raise ValueError(f"{num_generated} generated rows, and a covariance needs at least 2")
    values = _positive(np.linalg.eigvalsh(reference.covariance))
    pairs = values[:, None] * values / (values[:, None] + values)
    of_covariance = 0.5 * (pairs.sum() + np.trace(pairs))
    of_mean = np.trace(reference.covariance)
    return float((1.0 / reference.count + 1.0 / num_generated) * (of_mean + of_covariance))


def _factor(covariance: Float64[np.ndarray, "d d"]) -> Float64[np.ndarray, "d rank"]:
    """Return F with ``F F'`` the covariance, and as many columns as it has rank."""
    values, vectors = np.linalg.eigh(covariance)
    kept = _positive(values)
    factor: np.ndarray = vectors[:, len(values) - len(kept) :] * np.sqrt(kept)
    return factor


def _positive(values: Float64[np.ndarray, " d"]) -> Float64[np.ndarray, " rank"]:
    """Drop the eigenvalues, in rising order, that are zero but for rounding; NumPy's bound for the rank of a matrix."""
    kept: np.ndarray = values[values > max(0.0, values[-1]) * len(values) * np.finfo(np.float64).eps]
    return kept
