"""Files that no honest caller sends, and honest ones that readers get wrong: a documented refusal, or the picture."""

import contextlib
import os
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.core.errors import (
    AnimatedImageError,
    ImageTooLargeError,
    ServiceError,
    UndecodableImageError,
    UnsupportedImageError,
)
from app.core.settings import LimitSettings
from app.decoding.messages import DecodeOptions
from app.decoding.pool import Decoders
from app.decoding.sniffing import UploadFormat
from tests.bombs import (
    SIGNATURE,
    chunk,
    claim_bmp,
    claim_gif,
    claim_jpeg,
    claim_tiff,
    claim_webp,
    deflate_zeros,
    write_png,
)
from tests.pictures import encode, encode_image, make_pixels

AS_IT_IS = DecodeOptions()
MAX_GROWTH_BYTES = 64 * 2**20
WIDE = (np.arange(24 * 24 * 3, dtype=np.uint16) * 37).reshape(24, 24, 3)

# How a camera has stored what was upright, by orientation.
TURNS = [
    lambda pixels: pixels,
    lambda pixels: pixels[:, ::-1],
    lambda pixels: pixels[::-1, ::-1],
    lambda pixels: pixels[::-1],
    lambda pixels: pixels.swapaxes(0, 1),
    np.rot90,
    lambda pixels: pixels[::-1, ::-1].swapaxes(0, 1),
    lambda pixels: np.rot90(pixels, -1),
]


def resident_bytes():
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
async def decoders():
    """One decoder; this process must not grow while it is asked."""
    async with contextlib.AsyncExitStack() as stack:
        opened = Decoders(LimitSettings(), processes=1, max_waiting=1)
        stack.push_async_callback(opened.close)
        before = resident_bytes()
        yield opened
        assert resident_bytes() - before < MAX_GROWTH_BYTES


async def outcome(decoders, data, options=AS_IT_IS):
    """Decode a file: its pixels, or the refusal."""
    try:
        return (await decoders.decode(data, options)).pixels
    except ServiceError as error:
        return error


def is_refused(result):
    """Tell of an outcome whether it is a refusal that callers read about; no decoder may have ended."""
    return type(result) in {UndecodableImageError, UnsupportedImageError, AnimatedImageError, ImageTooLargeError}


BOMBS = {
    "png": lambda: write_png(30000, 30000, 1, 0, chunk(b"IDAT", deflate_zeros(30000 * 3751))),
    "png-head": lambda: write_png(2**31 - 1, 2**31 - 1, 16, 6, chunk(b"IDAT", b"")),
    "png-text": lambda: write_png(1, 1, 8, 0, chunk(b"zTXt", b"a\0\0" + deflate_zeros(2**26))),
    "png-profile": lambda: write_png(1, 1, 8, 0, chunk(b"iCCP", b"a\0\0" + deflate_zeros(2**26))),
    "jpeg": lambda: claim_jpeg(65535, 65535),
    "gif": claim_gif,
    "bmp": lambda: claim_bmp(2**31 - 1, 2**31 - 1),
    "bmp-negative": lambda: claim_bmp(2**31 - 1, -(2**31)),
    "tiff": lambda: claim_tiff(2**31, 2**31),
    "webp": lambda: claim_webp(2**24, 2**8),
}


async def test_bombs_are_refused_and_cost_no_process(decoders):
    await decoders.decode(encode(make_pixels()), AS_IT_IS)
    before = decoders.pids

    results = {name: await outcome(decoders, make()) for name, make in BOMBS.items()}

    assert [] == [name for name, result in results.items() if not is_refused(result)]
    assert before == decoders.pids


def whole(image_format):
    options = {"lossless": True} if image_format == "webp" else {}
    return encode(make_pixels(height=24, width=24), image_format.upper(), **options)


