import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.evaluation.manifold import Manifolds, expected_coverage, measure_manifolds

SEEDS = st.integers(0, 10**6)


def draw_sets(seed, num_real=24, num_generated=17, width=3):
    random = np.random.default_rng(seed)
    return random.normal(size=(num_real, width)), random.normal(0.5, 1.0, size=(num_generated, width))


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_figures_depend_neither_on_order_nor_on_axes_nor_on_scale(seed):
    real, generated = draw_sets(seed)
    random = np.random.default_rng(seed + 1)
    rotation, _ = np.linalg.qr(random.normal(size=(3, 3)))

    def move(rows):
        return 7.0 * random.permutation(rows) @ rotation + 100.0

    assert measure_manifolds(real, generated) == measure_manifolds(move(real), move(generated))


@given(SEEDS)
@settings(deadline=None, max_examples=25)
def test_recall_is_precision_with_the_sets_exchanged(seed):
    real, generated = draw_sets(seed)

    there, back = measure_manifolds(real, generated), measure_manifolds(generated, real)

    assert (back.precision, back.recall) == (there.recall, there.precision)


@pytest.mark.parametrize("make", [lambda: draw_sets(0)[0], lambda: np.ones((9, 2))], ids=["distinct", "constant"])
def test_copies_are_precise_and_cover_everything(make):
    real = make()

    figures = measure_manifolds(real, real.copy())

    assert (1.0, 1.0, 1.0) == (figures.precision, figures.recall, figures.coverage)


def test_sets_far_apart_share_nothing():
    real, generated = draw_sets(0)

    assert Manifolds(0.0, 0.0, 0.0, 0.0) == measure_manifolds(real, generated + 1e3)


def test_figures_of_a_line_can_be_counted_by_hand():
    real = np.array([[0.0], [1.0], [2.0], [10.0]])
    generated = np.array([[0.5], [2.5], [30.0], [31.0]])

    figures = measure_manifolds(real, generated, neighbours=1)

    # 0.5 is in the balls of 0 and 1; 2.5 in those of 2 and of 10, which reaches to 2. 0.5 and 2.5 reach 2 far.
    assert Manifolds(precision=0.5, recall=0.75, density=1.0, coverage=1.0) == figures


def test_one_mode_only_is_precise_without_recall():
    real, _ = draw_sets(0, num_real=200)
    collapsed = real[:1] + 1e-3 * np.random.default_rng(1).normal(size=(100, 3))

    figures = measure_manifolds(real, collapsed)

    assert 1.0 == figures.precision
    assert figures.recall <= 0.01
    assert figures.coverage < 0.2


def test_an_ideal_sampler_has_density_one_and_the_expected_coverage():
    random = np.random.default_rng(0)
    found = [measure_manifolds(random.random((60, 2)), random.random((40, 2)), neighbours=3) for _ in range(150)]

    assert pytest.approx(1.0, abs=0.03) == np.mean([figures.density for figures in found])
    expected = expected_coverage(60, 40, neighbours=3)
    assert pytest.approx(expected, abs=0.015) == np.mean([figures.coverage for figures in found])


def test_coverage_of_many_samples_is_expected_near_its_limit():
    assert pytest.approx(1 - 2**-5, abs=1e-4) == expected_coverage(10_000, 10_000)


@pytest.mark.parametrize("counts", [(5, 9), (9, 5)], ids=["real", "generated"])
def test_sets_without_enough_neighbours_are_refused(counts):
    real, generated = draw_sets(0, *counts)

    with pytest.raises(ValueError, match="5 rows, and this metric needs at least 6"):
        measure_manifolds(real, generated)


def test_senseless_numbers_of_neighbours_are_refused():
    with pytest.raises(ValueError, match="0 neighbours"):
        measure_manifolds(*draw_sets(0), neighbours=0)
    with pytest.raises(ValueError, match="too few for 5 neighbours"):
        expected_coverage(5, 5)
