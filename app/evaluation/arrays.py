"""What the metrics share: the arrays they read, the input that all of them refuse, and an estimate with its spread."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

Features = Float64[np.ndarray, "n d"]
Probabilities = Float64[np.ndarray, "n k"]
Classes = Int64[np.ndarray, " n"]
RealFeatures = Float64[np.ndarray, "real d"]
GeneratedFeatures = Float64[np.ndarray, "generated d"]


@dataclass(frozen=True)
class Estimate:
    """A figure measured on several parts of the samples.

    Attributes:
        value: Mean over the parts.
        deviation: Standard deviation over the parts, 0 for a single one: how much parts differ, not an interval.
    """

    value: float
    deviation: float


def summarise(values: list[float]) -> Estimate:
    """Average the figures of the parts; the deviation divides by their number, as published figures do."""
    return Estimate(float(np.mean(values)), float(np.std(values)))


def require_rows(name: str, rows: Features, *, minimum: int = 1) -> None:
    """Refuse what no metric has an answer for.

    Args:
        name: What the rows are, for the message.
        rows: Features or probabilities.
        minimum: Fewest rows that the metric is defined for.

    Raises:
        ValueError: If there are fewer rows, no columns, or entries that are not finite.
    """
    if len(rows) < minimum:
        raise ValueError(f"{name}: {len(rows)} rows, and this metric needs at least {minimum}")
    if rows.shape[1] == 0:
        raise ValueError(f"{name}: rows have no entries")
    if not np.isfinite(rows).all():
        raise ValueError(f"{name}: {np.count_nonzero(~np.isfinite(rows))} entries are not finite")


def require_classes(name: str, classes: Classes, num_classes: int) -> None:
    """Refuse an empty list of class numbers, and numbers of classes that do not exist.

    Raises:
        ValueError: If there are none, or one is outside [0, num_classes).
    """
    if len(classes) == 0:
        raise ValueError(f"{name}: there are none")
    if classes.min() < 0 or classes.max() >= num_classes:
        raise ValueError(f"{name}: {classes.min()} to {classes.max()}, and classes are 0 to {num_classes - 1}")
