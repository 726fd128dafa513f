"""Gamma, beta and Dirichlet numbers from counters: a fixed number of uniform ones for each.

Logarithms and powers differ in the last bit between processors; what is returned is rounded to ``STEP``, so that draws
are the same on all of them.
"""

import numpy as np

from app.augmentation.draws import F64
from app.core.seeds import normal_quantile

STEP = 2.0**-20
MIN_ALPHA, MAX_ALPHA = 0.05, 100.0
_TRIES = 8
GAMMA_WORDS = 2 * _TRIES + 1
BETA_WORDS = 2 * GAMMA_WORDS


def beta(uniform: F64, alpha: float) -> F64:
    """Draw from the symmetric beta distribution.

    Args:
        uniform: Numbers in (0, 1), shape (n, BETA_WORDS).
        alpha: Both parameters, in [MIN_ALPHA, MAX_ALPHA].

    Returns:
        Multiples of ``STEP`` in [0, 1], shape (n,).
    """
    return dirichlet(uniform, alpha, 2)[:, 0]


def dirichlet(uniform: F64, alpha: float, parts: int) -> F64:
    """Draw from the symmetric Dirichlet distribution.

    Args:
        uniform: Numbers in (0, 1), shape (n, parts * GAMMA_WORDS).
        alpha: All parameters, in [MIN_ALPHA, MAX_ALPHA].
        parts: How many shares.

    Returns:
        Multiples of ``STEP`` in [0, 1], shape (n, parts); rows sum to 1 exactly.
    """
    drawn = gamma(uniform.reshape(-1, GAMMA_WORDS), alpha).reshape(-1, parts)
    ends = np.rint(np.cumsum(drawn, axis=1) / drawn.sum(axis=1, keepdims=True) / STEP) * STEP
    ends[:, -1] = 1
    return np.diff(ends, axis=1, prepend=0)


def gamma(uniform: F64, alpha: float) -> F64:
    """Draw from the gamma distribution of scale 1.

    Of eight tries one fails in twenty at most; the mean stands in for the one in 10**10 of which all do.

    Args:
        uniform: Numbers in (0, 1), shape (n, GAMMA_WORDS).
        alpha: Above 0.

    Returns:
        Above 0, shape (n,).

    Source:
        Marsaglia and Tsang 2000, "A simple method for generating gamma variables", sections 4 and 6.
    """
    shape = alpha if alpha >= 1 else alpha + 1
    d = shape - 1 / 3
    normal, other = normal_quantile(uniform[:, :_TRIES]), uniform[:, _TRIES:-1]
    cube = np.maximum(1 + normal / np.sqrt(9 * d), 0) ** 3
    bound = 0.5 * normal**2 + d - d * cube + d * np.log(np.where(cube > 0, cube, 1))
    accepted = (cube > 0) & (np.log(other) < bound)
    cube[:, -1] = np.where(accepted.any(axis=1), cube[:, -1], shape / d)
    drawn: F64 = d * np.take_along_axis(cube, _first(accepted)[:, None], axis=1)[:, 0]
    return drawn if alpha >= 1 else drawn * uniform[:, -1] ** (1 / alpha)


def _first(accepted: np.ndarray) -> np.ndarray:
    """Return the place of each row's first, else the last."""
    return np.asarray(np.where(accepted.any(axis=1), accepted.argmax(axis=1), accepted.shape[1] - 1))
