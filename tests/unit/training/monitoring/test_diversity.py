import numpy as np
import pytest

from app.data.dataset import build_dataset
from app.training.monitoring.diversity import draw_counterparts, measure_spread


def flat(*levels):
    """Make one image per level, every pixel of it that level."""
    return np.array(levels, np.uint8).repeat(12).reshape(-1, 2, 2, 3)


def test_distances_are_root_mean_squares_over_pixels():
    spread = measure_spread(flat(0, 10, 40), None)

    assert pytest.approx((10 + 40 + 30) / 3) == spread.overall
    assert [10.0, 10.0, 30.0] == spread.nearest.tolist()


def test_equal_images_are_at_a_distance_of_exactly_zero():
    image = np.random.default_rng(0).integers(0, 256, (1, 28, 28, 3), np.uint8)

    spread = measure_spread(np.repeat(image, 20, axis=0), None)

    assert 0.0 == spread.overall
    assert {0.0} == set(spread.nearest.tolist())


def test_classes_are_measured_alone_where_they_have_enough_images():
    labels = np.array([0] * 5 + [7] * 5 + [3] * 4)

    spread = measure_spread(flat(*[10] * 5, *range(0, 50, 10), *range(4)), labels)

    assert {0: 0.0, 7: 20.0} == pytest.approx(spread.by_class)


def make_dataset():
    labels = np.array([0] * 6 + [1] * 30 + [2] * 2)
    return build_dataset("made-up", flat(*range(38)), labels, ["a", "b", "c"])


def test_counterparts_have_the_classes_of_the_generated_images():
    images, labels = draw_counterparts(make_dataset(), np.array([1] * 10 + [0] * 4), num_images=14, seed=0)

    assert [0] * 4 + [1] * 10 == labels.tolist()
    assert (make_dataset().labels[images[:, 0, 0, 0]] == labels).all()


def test_no_counterpart_comes_twice():
    images, labels = draw_counterparts(make_dataset(), np.array([2] * 10 + [0] * 6), num_images=16, seed=0)

    assert [0] * 6 + [2] * 2 == labels.tolist()
    assert 8 == len(set(images[:, 0, 0, 0].tolist()))


def test_counterparts_of_an_unconditional_generator_are_of_all_classes():
    images, labels = draw_counterparts(make_dataset(), None, num_images=36, seed=0)

    assert labels is None
    assert {0, 1, 2} == set(make_dataset().labels[images[:, 0, 0, 0]].tolist())
    assert 36 == len(set(images[:, 0, 0, 0].tolist()))


def test_counterparts_follow_from_the_seed():
    labels = np.ones(10, np.int64)
    first, again, other = (draw_counterparts(make_dataset(), labels, num_images=10, seed=seed)[0] for seed in (0, 0, 1))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
