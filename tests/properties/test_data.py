import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from app.data.arrays import to_uint8_nhwc
from app.data.decoding import to_pixels
from app.data.options import ReadOptions
from app.data.sources import open_dataset
from tests.pictures import encode, write_folder, write_tar, write_zip

SIDES = st.integers(1, 12)
CHANNELS = st.sampled_from([1, 3])
CLASS_NAMES = st.text(st.sampled_from("abcXYZ019-_ é"), min_size=1, max_size=6).filter(
    lambda name: name == name.strip()
)


@st.composite
def labelled_images(draw):
    """Draw pixels (N, H, W, C), labels (N) in ascending order with none missing, and sorted class names."""
    names = sorted(draw(st.sets(CLASS_NAMES, min_size=2, max_size=4)))
    counts = draw(st.lists(st.integers(1, 3), min_size=len(names), max_size=len(names)))
    shape = (sum(counts), draw(SIDES), draw(SIDES), draw(CHANNELS))
    return draw(arrays.arrays(np.uint8, shape)), np.repeat(np.arange(len(names)), counts), names


@settings(deadline=None, max_examples=40)
@given(labelled_images(), st.none() | st.tuples(SIDES, SIDES), st.sampled_from([None, 1, 3]))
def test_the_same_images_are_the_same_data_set_in_every_container(labelled, image_size, channels):
    images, labels, names = labelled
    files = {f"{names[label]}/{row:03}.png": encode(images[row]) for row, label in enumerate(labels)}

    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        np.savez(root / "x.npz", images=images, labels=labels, class_names=names)
        sources = [
            str(root / "x.npz"),
            write_folder(root / "x", files),
            write_zip(root / "x.zip", files),
            write_tar(root / "x.tar.gz", dict(reversed(files.items()))),
        ]
        first, *others = [open_dataset(source, image_size=image_size, channels=channels) for source in sources]

    assert names == first.class_names
    assert labels.tolist() == first.labels.tolist()
    for other in others:
        assert np.array_equal(first.images, other.images)
        assert first.labels.tolist() == other.labels.tolist()
        assert first.sha256 == other.sha256


@given(
    arrays.arrays(np.uint8, st.tuples(SIDES, SIDES, CHANNELS)),
    st.tuples(SIDES, SIDES),
    st.sampled_from([None, 1, 3]),
)
def test_fitting_gives_the_size_that_was_asked_for(pixels, image_size, channels):
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)

    fitted = to_pixels(image, image_size=image_size, channels=channels)

    assert (*image_size, channels or pixels.shape[2]) == fitted.shape
    assert fitted.dtype == np.uint8


@given(st.integers(0, 255), st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES))
def test_an_even_picture_stays_even_at_any_size(value, before, after):
    image = Image.new("L", before, value)

    assert {value} == set(to_pixels(image, image_size=after).ravel().tolist())


@given(arrays.arrays(np.uint8, st.tuples(SIDES, SIDES, SIDES, CHANNELS)), st.sampled_from([np.float32, np.float64]))
def test_floats_in_a_known_range_give_the_bytes_they_came_from(images, dtype):
    images.flat[0] = 0  # below the middle, so that the signed range shows
    images.flat[-1] = 1  # as floats in [0, 255], a picture of zeros and ones only is one in [0, 1]

    assert np.array_equal(images, to_uint8_nhwc((images / 255).astype(dtype)))
    if images.size > 1:
        assert np.array_equal(images, to_uint8_nhwc((images / 127.5 - 1).astype(dtype)))


@given(st.integers(2, 10_000), st.integers(2, 10_000))
def test_a_limit_takes_distinct_ascending_rows(num_images, limit):
    rows = ReadOptions(limit=limit).choose_rows(num_images)

    assert min(num_images, limit) == len(rows)
    assert np.all(np.diff(rows) > 0)
    assert rows[0] == 0
    assert rows[-1] < num_images


def test_an_unlabelled_folder_equals_its_array(tmp_path):
    images = np.arange(2 * 3 * 4 * 3, dtype=np.uint8).reshape(2, 3, 4, 3)
    np.savez(tmp_path / "x.npz", images=images)
    folder = write_folder(tmp_path / "x", {f"{row}.png": encode(pixels) for row, pixels in enumerate(images)})

    assert open_dataset(str(tmp_path / "x.npz")).sha256 == open_dataset(folder).sha256


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_reading_twice_gives_the_same_digest(tmp_path, suffix):
    files = {f"{'ab'[row % 2]}/{row}.png": encode(np.full((3, 3, 3), row, np.uint8)) for row in range(9)}
    source = (write_zip if suffix else write_folder)(tmp_path / f"x{suffix}", files)

    assert open_dataset(source).sha256 == open_dataset(source).sha256
