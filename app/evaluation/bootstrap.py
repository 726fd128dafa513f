"""Intervals of figures, by measuring them again on random halves of the samples.

Halves without repetition, and not resampling with it: repeated rows are neighbours at distance 0, which ruins precision
and coverage, and they lower the rank that a Frechet distance sees. For smooth figures the spread over random halves is
that of the whole set, with no factor: the variance of a mean is twice as large on half of the rows, and drawing the
half without repetition from the same rows leaves one half of that.

Where the number of rows of each class was fixed, every half keeps the proportions: left to chance, the spread would be
mostly that of the class counts.

Only the spread is taken from the halves. A Frechet distance is biased by its count, so its halves lie above the figure;
the interval is centred on the figure itself, which keeps its bias: compare it with figures of the same count.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int64

from app.evaluation.arrays import Classes

Rows = Int64[np.ndarray, " half"]
Interval = tuple[float, float]

DEFAULT_RESAMPLES = 20  # the spread is then known to one sixth, and the quantile of t makes up for it
_MIN_RESAMPLES = 5
_NORMAL_QUANTILE = 1.959963984540054  # of 97.5 %


def bootstrap_interval(
    measure: Callable[[Rows], float],
    num_rows: int,
    *,
    value: float,
    strata: Classes | None = None,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
    bounds: Interval = (-np.inf, np.inf),
) -> Interval:
    """Estimate the 95 % interval of a figure, for other samples of the same generator.

    Args:
        measure: Computes the figure from the samples in these rows, in rising order; real images stay as they are, so
            two generators that are measured against the same reference can be compared.
        num_rows: Samples there are, at least 2.
        value: The figure on all samples.
        strata: Class of each sample, of which every half takes half; None where nobody chose classes.
        resamples: Halves to draw, at least 5. Each costs one call of ``measure`` on half of the samples.
        seed: Of the halves.
        bounds: Least and greatest value that the figure can have.

    Returns:
        Low and high end, within ``bounds``.

    Raises:
        ValueError: If there are fewer than 2 samples or 5 resamples.

    Source:
        Shao and Wu 1989, "A general theory for jackknife variance estimation", section 2 (delete-d jackknife), with d
        half of the rows and random subsets.
    """
    [interval] = bootstrap_intervals(
        lambda rows: [measure(rows)],
        num_rows,
        values=[value],
        strata=strata,
        resamples=resamples,
        seed=seed,
        bounds=[bounds],
    )
    return interval


def bootstrap_intervals(
    measure: Callable[[Rows], Sequence[float]],
    num_rows: int,
    *,
    values: Sequence[float],
    strata: Classes | None = None,
    resamples: int = DEFAULT_RESAMPLES,
    seed: int = 0,
    bounds: Sequence[Interval] | None = None,
) -> list[Interval]:
    """Estimate the intervals of several figures that are measured together; otherwise as ``bootstrap_interval``."""
    if num_rows < 2 or resamples < _MIN_RESAMPLES:  # noqa: PLR2004 - two halves
        raise ValueError(f"{num_rows} rows and {resamples} resamples: at least 2 and {_MIN_RESAMPLES} are needed")
    half = num_rows // 2
    random = np.random.default_rng(seed)
    kinds = np.zeros(num_rows, dtype=np.int64) if strata is None else strata
    figures = [measure(_choose_half(kinds, random)) for _ in range(resamples)]
    # 1 for exact halves; an odd row makes the halves a little too small.
    size_factor = math.sqrt(half / (num_rows - half))
    reach = _t_quantile(resamples - 1) * size_factor * np.std(figures, axis=0, ddof=1)
    limits = bounds or [(-np.inf, np.inf)] * len(values)
    return [
        (float(max(low, value - width)), float(min(high, value + width)))
        for value, width, (low, high) in zip(values, reach, limits, strict=True)
    ]


def _choose_half(strata: Classes, random: np.random.Generator) -> Rows:
    """Draw half of the rows of each class, in rising order: every second one of a shuffled list, class after class."""
    num_rows = len(strata)
    shuffled = random.permutation(num_rows)
    by_class = shuffled[np.argsort(strata[shuffled], kind="stable")]
    start = 1 if num_rows % 2 else int(random.integers(2))
    half: Rows = np.sort(by_class[start::2])
    return half


def _t_quantile(degrees: int) -> float:
    """Return the 97.5 % point of Student's distribution; right to three digits from 4 degrees of freedom.

    Source:
        Abramowitz and Stegun 1964, 26.7.5.
    """
    z = _NORMAL_QUANTILE
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / degrees**power for power, term in enumerate(terms, start=1))
