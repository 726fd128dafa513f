import io
import zipfile

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from app.imaging.archive import ZipWriter
from app.imaging.arrays import ArrayShape, NpzWriter
from app.imaging.codec import ImageFormat, encode_image
from app.imaging.mark import Origin

ORIGIN = Origin("tiny", 1, "00" * 32, 1)
sides = st.integers(1, 40)
images = st.tuples(sides, sides, st.sampled_from([1, 3])).flatmap(lambda shape: hnp.arrays(np.uint8, shape))
batches = st.tuples(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3])).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape)
)


def decode(file: bytes, channels: int) -> np.ndarray:
    pixels = np.asarray(Image.open(io.BytesIO(file)))
    return pixels[:, :, None] if channels == 1 else pixels


def write(writer, batch: np.ndarray, cut: int) -> bytes:
    parts = [(0, batch[:cut]), (cut, batch[cut:])]
    pieces = [writer.add(offset, part, None) for offset, part in parts if len(part)]
    return b"".join([writer.begin(), *pieces, *writer.finish()])


def make_npz_writer(batch: np.ndarray) -> NpzWriter:
    return NpzWriter(ArrayShape(*batch.shape), seed=1, first_index=0, labels_at=lambda offset, count: None)


@given(images)
def test_png_keeps_every_pixel(pixels):
    np.testing.assert_array_equal(pixels, decode(encode_image(pixels, ImageFormat.PNG, "{}"), pixels.shape[2]))


@given(batches, st.data())
def test_zip_keeps_every_pixel_at_every_split(batch, data):
    cut = data.draw(st.integers(0, len(batch)))

    archive = zipfile.ZipFile(io.BytesIO(write(ZipWriter(ORIGIN, 0, [], b"{}"), batch, cut)))

    decoded = [decode(archive.read(f"samples/{index}.png"), batch.shape[3]) for index in range(len(batch))]
    np.testing.assert_array_equal(batch, np.stack(decoded))


@given(batches, st.data())
def test_npz_is_the_same_at_every_split(batch, data):
    cut = data.draw(st.integers(0, len(batch)))

    file = write(make_npz_writer(batch), batch, cut)

    assert file == write(make_npz_writer(batch), batch, len(batch))
    np.testing.assert_array_equal(batch, np.load(io.BytesIO(file), allow_pickle=False)["images"])


@given(batches, st.data())
def test_two_calls_hold_the_same_arrays_as_one(batch, data):
    cut = data.draw(st.integers(0, len(batch)))

    files = [write(make_npz_writer(part), part, 0) for part in (batch[:cut], batch[cut:]) if len(part)]

    arrays = [np.load(io.BytesIO(file), allow_pickle=False)["images"] for file in files]
    np.testing.assert_array_equal(batch, np.concatenate(arrays))
