"""Intervals of means over a few seeds, by Student's distribution; knows nothing of what was measured."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_ROUNDS = 200  # halvings, until neighbouring floats are reached


class Interval(NamedTuple):
    """A mean, and where the true one lies with a stated confidence."""

    mean: float
    low: float
    high: float


def student_interval(values: Sequence[float], *, confidence: float = 0.95, comparisons: int = 1) -> Interval:
    """Estimate a mean from a few independent values.

    Args:
        values: At least two, taken as draws from a normal distribution.
        confidence: In (0, 1).
        comparisons: How many means are estimated together; each interval is widened, so that all of them hold at once
            with this confidence. The best of several is partly luck, and needs it.

    Returns:
        The mean and both ends.

    Raises:
        ValueError: If there are fewer than two values.

    Source:
        Student 1908, "The probable error of a mean"; Dunn 1961, "Multiple comparisons among means" (Bonferroni).
    """
    if len(values) < 2:  # noqa: PLR2004 - one value has no spread
        raise ValueError("an interval needs at least two values")
    mean = float(np.mean(values))
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values))
    reach = student_quantile(1 - (1 - confidence) / (2 * comparisons), len(values) - 1) * error
    return Interval(mean, mean - reach, mean + reach)


def student_quantile(probability: float, degrees: int) -> float:
    """Invert Student's distribution function, to 12 digits.

    Args:
        probability: In [0.5, 1).
        degrees: Degrees of freedom, at least 1.
    """
    low, high = 0.0, math.pi / 2
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        low, high = (middle, high) if _central_probability(middle, degrees) < 2 * probability - 1 else (low, middle)
    return math.sqrt(degrees) * math.tan(low)


def _central_probability(angle: float, degrees: int) -> float:
    """Return the probability of ``|t| <= sqrt(degrees) * tan(angle)``.

    Source:
        Abramowitz and Stegun 1964, 26.7.3 and 26.7.4.
    """
    sine, cosine = math.sin(angle), math.cos(angle)
    term, total = (cosine if degrees % 2 else 1.0), 0.0
    for power in range(1 + degrees % 2, degrees, 2):
        total += term
        term *= cosine**2 * power / (power + 1)
    return 2 / math.pi * (angle + sine * total) if degrees % 2 else sine * total
