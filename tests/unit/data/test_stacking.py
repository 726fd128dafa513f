import numpy as np
import pytest

from app.core.errors import DatasetError
from app.data.dataset import build_dataset
from app.data.stacking import stack_dataset


def make_digits(*, size=40, class_names=tuple("0123456789"), channels=1):
    """Make images whose pixels all hold the number of the image."""
    images = np.arange(size, dtype=np.uint8).repeat(6 * channels).reshape(size, 2, 3, channels)
    return build_dataset("digits", images, np.arange(size) % len(class_names), class_names)


def test_each_channel_is_one_of_the_images_and_the_class_tells_all_three():
    digits = make_digits()

    stacked = stack_dataset(digits, num_images=500)

    rows = stacked.images[:, 0, 0]
    assert (500, 2, 3, 3) == stacked.images.shape
    assert np.array_equal(np.broadcast_to(rows[:, None, None], stacked.images.shape), stacked.images)
    named = [stacked.class_names[label] for label in stacked.labels]
    assert ["".join(str(row % 10) for row in image) for image in rows.tolist()] == named


def test_a_thousand_modes_are_named_by_their_digits_red_first():
    stacked = stack_dataset(make_digits(), num_images=10)

    assert [f"{mode:03}" for mode in range(1000)] == stacked.class_names
    assert "stacked-digits" == stacked.name


def test_the_same_data_and_seed_give_the_same_images():
    digests = [stack_dataset(make_digits(), num_images=50, seed=seed).sha256 for seed in (3, 3, 4)]
    other = stack_dataset(make_digits(size=41), num_images=50, seed=3).sha256

    assert digests[0] == digests[1]
    assert 3 == len({*digests[1:], other})


def test_more_images_begin_with_the_fewer():
    few, many = (stack_dataset(make_digits(), num_images=count) for count in (10, 30))

    assert np.array_equal(few.images, many.images[:10])


def test_every_image_is_drawn_about_equally_often():
    drawn = np.bincount(stack_dataset(make_digits(), num_images=4000).images[:, 0, 0].ravel(), minlength=40)

    assert 200 < drawn.min()
    assert 400 > drawn.max()


def test_longer_names_are_joined_by_hyphens():
    stacked = stack_dataset(make_digits(class_names=("cat", "dog")), num_images=10)

    assert ["cat-cat-cat", "cat-cat-dog"] == stacked.class_names[:2]


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"channels": 3}, "grey"),
        ({"class_names": ("only",)}, "classes"),
        ({"size": 60, "class_names": [str(number) for number in range(47)]}, "103,823"),
        ({"class_names": ("a" * 50, "b")}, "100"),
    ],
)
def test_what_cannot_be_stacked_is_refused(facts, message):
    with pytest.raises(DatasetError, match=message):
        stack_dataset(make_digits(**facts), num_images=10)


def test_more_than_the_memory_holds_is_refused():
    with pytest.raises(DatasetError, match="GiB"):
        stack_dataset(make_digits(), num_images=10**13)
