import numpy as np
import pytest

from app.core.errors import DatasetError
from app.data.arrays import index_labels, load_arrays, to_uint8_nhwc
from app.data.decoding import decode_image
from app.data.options import ReadOptions
from tests.pictures import encode, make_pixels

RGB = np.stack([make_pixels(seed=seed) for seed in range(4)])
LEVELS = np.array([0, 51, 255], np.uint8)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(RGB, id="NHWC"),
        pytest.param(RGB.transpose(0, 3, 1, 2), id="NCHW"),
        pytest.param(RGB[..., :1], id="NHWC-grey"),
        pytest.param(RGB[:, None, :, :, 0], id="NCHW-grey"),
        pytest.param(RGB[..., 0], id="NHW"),
    ],
)
def test_every_order_of_axes_becomes_nhwc(values):
    expected = RGB if 3 in values.shape else RGB[..., :1]

    assert np.array_equal(expected, to_uint8_nhwc(values))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(LEVELS, id="uint8"),
        pytest.param(LEVELS.astype(np.int64), id="int64"),
        pytest.param(LEVELS.astype(np.float32), id="whole-floats"),
        pytest.param(LEVELS / 255, id="unit"),
        pytest.param((LEVELS / 127.5 - 1).astype(np.float32), id="signed"),
        pytest.param((LEVELS / 127.5 - 1).astype(np.float16), id="half"),
    ],
)
def test_every_range_becomes_eight_bits(values):
    assert LEVELS.tolist() == to_uint8_nhwc(values.reshape(3, 1, 1)).ravel().tolist()


def test_booleans_become_black_and_white():
    assert [0, 255] == to_uint8_nhwc(np.array([False, True]).reshape(2, 1, 1)).ravel().tolist()


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(np.zeros((2, 64), np.uint8), id="flat"),
        pytest.param(np.zeros((2, 4, 4, 4), np.uint8), id="four-channels"),
        pytest.param(np.zeros((0, 4, 4), np.uint8), id="empty"),
        pytest.param(np.full((2, 1, 1), 256), id="over-255"),
        pytest.param(np.full((2, 1, 1), -1), id="negative"),
        pytest.param(np.full((2, 1, 1), 1.5), id="odd-floats"),
        pytest.param(np.full((2, 1, 1), np.nan), id="nan"),
        pytest.param(np.full((2, 1, 1), np.inf), id="infinite"),
        pytest.param(np.full((2, 1, 1), 1j), id="complex"),
        pytest.param(np.full((2, 1, 1), "x"), id="text"),
    ],
)
def test_pixels_of_unknown_meaning_are_refused(values):
    with pytest.raises(DatasetError):
        to_uint8_nhwc(values)


def test_labels_are_indexed_in_ascending_order():
    labels, names = index_labels(np.array([10, 2, 2], np.uint8))

    assert [1, 0, 0] == labels.tolist()
    assert ["2", "10"] == names


def test_text_labels_name_their_classes():
    labels, names = index_labels(np.array([["dog"], ["cat"]]))

    assert [1, 0] == labels.tolist()
    assert ["cat", "dog"] == names


def test_the_training_labels_name_the_classes_of_every_split():
    labels, names = index_labels(np.array([7, 9]), np.array([9, 7, 5]))

    assert [1, 2] == labels.tolist()
    assert ["5", "7", "9"] == names
    with pytest.raises(DatasetError, match="8"):
        index_labels(np.array([8]), np.array([7, 9]))


@pytest.mark.parametrize("labels", [np.zeros((4, 10), np.int64), np.zeros(4), np.zeros((2, 2, 2), np.int64)])
def test_labels_of_another_kind_are_refused(labels):
    with pytest.raises(DatasetError, match="one whole number or text"):
        index_labels(labels)


def test_as_many_labels_as_images_are_needed():
    with pytest.raises(DatasetError, match="4 images and 3 labels"):
        load_arrays("made-up", RGB, np.zeros(3, np.int64), ["a", "b"], ReadOptions())


@pytest.mark.parametrize("channels", [None, 1, 3])
def test_arrays_resize_exactly_as_files_do(channels):
    options = ReadOptions(image_size=(5, 4), channels=channels)

    dataset = load_arrays("made-up", RGB, None, [], options)

    expected = [decode_image(encode(pixels), image_size=(5, 4), channels=channels) for pixels in RGB]
    assert np.array_equal(np.stack(expected), dataset.images)


def test_equal_channels_count_as_grey_unless_colour_is_asked_for():
    grey = np.repeat(RGB[..., :1], 3, axis=3)

    assert load_arrays("made-up", grey, None, [], ReadOptions()).images.shape[3] == 1
    assert load_arrays("made-up", grey, None, [], ReadOptions(channels=3)).images.shape[3] == 3


def test_a_limit_spreads_over_images_and_labels():
    dataset = load_arrays("made-up", RGB, np.array([0, 0, 1, 1]), ["a", "b"], ReadOptions(limit=2))

    assert np.array_equal(RGB[[0, 2]], dataset.images)
    assert [0, 1] == dataset.labels.tolist()


@pytest.mark.parametrize("image_size", [None, (5, 4)])
def test_progress_ends_at_the_number_of_images(image_size):
    seen = []

    load_arrays("m", RGB, None, [], ReadOptions(image_size=image_size, on_progress=lambda *step: seen.append(step)))

    assert (4, 4) == seen[-1]
