import numpy as np
import pytest

from app.evaluation.kernel_distance import cubic_kernel, kernel_distance, squared_discrepancy


def draw_features(seed, rows, shift=0.0):
    return np.random.default_rng(seed).normal(shift, size=(rows, 6))


def test_kernel_is_the_cube_of_the_scaled_product_plus_one():
    kernel = cubic_kernel(np.array([[1.0, 3.0]]), np.array([[2.0, 2.0], [0.0, -2.0]]))

    assert [[125.0, -8.0]] == kernel.tolist()


def test_an_ideal_sampler_scores_zero_on_average():
    scores = [squared_discrepancy(draw_features(seed, 20), draw_features(seed + 1000, 30)) for seed in range(400)]

    assert abs(np.mean(scores)) < 3 * np.std(scores) / np.sqrt(len(scores))
    assert min(scores) < 0.0


def test_distance_grows_with_the_shift():
    real = draw_features(0, 200)
    distances = [kernel_distance(real, draw_features(1, 200, shift), subset_size=50).value for shift in (0.0, 0.5, 1.0)]

    assert sorted(distances) == distances
    assert abs(distances[0]) < distances[2] / 5


def test_subsets_as_large_as_the_sets_are_the_plain_estimate_in_any_order():
    real, generated = draw_features(0, 12), draw_features(1, 15, 0.3)[:12]

    estimate = kernel_distance(real, generated[::-1].copy(), num_subsets=3, subset_size=1000)

    assert pytest.approx(squared_discrepancy(real, generated)) == estimate.value
    assert pytest.approx(0.0, abs=1e-12) == estimate.deviation


def test_the_same_seed_draws_the_same_subsets():
    real, generated = draw_features(0, 60), draw_features(1, 80)
    options = {"num_subsets": 4, "subset_size": 20}

    first = kernel_distance(real, generated, seed=1, **options)

    assert kernel_distance(real, generated, seed=1, **options) == first
    assert kernel_distance(real, generated, seed=2, **options) != first


@pytest.mark.parametrize("options", [{"num_subsets": 0}, {"subset_size": 1}], ids=["no subsets", "no pairs"])
def test_subsets_without_pairs_are_refused(options):
    with pytest.raises(ValueError, match="at least 1 of 2"):
        kernel_distance(draw_features(0, 5), draw_features(1, 5), **options)


def test_one_row_is_refused():
    with pytest.raises(ValueError, match="real: 1 rows"):
        kernel_distance(draw_features(0, 1), draw_features(1, 5))
