import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.evaluation.frechet_distance import (
    Moments,
    expected_floor,
    frechet_distance,
    frechet_from_moments,
    moments,
)

SEEDS = st.integers(0, 10**6)
SHAPES = st.tuples(st.integers(2, 30), st.integers(2, 30), st.integers(1, 12))


def draw_sets(seed, shape):
    """Two sets of correlated features, also with fewer rows than columns."""
    num_real, num_generated, width = shape
    random = np.random.default_rng(seed)
    mix = random.normal(size=(width, width))
    return random.normal(size=(num_real, width)) @ mix, random.normal(1.0, 2.0, size=(num_generated, width)) @ mix


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=30)
def test_a_set_is_at_no_distance_from_itself_in_any_order(seed, shape):
    real, _ = draw_sets(seed, shape)
    scale = np.square(real).sum()

    assert pytest.approx(0.0, abs=1e-12 * scale) == frechet_distance(real, real)
    assert pytest.approx(0.0, abs=1e-12 * scale) == frechet_distance(real, real[::-1].copy())


@given(SEEDS, SHAPES)
@settings(deadline=None, max_examples=30)
def test_distance_is_symmetric_and_does_not_depend_on_the_axes(seed, shape):
    real, generated = draw_sets(seed, shape)
    rotation, _ = np.linalg.qr(np.random.default_rng(seed + 1).normal(size=(shape[2], shape[2])))

    distance = frechet_distance(real, generated)

    assert distance >= 0.0
    assert pytest.approx(distance, rel=1e-9) == frechet_distance(generated, real)
    assert pytest.approx(distance, rel=1e-9) == frechet_distance(real @ rotation, generated @ rotation)


def test_a_shift_counts_with_its_square():
    real, _ = draw_sets(0, (40, 2, 3))

    assert pytest.approx(25.0) == frechet_distance(real, real + np.array([3.0, 4.0, 0.0]))


def test_independent_features_have_a_closed_form():
    a = Moments(np.zeros(3), np.diag([4.0, 9.0, 0.0]), 100)
    b = Moments(np.array([1.0, 0.0, 0.0]), np.diag([1.0, 0.0, 16.0]), 100)

    assert pytest.approx(1.0 + (2 - 1) ** 2 + 9.0 + 16.0) == frechet_from_moments(a, b)


@pytest.mark.parametrize("constant", [0.0, 2.0])
def test_constant_features_are_only_shifted(constant):
    assert pytest.approx(constant**2 * 4) == frechet_distance(np.zeros((3, 4)), np.full((5, 4), constant))


def test_orthogonal_sets_without_full_rank_share_no_overlap():
    real, generated = np.zeros((2, 6)), np.zeros((2, 6))
    real[1, 0], generated[1, 5] = 2.0, 4.0

    assert pytest.approx(1.0 + 4.0 + 2.0 + 8.0) == frechet_distance(real, generated)


def test_moments_are_those_of_the_rows():
    real, _ = draw_sets(3, (9, 2, 4))

    found = moments(real)

    assert 9 == found.count
    np.testing.assert_allclose(found.mean, real.mean(axis=0))
    np.testing.assert_allclose(found.covariance, np.cov(real, rowvar=False))


def test_one_row_has_no_covariance():
    with pytest.raises(ValueError, match="needs at least 2"):
        frechet_distance(np.zeros((5, 3)), np.zeros((1, 3)))


def test_features_of_another_network_are_refused():
    with pytest.raises(ValueError, match="3 and 4 entries"):
        frechet_from_moments(moments(np.zeros((5, 3))), moments(np.zeros((5, 4))))


def test_an_ideal_sampler_scores_the_floor_on_average():
    random = np.random.default_rng(0)
    scales = np.array([1.0, 2.0, 0.5, 0.0])
    reference = Moments(np.zeros(4), np.diag(scales**2), 400)
    draws = [[random.normal(size=(count, 4)) * scales for count in (400, 200)] for _ in range(400)]

    scored = np.mean([frechet_distance(real, generated) for real, generated in draws])

    assert pytest.approx(scored, rel=0.1) == expected_floor(reference, 200)


def test_floor_of_a_single_sample_is_refused():
    with pytest.raises(ValueError, match="1 generated rows"):
        expected_floor(moments(np.zeros((5, 3))), 1)
