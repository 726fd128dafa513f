import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from app.imaging import png
from app.imaging.png import BLOCK_BYTES, SIGNATURE, write_png, write_pngs
from app.imaging.png_deflate import find_compressor

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
XMP = "<x:xmpmeta>Füße</x:xmpmeta>".encode()


def make_images(dtype: type) -> st.SearchStrategy[np.ndarray]:
    """Images of every mode: of all values, or of few, so that backgrounds occur."""
    sides, tops = st.integers(1, 24), st.sampled_from([1, 3, np.iinfo(dtype).max])
    return st.tuples(sides, sides, st.integers(1, 4), tops).flatmap(
        lambda facts: hnp.arrays(dtype, facts[:3], elements=st.integers(0, facts[3]))
    )


def make_pixels(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def decode(file: bytes, mode: str | None = None) -> np.ndarray:
    image = Image.open(io.BytesIO(file), formats=["png"]).convert(mode)
    return np.asarray(image).reshape(image.height, image.width, -1)


def decode_by_hand(file: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """Undo the filters byte by byte, for 16-bit modes that Pillow reads in 8 bits only."""
    stride, pixel_bytes = 2 * shape[1] * shape[2], 2 * shape[2]
    filtered, above, rows = zlib.decompress(dict(read_chunks(file))[b"IDAT"]), bytes(stride), []
    for start in range(0, len(filtered), 1 + stride):
        kind, row = filtered[start], bytearray(pixel_bytes) + filtered[start + 1 : start + 1 + stride]
        for number in range(stride):
            left, up = row[number], above[number]
            row[pixel_bytes + number] = (row[pixel_bytes + number] + (0, left, up, (left + up) // 2)[kind]) % 256
        above = row[pixel_bytes:]
        rows.append(above)
    return np.frombuffer(b"".join(rows), ">u2").reshape(shape)


def read_chunks(file: bytes) -> list[tuple[bytes, bytes]]:
    """Take a file apart, and compare every checksum on the way."""
    assert SIGNATURE == file[:8]
    chunks, position = [], 8
    while position < len(file):
        (length,) = struct.unpack_from(">I", file, position)
        body, checksum = (
            file[position + 4 : position + 8 + length],
            file[position + 8 + length : position + 12 + length],
        )
        assert zlib.crc32(body).to_bytes(4) == checksum
        chunks.append((body[:4], body[4:]))
        position += 12 + length
    return chunks


@given(make_images(np.uint8))
def test_pillow_reads_every_pixel_of_every_mode(pixels):
    file = write_png(pixels, xmp=XMP)

    assert MODES[pixels.shape[2]] == Image.open(io.BytesIO(file)).mode
    np.testing.assert_array_equal(pixels, decode(file))


@given(make_images(np.uint16))
def test_16_bits_are_kept_in_every_mode(pixels):
    file = write_png(pixels, xmp=XMP)

    grey = pixels.shape[2] == 1
    np.testing.assert_array_equal(
        pixels if grey else pixels >> 8, decode(file, None if grey else MODES[pixels.shape[2]])
    )
    np.testing.assert_array_equal(pixels, decode_by_hand(file, pixels.shape))


@pytest.mark.parametrize("shape", [(70, 61, 1), (50, 50, 2), (64, 64, 3), (150, 150, 3), (130, 131, 4)], ids=str)
def test_larger_images_keep_every_pixel(shape):
    pixels = make_pixels(*shape)

    np.testing.assert_array_equal(pixels, decode(write_png(pixels, xmp=XMP)))


def test_the_file_has_its_chunks_in_order_with_their_checksums():
    file = write_png(make_pixels(5, 4, 3), xmp=XMP, text=("fount", "{}"))

    kinds, data = zip(*read_chunks(file), strict=True)
    assert (b"IHDR", b"iTXt", b"tEXt", b"IDAT", b"IEND") == kinds
    assert (4, 5, 8, 2, 0, 0, 0) == struct.unpack(">IIBBBBB", data[0])


def test_texts_are_read_back():
    image = Image.open(io.BytesIO(write_png(make_pixels(4, 4, 1), xmp=XMP, text=("fount", '{"index": 7}'))))

    assert XMP == image.info["xmp"]
    assert '{"index": 7}' == image.info["fount"]


def test_a_file_without_texts_has_what_it_must():
    assert [b"IHDR", b"IDAT", b"IEND"] == [kind for kind, _ in read_chunks(write_png(make_pixels(2, 2, 1)))]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16], ids=["8-bit", "16-bit"])
def test_bytes_hang_on_values_and_not_on_how_they_lie_in_memory(dtype):
    pixels = make_pixels(9, 7, 3, dtype=dtype)

    files = {write_png(form, xmp=XMP) for form in (pixels, pixels[::-1].copy()[::-1], np.asfortranarray(pixels))}

    assert {write_png(pixels.astype(pixels.dtype.newbyteorder(">")), xmp=XMP)} == files


@pytest.mark.parametrize("shape", [(3, 28, 28, 1), (4, 9, 7, 3), (2, 64, 64, 3), (2, 150, 150, 4)], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16], ids=["8-bit", "16-bit"])
def test_many_files_are_those_of_one_by_one(shape, dtype):
    images = make_pixels(*shape, dtype=dtype)
    texts = [("fount", str(number)) for number in range(len(images))]

    expected = [write_png(pixels, xmp=XMP, text=text) for pixels, text in zip(images, texts, strict=True)]

    assert expected == list(write_pngs(images, xmp=XMP, texts=texts))


def test_blocks_leave_no_trace():
    images = make_pixels(BLOCK_BYTES // 1200 + 3, 20, 20, 3) // 64

    assert [write_png(pixels) for pixels in images] == list(write_pngs(images))


def test_no_images_make_no_files():
    assert [] == list(write_pngs(np.zeros((0, 4, 4, 1), np.uint8)))


def test_files_of_one_shape_differ_in_their_packets():
    pixels = make_pixels(3, 3, 1)

    packets = [Image.open(io.BytesIO(write_png(pixels, xmp=xmp))).info["xmp"] for xmp in (b"<a/>", b"<b/>")]

    assert [b"<a/>", b"<b/>"] == packets


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (64, 64, 3), (224, 224, 3)], ids=str)
def test_zlib_writes_the_same_pixels(shape, hide_compressor, monkeypatch):
    pixels = make_pixels(*shape) // 8
    monkeypatch.setattr(png, "COMPRESSOR", find_compressor())

    file = write_png(pixels, xmp=XMP, text=("fount", "{}"))

    assert 5 == len(read_chunks(file))
    np.testing.assert_array_equal(pixels, decode(file))


@pytest.mark.parametrize(
    "dtype", [np.int8, np.int16, np.uint32, np.float32, np.bool_], ids=["int8", "int16", "uint32", "float32", "bool"]
)
def test_other_numbers_are_refused(dtype):
    with pytest.raises(ValueError, match=f"a PNG holds uint8 or uint16, not {np.dtype(dtype)}"):
        write_png(np.zeros((2, 2, 1), dtype), xmp=XMP)


@pytest.mark.parametrize("shape", [(4, 4), (1, 4, 4, 3), (4, 4, 0), (4, 4, 5), (0, 4, 1), (4, 0, 3)], ids=str)
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"a PNG holds an image of shape \(height, width, 1 to 4\), not"):
        write_png(np.zeros(shape, np.uint8), xmp=XMP)
