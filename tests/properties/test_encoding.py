import io
import zipfile

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from app.imaging.codec import ImageFormat, encode_image
from tests.contents import write_file

sides = st.integers(1, 40)
images = st.tuples(sides, sides, st.sampled_from([1, 3])).flatmap(lambda shape: hnp.arrays(np.uint8, shape))
batches = st.tuples(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3])).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape)
)


def decode(file: bytes, channels: int) -> np.ndarray:
    pixels = np.asarray(Image.open(io.BytesIO(file)))
    return pixels[:, :, None] if channels == 1 else pixels


def write(name: str, batch: np.ndarray, cut: int) -> bytes:
    split = [count for count in (cut, len(batch) - cut) if count]
    return write_file(name, batch, None, split=split, first_index=0)


@given(images)
def test_png_keeps_every_pixel(pixels):
    np.testing.assert_array_equal(pixels, decode(encode_image(pixels, ImageFormat.PNG, "{}"), pixels.shape[2]))


@given(batches, st.data())
def test_zip_keeps_every_pixel_at_every_split(batch, data):
    cut = data.draw(st.integers(0, len(batch)))

    archive = zipfile.ZipFile(io.BytesIO(write("zip", batch, cut)))

    decoded = [decode(archive.read(f"samples/{index}.png"), batch.shape[3]) for index in range(len(batch))]
    np.testing.assert_array_equal(batch, np.stack(decoded))


@given(batches, st.data())
def test_npz_is_the_same_at_every_split(batch, data):
    cut = data.draw(st.integers(0, len(batch)))

    file = write("npz", batch, cut)

    assert file == write("npz", batch, len(batch))
    np.testing.assert_array_equal(batch, np.load(io.BytesIO(file), allow_pickle=False)["images"])


@given(batches, st.data())
def test_two_calls_hold_the_same_arrays_as_one(batch, data):
    cut = data.draw(st.integers(0, len(batch)))

    files = [write("npz", part, 0) for part in (batch[:cut], batch[cut:]) if len(part)]

    arrays = [np.load(io.BytesIO(file), allow_pickle=False)["images"] for file in files]
    np.testing.assert_array_equal(batch, np.concatenate(arrays))
