import numpy as np
import pytest

from app.evaluation import bootstrap
from app.evaluation.bootstrap import bootstrap_interval, bootstrap_intervals
from app.evaluation.frechet_distance import frechet_distance


def interval_of_mean(values, **options):
    return bootstrap_interval(
        lambda rows: float(values[rows].mean()), len(values), value=float(values.mean()), **options
    )


@pytest.mark.parametrize("count", [40, 41, 5], ids=["even", "odd", "few"])
def test_about_95_of_100_intervals_hold_the_true_mean(count):
    random = np.random.default_rng(0)

    intervals = [interval_of_mean(random.normal(size=count), seed=seed) for seed in range(300)]

    held = np.mean([low <= 0.0 <= high for low, high in intervals])
    assert 0.88 < held < 0.99


def test_interval_of_a_mean_is_as_wide_as_theory_says():
    values = np.random.default_rng(1).normal(size=1000)

    low, high = interval_of_mean(values, resamples=400)

    assert pytest.approx(2 * 1.96 * values.std() / np.sqrt(1000), rel=0.1) == high - low
    assert pytest.approx(values.mean()) == (low + high) / 2


def test_a_biased_figure_stays_in_the_middle_of_its_interval():
    random = np.random.default_rng(2)
    real, generated = random.normal(size=(60, 5)), random.normal(0.3, 1.0, size=(60, 5))
    value = frechet_distance(real, generated)

    low, high = bootstrap_interval(lambda rows: frechet_distance(real, generated[rows]), 60, value=value)

    assert low < value < high
    assert pytest.approx(value) == (low + high) / 2


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(3).normal(size=50)

    assert interval_of_mean(values, seed=4) == interval_of_mean(values, seed=4)
    assert interval_of_mean(values, seed=4) != interval_of_mean(values, seed=5)


def test_halves_are_rising_rows_without_repetition():
    seen = []

    bootstrap_interval(lambda rows: float(seen.append(rows) or 0.0), 9, value=0.0, resamples=5)

    assert [4] * 5 == [len(set(rows.tolist())) for rows in seen]
    assert all((np.diff(rows) > 0).all() for rows in seen)


@pytest.mark.parametrize("counts", [(6, 4), (5, 4), (3, 1)], ids=str)
def test_every_half_keeps_the_proportions_of_classes(counts):
    classes, seen = np.repeat([0, 1], counts), []

    bootstrap_interval(
        lambda rows: float(seen.append(classes[rows]) or 0.0), sum(counts), value=0.0, strata=classes, resamples=20
    )

    for number, count in enumerate(counts):
        assert {np.count_nonzero(half == number) for half in seen} <= {count // 2, -(-count // 2)}
    assert {sum(counts) // 2} == {len(half) for half in seen}


def test_several_figures_are_measured_together_within_their_bounds():
    shares = (np.arange(30) < 29).astype(np.float64)
    values = [float(shares.mean()), -float(shares.mean())]

    upper, lower = bootstrap_intervals(
        lambda rows: [float(shares[rows].mean()), -float(shares[rows].mean())],
        30,
        values=values,
        bounds=[(0.0, 1.0), (-1.0, 0.0)],
    )

    assert 1.0 == upper[1]
    assert (-upper[1], -upper[0]) == lower


@pytest.mark.parametrize(("rows", "resamples"), [(1, 20), (10, 4)], ids=["rows", "resamples"])
def test_too_little_to_tell_is_refused(rows, resamples):
    with pytest.raises(ValueError, match=f"{rows} rows and {resamples} resamples"):
        bootstrap_interval(lambda _: 0.0, rows, value=0.0, resamples=resamples)


@pytest.mark.parametrize(("degrees", "expected"), [(4, 2.77645), (9, 2.26216), (19, 2.09302), (10**6, 1.95996)])
def test_quantiles_are_those_of_the_tables(degrees, expected):
    assert pytest.approx(expected, rel=1e-3) == bootstrap._t_quantile(degrees)
