"""Inception Score: whether each image is clearly of one class, and all classes occur; reads no real image."""

import numpy as np

from app.evaluation.arrays import Estimate, Probabilities, require_rows, summarise

_TOLERANCE = 1e-4  # of a row's sum: a softmax in float32 is far closer


def inception_score(probabilities: Probabilities, *, splits: int = 10, seed: int = 0) -> Estimate:
    """Measure ``exp(mean KL(p(class | image) || p(class)))`` within each of several parts: higher is better.

    From 1, where images say nothing about classes, to the number of classes k; an ideal sampler scores what real images
    do. A part of n images underestimates, by up to about ``(k - 1) / (2 n)`` of the score, so state the counts.

    Args:
        probabilities: Class probabilities of generated images; rows sum to 1.
        splits: Parts of equal size, but for the remainder. Rows are shuffled first, so a set that is sorted by class
            scores as any other order; with one part the order has no influence at all.
        seed: Of the shuffle.

    Returns:
        Mean and deviation over the parts.

    Raises:
        ValueError: If there are fewer rows than parts, or a row is no distribution.

    Source:
        Salimans et al. 2016, "Improved techniques for training GANs", section 4; ten parts as there.
    """
    if splits < 1:
        raise ValueError(f"{splits} splits: at least 1 is needed")
    require_rows("probabilities", probabilities, minimum=splits)
    if probabilities.min() < 0.0 or np.abs(probabilities.sum(axis=1) - 1.0).max() > _TOLERANCE:
        raise ValueError("probabilities: every row must be at least 0 and sum to 1")
    order = np.random.default_rng(seed).permutation(len(probabilities))
    return summarise([_score(probabilities[rows]) for rows in np.array_split(order, splits)])


def _score(probabilities: Probabilities) -> float:
    """Return the score of one part: the mean divergence is what the classes' entropy exceeds that of an image by."""
    marginal = probabilities.mean(axis=0, keepdims=True)
    divergence = _mean_negative_entropy(probabilities) - _mean_negative_entropy(marginal)
    return float(np.exp(max(0.0, divergence)))


def _mean_negative_entropy(probabilities: Probabilities) -> float:
    logarithms = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0.0)
    return float(np.einsum("nk,nk->", probabilities, logarithms) / len(probabilities))
