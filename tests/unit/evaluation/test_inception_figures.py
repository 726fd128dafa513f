import numpy as np
import pytest

from app.evaluation.inception import open_features
from app.evaluation.inception_figures import measure_inception, open_inception_floors
from app.evaluation.protocol import Protocol
from app.evaluation.reference import Reference
from tests.factories import make_inception

TINY = Protocol("quick", num_samples=60, kernel_subsets=2, mode_samples=40, cas_steps=0, cas_seeds=0, is_deep=False)
FAMILIES = {"inception_fid", "inception_kid", "inception_inception_score"}


@pytest.fixture
def open_floors(tmp_path):
    """Open the floors of a reference; returns them with the number of batches that were looked at."""

    def run(reference, sha256="e" * 64, protocol=TINY):
        inception, calls = make_inception(sha256), []
        real = inception.look(reference.dataset.images).features
        floors = open_inception_floors(
            reference, inception, real, protocol, folder=tmp_path, on_progress=lambda *at: calls.append(at)
        )
        return floors, len(calls)

    return run


def test_images_like_the_real_ones_score_better_than_others(make_halves):
    inception = make_inception()
    real, alike = (inception.look(make_halves(60, seed=seed).images) for seed in (0, 1))
    others = inception.look(255 - make_halves(60, seed=2).images)

    near, far = (measure_inception(real.features, look, num_subsets=2) for look in (alike, others))

    assert FAMILIES == near.keys() == far.keys()
    assert near["inception_fid"].value < far["inception_fid"].value
    assert near["inception_kid"].value < far["inception_kid"].value
    assert near["inception_fid"].interval[0] <= near["inception_fid"].value <= near["inception_fid"].interval[1]


def test_floors_are_measured_once_per_file_of_weights(open_floors, make_halves):
    reference = Reference(make_halves(128), make_halves(100, seed=1))

    first, again, other = open_floors(reference), open_floors(reference), open_floors(reference, "d" * 64)

    assert FAMILIES == first[0].keys()
    assert first[0] == again[0]
    assert (2, 0, 2) == (first[1], again[1], other[1])


def test_without_a_test_split_one_half_is_held_against_the_other(open_floors, make_halves):
    reference = Reference(make_halves(128))

    floors, _ = open_floors(reference)

    look = make_inception().look
    stand_ins, against = (look(part.images) for part in reference.stand_ins(TINY.num_samples))
    expected = measure_inception(against.features, stand_ins, num_subsets=2, with_intervals=False)
    assert {family: figure.value for family, figure in expected.items()} == floors


def test_features_of_real_images_are_kept(make_halves, tmp_path):
    inception, dataset, calls = make_inception(), make_halves(100), []

    first, again = (
        open_features(inception, dataset, tmp_path, on_progress=lambda *at: calls.append(at)) for _ in range(2)
    )

    assert [(32, 100), (64, 100), (96, 100), (100, 100)] == calls
    assert np.array_equal(first, again)


def test_torn_features_are_taken_again(make_halves, tmp_path):
    inception, dataset = make_inception(), make_halves(40)
    features = open_features(inception, dataset, tmp_path)
    [path] = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:50])

    assert np.array_equal(features, open_features(inception, dataset, tmp_path))
