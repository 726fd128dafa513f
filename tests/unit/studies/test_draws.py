import numpy as np
import pytest

from app.core.errors import DatasetError
from app.studies import draws
from app.studies.draws import StudyData, open_study_data
from app.training.config import DataConfig


@pytest.fixture
def write_data(tmp_path):
    """Write arrays of noise, no two images alike; returns the source."""

    def write(*, num_test=0, num_train=30, labelled=True):
        random = np.random.default_rng(0)
        arrays = {}
        for split, count in (("train", num_train), ("test", num_test)):
            if count:
                arrays[f"x_{split}"] = random.integers(0, 255, size=(count, 8, 8), dtype=np.uint8)
                arrays |= {f"y_{split}": np.arange(count) % 3} if labelled else {}
        np.savez(tmp_path / "noise.npz", **arrays)
        return str(tmp_path / "noise.npz")

    return write


def fingerprints(dataset):
    return {image.tobytes() for image in dataset.images}


def test_seeds_share_no_images(make_halves):
    data = StudyData(make_halves(24), make_halves(4), "test")
    drawn = [fingerprints(data.draw(4, number)) for number in range(3)]

    assert [8, 8, 8] == [len(images) for images in drawn]
    assert 24 == len(set.union(*drawn))


def test_a_seed_draws_as_many_of_each_class_and_the_same_every_time(make_halves):
    data = StudyData(make_halves(24), make_halves(4), "test")

    first, again = data.draw(4, 1), data.draw(4, 1)

    assert {"left": 4, "right": 4} == first.class_counts
    assert first.sha256 == again.sha256


def test_too_few_images_of_a_class_are_named_with_the_bound(make_halves):
    data = StudyData(make_halves(24), make_halves(4), "test")

    with pytest.raises(
        DatasetError, match="3 seeds of 5 images per class need 15 of each class, and class 'left'"
    ) as told:
        data.check(5, 3)

    assert 4 == told.value.fields["limit"]


def test_images_without_classes_are_refused(write_data):
    with pytest.raises(DatasetError, match="these have no labels"):
        open_study_data(write_data(labelled=False), DataConfig())


def test_a_test_split_is_tested_on(write_data):
    data = open_study_data(write_data(num_test=9), DataConfig())

    assert ("test", 30, 9) == (data.test_split, data.pool.num_images, data.test.num_images)


def test_without_a_test_split_a_third_of_each_class_is_held_out(write_data):
    data = open_study_data(write_data(), DataConfig())

    assert "held out" == data.test_split
    assert {"0": 4, "1": 4, "2": 4} == data.test.class_counts
    assert 30 == len(fingerprints(data.pool) | fingerprints(data.test))
    assert not fingerprints(data.pool) & fingerprints(data.test)


def test_what_is_drawn_from_the_test_split_is_not_tested_on(write_data):
    data = open_study_data(write_data(num_test=30), DataConfig(split="test"))

    assert "held out" == data.test_split
    assert not fingerprints(data.pool) & fingerprints(data.test)


def test_the_number_of_test_images_is_bounded(write_data, monkeypatch):
    monkeypatch.setattr(draws, "MAX_TEST_IMAGES", 6)

    assert 6 == open_study_data(write_data(), DataConfig()).test.num_images
    assert 6 == open_study_data(write_data(num_test=30), DataConfig()).test.num_images


def test_a_test_split_without_labels_is_refused(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, size=(6, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "half.npz", x_train=images, y_train=np.arange(6) % 2, x_test=images)

    with pytest.raises(DatasetError, match="the test split does not have the classes of the train split"):
        open_study_data(str(tmp_path / "half.npz"), DataConfig())
