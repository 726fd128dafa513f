import numpy as np
import pytest

from app.core.errors import DatasetError
from app.data.dataset import build_dataset
from app.evaluation.reference import Reference, choose_rows, open_reference
from app.repository.manifest import ImageSpec


def test_a_test_split_is_what_samples_are_compared_with(make_halves):
    train, test = make_halves(), make_halves(32, seed=1)

    reference = Reference(train, test)

    assert (test, "test", ["left", "right"]) == (reference.dataset, reference.split, reference.class_names)


def test_without_a_test_split_it_is_the_training_set(make_halves):
    train = make_halves()

    assert (train, "train") == (Reference(train).dataset, Reference(train).split)


def test_splits_of_different_data_are_refused(make_halves):
    train = make_halves()
    renamed = build_dataset("renamed", train.images, train.labels, ["a", "b"])

    with pytest.raises(DatasetError, match="different classes"):
        Reference(train, renamed)
    with pytest.raises(DatasetError, match="size or colour"):
        Reference(train, make_halves(channels=3))


def test_training_images_stand_in_for_samples_against_the_test_split(make_halves):
    train, test = make_halves(), make_halves(32, seed=1)

    stand_ins, against = Reference(train, test).stand_ins(10)

    assert (10, test) == (stand_ins.num_images, against)
    assert all((image == train.images).all(axis=(1, 2, 3)).any() for image in stand_ins.images)


def test_without_a_test_split_halves_stand_against_each_other(make_halves):
    train = make_halves()

    first, second = Reference(train).stand_ins()

    both = np.concatenate([first.images, second.images])
    assert (32, 32) == (first.num_images, second.num_images)
    assert len(np.unique(train.images, axis=0)) == len(np.unique(both, axis=0))
    assert 10 == Reference(train).stand_ins(10)[0].num_images


@pytest.fixture
def uneven(make_halves):
    """64 training images of two classes alike; of the test images three quarters are of the first class."""
    test = make_halves(32, seed=1)
    rows = np.concatenate([np.flatnonzero(test.labels == 0)[:12], np.flatnonzero(test.labels == 1)[:4]])
    return Reference(make_halves(), build_dataset("uneven", test.images[rows], test.labels[rows], test.class_names))


def test_stand_ins_have_the_classes_of_what_they_are_compared_with(uneven):
    stand_ins, _ = uneven.stand_ins(16)

    assert ([12, 4], False) == (uneven.shares, uneven.is_even)
    assert [12, 4] == np.bincount(stand_ins.labels).tolist()


def test_stand_ins_can_be_of_all_classes_alike(uneven):
    stand_ins, _ = uneven.stand_ins(16, even=True)

    assert [8, 8] == np.bincount(stand_ins.labels).tolist()


def test_a_class_with_too_few_images_gives_all_of_them(uneven):
    stand_ins, _ = uneven.stand_ins(64)

    assert [32, 16] == np.bincount(stand_ins.labels).tolist()


def test_both_halves_have_half_of_every_class_in_no_order(uneven):
    reference = Reference(uneven.dataset)

    parts = [reference.train.labels[rows] for rows in reference.halves()]

    assert [[6, 2], [6, 2]] == [np.bincount(part).tolist() for part in parts]
    assert not all((np.diff(part) >= 0).all() for part in parts)


def test_images_without_classes_have_one_share(make_halves):
    reference = Reference(make_halves(labelled=False))

    assert ([64], True) == (reference.shares, reference.is_even)


def test_a_view_is_cut_to_the_same_images_each_time(make_halves, make_judge):
    train = make_halves()
    view = Reference(train).view(make_judge(train))

    part = view.take(10)

    assert np.array_equal(part.images, train.images[choose_rows(64)[:10]])
    assert np.array_equal(part.look.features, view.look.features[choose_rows(64)[:10]])
    assert view is view.take(64)


def test_splits_are_read_at_the_size_and_colour_of_the_generator(make_halves, tmp_path):
    train, test = make_halves(), make_halves(32, seed=1)
    arrays = {"x_train": train.images, "y_train": train.labels, "x_test": test.images, "y_test": test.labels}
    np.savez(tmp_path / "halves.npz", **arrays)

    reference = open_reference(str(tmp_path / "halves.npz"), ImageSpec(height=4, width=6, channels=3))

    assert (64, 4, 6, 3) == reference.train.images.shape
    assert (32, "test") == (reference.dataset.num_images, reference.split)


def test_a_source_without_a_test_split_says_why():
    reasons = []

    reference = open_reference("digits", ImageSpec(height=8, width=8, channels=1), on_missing=reasons.append)

    assert "train" == reference.split
    assert ["the built-in digits have no splits; all of them are 'train'"] == reasons
