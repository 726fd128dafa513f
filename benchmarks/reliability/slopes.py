"""How fast a figure grows, and how sure one may be of that."""

import dataclasses
import statistics
from collections.abc import Sequence

_BLOCKS = 16
_STUDENT = 2.145  # two-sided 95 % for 14 degrees of freedom
_LEAST = 3


@dataclasses.dataclass(frozen=True)
class Slope:
    """Growth per second, and half the width of its 95 % interval."""

    per_s: float
    error_per_s: float

    def per_hour(self) -> tuple[float, float]:
        """Return both per hour."""
        return 3600 * self.per_s, 3600 * self.error_per_s


def fit_slope(times: Sequence[float], values: Sequence[float]) -> Slope:
    """Fit a straight line by least squares.

    Neighbouring samples of memory are alike, so they are averaged in blocks first: the error counts blocks.

    Args:
        times: In seconds, ascending.
        values: As many.

    Returns:
        The slope; with fewer than three samples it is 0 and its error infinite.
    """
    x, y = _average(times), _average(values)
    if len(x) < _LEAST:
        return Slope(0.0, float("inf"))
    fit = statistics.linear_regression(x, y)
    residuals = [value - (fit.intercept + fit.slope * at) for at, value in zip(x, y, strict=True)]
    spread = sum((at - statistics.fmean(x)) ** 2 for at in x)
    variance = sum(residual**2 for residual in residuals) / (len(x) - 2)
    return Slope(fit.slope, _STUDENT * (variance / spread) ** 0.5)


def _average(values: Sequence[float]) -> list[float]:
    size = max(1, len(values) // _BLOCKS)
    return [statistics.fmean(values[start : start + size]) for start in range(0, len(values) - size + 1, size)]
