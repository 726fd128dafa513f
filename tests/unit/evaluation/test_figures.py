import numpy as np
import pytest
import torch

from app.evaluation import figures
from app.evaluation.judge import Look
from app.evaluation.reference import View


def make_view(num_images, *, seed=0, shift=0.0):
    """Make up a view of two classes in turn, ten apart in the first feature."""
    random = np.random.default_rng(seed)
    labels = np.arange(num_images) % 2
    features = random.normal(size=(num_images, 4)) + shift
    features[:, 0] += 10.0 * labels
    probabilities = np.stack([1.0 - labels, labels], axis=1).astype(np.float64)
    images = random.integers(0, 255, size=(num_images, 4, 4, 1), dtype=np.uint8)
    return View(images, labels, Look(features, probabilities))


def test_intervals_of_the_frechet_distance_keep_the_balance_of_classes():
    real, view = make_view(400, seed=1, shift=1.0).look.features, make_view(400)
    seen = view.look.features

    kept = figures.measure_frechet(real, seen, classes=view.labels)
    left_to_chance = figures.measure_frechet(real, seen)

    assert kept.value == left_to_chance.value
    assert kept.interval[0] <= kept.value <= kept.interval[1]
    assert np.ptp(kept.interval) < 0.7 * np.ptp(left_to_chance.interval)


def test_a_floor_is_measured_without_the_cost_of_intervals():
    real, seen = (make_view(60, seed=1).look.features, make_view(60).look.features)

    found = figures.measure_distances(real, seen, num_subsets=2, with_intervals=False)

    assert None is found["fid"].interval
    assert {"fid", "kid"} == found.keys()


def test_neighbours_are_sought_among_as_many_real_images():
    found = figures.measure_neighbours(make_view(400, seed=1), make_view(100))

    assert {"precision", "recall", "density", "coverage"} == found.keys()
    assert 0.8 < found["coverage"].value <= 1.0
    assert 100 == found["coverage"].count
    assert found["coverage"].interval == figures.wilson_interval(found["coverage"].value, 100)


def test_classes_are_judged_one_by_one():
    view = make_view(100)

    found = figures.measure_agreement(view, 2)

    assert {"label_agreement", "label_agreement_worst"} == found.overall.keys()
    assert {"label_agreement": {0: 1.0, 1: 1.0}} == found.per_class
    assert 2.0 == pytest.approx(figures.score_clarity(view.look.probabilities).value)


def test_each_class_has_its_distance():
    found = figures.measure_each_class(make_view(120, seed=1), make_view(120, shift=1.0), 2)

    distances = found.per_class["fid"]
    assert {0, 1} == distances.keys()
    assert np.mean(list(distances.values())) == found.overall["fid_per_class_mean"].value
    assert max(distances.values()) == found.overall["fid_per_class_worst"].value


def test_a_class_with_few_images_has_no_distance():
    assert figures.Figures() == figures.measure_each_class(make_view(98, seed=1), make_view(200), 2)


def test_modes_have_a_count_and_an_unevenness():
    found = figures.measure_modes(np.arange(300) % 3, 4)

    assert (3, 300) == (found["modes"].value, found["modes"].count)
    assert np.log(4 / 3) == pytest.approx(found["reverse_kl"].value)


def test_classifiers_are_scored_one_by_one(make_halves):
    data, test = make_halves(), make_halves(20, seed=1)
    images, labels = np.tile(data.images, (4, 1, 1, 1)), np.tile(data.labels, 4)

    scores = list(figures.score_classifiers(images, labels, test, seeds=2, device=torch.device("cpu")))

    assert 2 == len(scores)
    assert all(0.0 <= score <= 1.0 for score in scores)


def test_scores_of_several_classifiers_have_an_interval():
    found = figures.summarise_scores([0.96, 0.97, 0.98], 256)

    assert (pytest.approx(0.97), 256) == (found.value, found.count)
    assert pytest.approx((0.97 - 0.02484, 0.97 + 0.02484), abs=1e-4) == found.interval
    assert None is figures.summarise_scores([0.96], 256).interval


def test_copies_are_nearer_to_the_training_images_than_new_images():
    train = make_view(50).images

    assert 0.0 == figures.measure_copying(train[:20], train, 100.0).value
    assert figures.measure_copying(make_view(20, seed=1).images, train, 100.0).value > 0.0


@pytest.mark.parametrize(
    ("share", "count", "expected"),
    [(0.5, 100, (0.4038, 0.5962)), (1.0, 100, (0.9630, 1.0)), (0.0, 10, (0.0, 0.2775))],
)
def test_intervals_of_shares_are_those_of_wilson(share, count, expected):
    assert pytest.approx(expected, abs=1e-4) == figures.wilson_interval(share, count)
