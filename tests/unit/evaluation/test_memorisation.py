import numpy as np
import pytest

from app.evaluation import memorisation
from app.evaluation.memorisation import distance_ratio, memorisation_ratio, nearest_distances


def draw_images(seed, count, channels=1):
    return np.random.default_rng(seed).integers(0, 256, size=(count, 6, 5, channels), dtype=np.uint8)


@pytest.mark.parametrize("rows", [1, 4, 1000])
def test_distance_is_to_the_nearest_of_all(rows, monkeypatch):
    monkeypatch.setattr(memorisation, "_ROWS", rows)
    images, references = draw_images(0, 9, 3), draw_images(1, 14, 3)

    found = nearest_distances(images, references)

    differences = images[:, None].astype(np.float64) - references
    np.testing.assert_allclose(found, np.sqrt(np.square(differences).sum(axis=(2, 3, 4))).min(axis=1), rtol=1e-14)


def test_a_copy_is_at_distance_zero():
    references = draw_images(0, 40)

    assert [0.0, 0.0] == nearest_distances(references[[31, 2]], references).tolist()


def test_a_generator_that_copies_scores_below_one_that_does_not():
    train, test = draw_images(0, 50), draw_images(1, 30)
    noise = np.random.default_rng(2).integers(0, 8, size=train.shape, dtype=np.uint8)
    near_copies = np.bitwise_xor(train, noise)

    assert memorisation_ratio(near_copies, train, test) < 0.1
    assert pytest.approx(1.0, abs=0.1) == memorisation_ratio(draw_images(3, 30), train, test)


def test_ratio_is_of_medians():
    assert 0.5 == distance_ratio(np.array([1.0, 2.0, 90.0]), np.array([3.0, 4.0, 5.0]))


def test_test_images_from_the_training_set_cannot_tell():
    train = draw_images(0, 10)

    with pytest.raises(ValueError, match="half of the test images"):
        memorisation_ratio(draw_images(1, 4), train, train[:4])


def test_empty_sets_are_refused():
    with pytest.raises(ValueError, match="2 images and 0 references"):
        nearest_distances(draw_images(0, 2), draw_images(0, 0))
    with pytest.raises(ValueError, match="0 images and 5 references"):
        memorisation_ratio(draw_images(0, 0), draw_images(1, 5), draw_images(2, 5))
    with pytest.raises(ValueError, match="3 generated and 0 test distances"):
        distance_ratio(np.ones(3), np.ones(0))
