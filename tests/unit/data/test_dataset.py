import numpy as np
import pytest

from app.core.errors import DatasetError
from app.data.dataset import build_dataset
from tests.pictures import make_pixels

PIXELS = np.stack([make_pixels(seed=seed) for seed in range(3)])
LABELS = np.array([0, 1, 1], np.int64)


def test_a_data_set_counts_its_classes_in_label_order():
    dataset = build_dataset("made-up", PIXELS, LABELS, ["b", "a"])

    assert {"b": 1, "a": 2} == dataset.class_counts
    assert ["b", "a"] == list(dataset.class_counts)
    assert dataset.num_images == 3


def test_unlabelled_images_have_zeros_for_labels_and_no_counts():
    dataset = build_dataset("made-up", PIXELS, None, [])

    assert [0, 0, 0] == dataset.labels.tolist()
    assert dataset.labels.dtype == np.int64
    assert {} == dataset.class_counts


def test_one_class_alone_counts_as_none():
    dataset = build_dataset("made-up", PIXELS, np.zeros(3, np.int64), ["cat"])

    assert [] == dataset.class_names


def test_pixels_become_contiguous():
    dataset = build_dataset("made-up", PIXELS[:, ::2], None, [])

    assert dataset.images.flags.c_contiguous


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((PIXELS[::-1], LABELS, ["a", "b"]), id="order"),
        pytest.param((PIXELS, LABELS[::-1], ["a", "b"]), id="labels"),
        pytest.param((PIXELS, LABELS, ["a", "c"]), id="names"),
        pytest.param((PIXELS.reshape(3, 8, 6, 3), LABELS, ["a", "b"]), id="shape"),
    ],
)
def test_the_digest_changes_with_everything_but_the_name(other):
    digest = build_dataset("made-up", PIXELS, LABELS, ["a", "b"]).sha256

    assert digest == build_dataset("renamed", PIXELS.copy(), LABELS.copy(), ["a", "b"]).sha256
    assert digest != build_dataset("made-up", *other).sha256


def test_the_digest_of_known_content_stays_what_it_was():
    images = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)

    digest = build_dataset("made-up", images, np.array([0, 1]), ["a", "b"]).sha256

    assert digest == "967af5bf5d7170f85eaef945cc1f2c3c2604f3079b078e86f1c3fd9a15b143b6"


def test_a_single_image_is_too_few():
    with pytest.raises(DatasetError, match="at least 2 images, and here are 1"):
        build_dataset("made-up", PIXELS[:1], None, [])


@pytest.mark.parametrize("name", ["", "x" * 101, "new\nline", "half\udc80"])
def test_a_class_name_that_no_manifest_holds_is_refused(name):
    with pytest.raises(DatasetError, match="printable"):
        build_dataset("made-up", PIXELS, LABELS, ["a", name])


def test_a_doubled_class_name_is_refused():
    with pytest.raises(DatasetError, match="same name"):
        build_dataset("made-up", PIXELS, LABELS, ["a", "a"])