@pytest.mark.parametrize("image_format", [*UploadFormat, "wide"])
async def test_a_file_that_is_cut_off_is_refused_or_nothing_of_its_picture_is_missing(decoders, image_format):
    data = write_wide() if image_format == "wide" else whole(image_format)
    expected = await outcome(decoders, data)

    results = [await outcome(decoders, data[: len(data) * percent // 100]) for percent in range(100)]

    assert all(is_refused(one) or np.array_equal(expected, one) for one in results)
    assert all(is_refused(one) for one in results[:90])


@pytest.mark.parametrize("image_format", [*UploadFormat, "wide"])
async def test_one_wrong_bit_is_refused_or_gives_some_picture(decoders, image_format):
    data = np.frombuffer(write_wide() if image_format == "wide" else whole(image_format), np.uint8)
    rng = np.random.default_rng(5)
    results = []

    for position in rng.integers(0, len(data) * 8, 200):
        flipped = data.copy()
        flipped[position // 8] ^= 1 << (position % 8)
        results.append(await outcome(decoders, flipped.tobytes()))

    assert all(is_refused(one) or one.dtype in {np.dtype(np.uint8), np.dtype(np.uint16)} for one in results)


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n",
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        b"push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/'\npop graphic-context",
        b"P6\n99999 99999\n255\n",
        b"%PDF-1.7\n",
        b"PK\3\4" + bytes(64),
    ],
    ids=["eps", "svg", "mvg", "ppm", "pdf", "zip"],
)
async def test_programs_and_documents_are_no_pictures_whatever_they_are_called(decoders, data):
    assert isinstance(await outcome(decoders, data), UnsupportedImageError)
    assert is_refused(await outcome(decoders, SIGNATURE + data))


@pytest.mark.parametrize("shape", [(1, 65535), (65535, 1)], ids=str)
async def test_a_line_of_pixels_is_a_picture(decoders, shape):
    pixels = make_pixels(height=shape[0], width=shape[1])

    for image_format in ("PNG", "BMP", "TIFF"):
        assert np.array_equal(pixels, await outcome(decoders, encode(pixels, image_format)))
    for image_format in ("JPEG", "GIF"):
        part = pixels[:65500, :65500]
        assert part.shape == (await outcome(decoders, encode(part, image_format))).shape


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG"])
async def test_several_pictures_are_refused_or_give_their_first(decoders, image_format):
    frames = [Image.new("RGB", (6, 4), (level, level, level)) for level in (10, 90, 200)]
    options = {"lossless": True} if image_format == "WEBP" else {}
    data = encode_image(frames[0], image_format, save_all=True, append_images=frames[1:], duration=9, **options)

    assert isinstance(await outcome(decoders, data), AnimatedImageError)
    assert {10} == set((await outcome(decoders, data, DecodeOptions(animation="first")))[:, :, :3].ravel().tolist())


async def test_inks_become_light(decoders):
    data = encode_image(Image.new("CMYK", (8, 8), (0, 255, 0, 0)), "JPEG")

    assert np.abs((await outcome(decoders, data)).astype(int) - (255, 0, 255)).max() <= 3


def write_wide():
    """Write colours of 16 bits."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in WIDE)
    return write_png(24, 24, 16, 2, chunk(b"IDAT", zlib.compress(rows)))


async def test_sixteen_bits_are_neither_cut_nor_swapped(decoders):
    grey = np.array([[0, 1, 256, 65535]], np.uint16)
    colours = await outcome(decoders, write_wide())

    assert np.array_equal(grey[:, :, None], await outcome(decoders, encode_image(Image.fromarray(grey))))
    assert np.array_equal(WIDE, colours)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF", "WEBP"])
async def test_every_turned_photograph_stands_upright(decoders, image_format):
    upright = np.zeros((16, 32, 3), np.uint8)
    upright[:8, :8] = 255

    for orientation, turn in enumerate(TURNS, start=1):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = encode(np.ascontiguousarray(turn(upright)), image_format, exif=exif)
        pixels = await outcome(decoders, data)
        assert np.abs(pixels.astype(int) - upright).max() < 100, orientation


async def test_pictures_behind_a_picture_are_not_looked_at(decoders):
    pixels = make_pixels()
    data = encode(pixels) + BOMBS["png-head"]() + b"<script>"

    assert np.array_equal(pixels, await outcome(decoders, data))
