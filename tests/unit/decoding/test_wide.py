import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from app.core.errors import ImageTooLargeError, UndecodableImageError
from app.decoding.geometry import set_upright, turn_size
from app.decoding.messages import DecodeOptions
from app.decoding.reading import read_image
from app.decoding.sniffing import find_format
from tests.pictures import encode, encode_image, make_image

SHAPE = (5, 7)
KINDS = {2: 4, 3: 2, 4: 6}  # colour types of PNG, by channels
AS_IT_IS = DecodeOptions()


def read(data, options=AS_IT_IS):
    return read_image(data, find_format(data), options, 4096)


def make_wide(channels, shape=SHAPE):
    return np.random.default_rng(channels).integers(0, 65536, (*shape, channels), np.uint16)


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def write_png(wide, *before):
    height, width, channels = wide.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in wide)
    head = chunk(b"IHDR", struct.pack(">II5B", width, height, 16, KINDS[channels], 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(before) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def write_tiff(wide, *, orientation=1, alpha=2):
    """Write a TIFF in one strip; ``alpha`` 1 says that colours are multiplied with it."""
    height, width, channels = wide.shape
    data, count = wide.astype("<u2").tobytes(), 10 + (channels == 4)
    depths_at = 8 + 2 + 12 * count + 4
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, depths_at),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (273, 4, 1, depths_at + 2 * channels),
        (274, 3, 1, orientation),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, 1, len(data)),
        (338, 3, 1, alpha),
    ]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags[:count])
    depths = struct.pack(f"<{channels}H", *[16] * channels)
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4) + depths + data


@pytest.mark.parametrize("channels", KINDS)
def test_a_png_keeps_all_bits_of_all_channels(channels):
    wide = make_wide(channels)

    image = read(write_png(wide))

    assert np.uint16 == image.pixels.dtype
    assert np.array_equal(wide, image.pixels)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_tiff_keeps_all_bits_of_all_channels(channels):
    wide = make_wide(channels)

    assert np.array_equal(wide, read(write_tiff(wide)).pixels)


def turn(wide, orientation):
    """Turn each channel as Pillow turns grey."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = []
    for channel in range(wide.shape[2]):
        image = Image.fromarray((wide[:, :, channel] >> 8).astype(np.uint8))
        image._exif = exif
        turned.append(np.asarray(set_upright(image)))
    return np.stack(turned, axis=-1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["png", "tiff"])
def test_wide_colours_are_turned_once(orientation, image_format):
    wide, exif = make_wide(3), Image.Exif()
    exif[0x0112] = orientation
    block = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))

    image = read(write_png(wide, block) if image_format == "png" else write_tiff(wide, orientation=orientation))

    assert (orientation, np.uint16) == (image.orientation, image.pixels.dtype)
    assert np.array_equal(turn(wide, orientation), image.pixels >> 8)
    assert turn_size(SHAPE, orientation) == image.full_size == image.pixels.shape[:2]


def test_wide_transparency_is_kept_dropped_or_put_on_a_colour():
    wide = make_wide(4)
    wide[0, 0, 3], wide[0, 1, 3] = 0, 65535
    data = write_png(wide)

    dropped = read(data, DecodeOptions(alpha="drop")).pixels
    on_red = read(data, DecodeOptions(alpha="composite", background=(255, 0, 0))).pixels

    assert np.array_equal(wide[:, :, :3], dropped)
    assert [65535, 0, 0] == on_red[0, 0].tolist()
    assert wide[0, 1, :3].tolist() == on_red[0, 1].tolist()
    opacity = wide[:, :, 3:] / 65535
    assert np.abs(wide[:, :, :3] * opacity + np.array([65535, 0, 0]) * (1 - opacity) - on_red).max() <= 0.5


def test_wide_grey_with_transparency_stays_grey_on_grey():
    wide = make_wide(2)
    wide[0, 0] = (1000, 0)
    data = write_png(wide)

    assert [1000] == read(data, DecodeOptions(alpha="drop")).pixels[0, 0].tolist()
    assert [514] == read(data, DecodeOptions(alpha="composite", background=(2, 2, 2))).pixels[0, 0].tolist()
    assert [0, 0, 257] == read(data, DecodeOptions(alpha="composite", background=(0, 0, 1))).pixels[0, 0].tolist()


def test_the_brightest_white_on_white_stays_white():
    wide = np.full((*SHAPE, 4), 65535, np.uint16)
    wide[:, :, 3] = np.arange(35).reshape(SHAPE) * 1900

    assert {65535} == set(read(write_png(wide), DecodeOptions(alpha="composite")).pixels.ravel().tolist())


def test_one_transparent_colour_of_16_bits_is_transparency():
    wide = make_wide(3)

    pixels = read(write_png(wide, chunk(b"tRNS", wide[0, 0].astype(">u2").tobytes()))).pixels

    assert np.array_equal(wide, pixels[:, :, :3])
    assert (0, 65535) == (pixels[0, 0, 3], pixels[0, 1, 3])


@pytest.mark.parametrize(
    "options",
    [{"channels": 3, "alpha": "drop"}, {"image_size": SHAPE}, {"channels": 1, "alpha": "composite"}],
    ids=["colour", "size", "grey"],
)
def test_eight_bits_are_given_where_they_are_asked_for(options):
    assert np.uint8 == read(write_png(make_wide(3)), DecodeOptions(**options)).pixels.dtype


def test_colours_that_are_converted_have_eight_bits():
    wide = make_wide(3)
    data = write_png(wide, chunk(b"iCCP", b"name\0\0" + zlib.compress(b"profile")))

    assert np.uint8 == read(data).pixels.dtype
    assert np.array_equal(wide, read(data, DecodeOptions(icc="ignore")).pixels)


def test_where_two_readers_disagree_pillow_is_right():
    wide = make_wide(4) // 2
    wide[:, :, 3] = 32768

    image = read(write_tiff(wide, alpha=1))

    assert (np.uint8, (5, 7, 4)) == (image.pixels.dtype, image.pixels.shape)


@pytest.mark.parametrize("write", [write_png, write_tiff])
def test_wide_files_that_are_cut_off_are_refused(write):
    data = write(make_wide(3))

    for length in range(12, len(data) - 12, 9):
        with pytest.raises(UndecodableImageError):
            read(data[:length])


def test_memory_that_does_not_suffice_is_said_to_be_a_size(monkeypatch):
    def fail(image, data, *, is_grey):
        raise MemoryError

    monkeypatch.setattr("app.decoding.reading.read_wide_colours", fail)

    with pytest.raises(ImageTooLargeError, match="memory"):
        read(write_png(make_wide(3)))


def test_files_of_eight_bits_are_not_read_twice(monkeypatch):
    monkeypatch.setattr("app.decoding.reading.read_wide_colours", None)

    for image_format in ("PNG", "TIFF", "BMP"):
        assert np.uint8 == read(encode(np.zeros((4, 4, 3), np.uint8), image_format)).pixels.dtype
    assert np.uint8 == read(encode_image(make_image(np.zeros((4, 4, 3), np.uint8)).quantize(2))).pixels.dtype
