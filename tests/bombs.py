"""Image files that cost much more to read than to send; made piece by piece, so that nobody holds them whole."""

import functools
import struct
import zlib

from PIL import Image

from tests.pictures import encode, encode_image, make_pixels

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, RGBA = 0, 2, 6
"""Colour types of PNG."""
MIB = 2**20

_BLOCK = bytes(MIB)


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def write_png(width: int, height: int, bits: int, colour: int, *chunks: bytes) -> bytes:
    return b"".join([SIGNATURE, write_size(width, height, bits, colour), *chunks, chunk(b"IEND", b"")])


def write_size(width: int, height: int, bits: int = 8, colour: int = RGB) -> bytes:
    return chunk(b"IHDR", struct.pack(">II5B", width, height, bits, colour, 0, 0, 0))


@functools.cache
def deflate_zeros(num_bytes: int) -> bytes:
    """Compress many zeros that are never held at once."""
    compressor = zlib.compressobj(1)
    pieces = [compressor.compress(_BLOCK[: min(MIB, num_bytes - start)]) for start in range(0, num_bytes, MIB)]
    return b"".join([*pieces, compressor.flush()])


def patch(data: bytes, position: int, replacement: bytes) -> bytes:
    return data[:position] + replacement + data[position + len(replacement) :]


def black_png(width: int, height: int, *, bits: int = 8, colour: int = GREY) -> bytes:
    """Write a black picture of any size, honestly: all of its pixels are in the file."""
    channels = {GREY: 1, RGB: 3, RGBA: 4}[colour]
    row_bytes = 1 + (width * channels * bits + 7) // 8
    return write_png(width, height, bits, colour, chunk(b"IDAT", deflate_zeros(height * row_bytes)))


def claim_jpeg(height: int, width: int) -> bytes:
    data = encode(make_pixels(), "JPEG")
    return patch(data, data.index(b"\xff\xc0") + 5, struct.pack(">HH", height, width))


def claim_gif(width: int = 65535, height: int = 65535) -> bytes:
    return patch(encode(make_pixels(), "GIF"), 6, struct.pack("<HH", width, height))


def claim_bmp(width: int, height: int) -> bytes:
    return patch(encode(make_pixels(), "BMP"), 18, struct.pack("<ii", width, height))


def claim_tiff(width: int, height: int) -> bytes:
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, 1, 8), (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, width * height % 2**32)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def looping_tiff() -> bytes:
    """Write a TIFF whose directory is followed by itself."""
    data = claim_tiff(8, 8)
    return data[:-4] + struct.pack("<I", 8)


def claim_webp(width: int, height: int) -> bytes:
    canvas = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    frame = encode(make_pixels(), "WEBP")[12:]
    body = b"WEBP" + b"VP8X" + struct.pack("<II", 10, 0) + canvas + frame
    return b"RIFF" + struct.pack("<I", len(body)) + body


def text_png(count: int = 1, num_bytes: int = 64 * MIB) -> bytes:
    """Write one black pixel, and texts that are much longer than they look."""
    text = chunk(b"zTXt", b"a\0\0" + deflate_zeros(num_bytes))
    return write_png(1, 1, 8, GREY, *[text] * count, _one_pixel())


def international_text_png(num_bytes: int = 64 * MIB) -> bytes:
    return write_png(1, 1, 8, GREY, chunk(b"iTXt", b"a\0\1\0\0\0" + deflate_zeros(num_bytes)), _one_pixel())


def profile_png(num_bytes: int = 64 * MIB) -> bytes:
    return write_png(1, 1, 8, GREY, chunk(b"iCCP", b"a\0\0" + deflate_zeros(num_bytes)), _one_pixel())


def overrun_png(num_bytes: int = 256 * MIB) -> bytes:
    """Write one pixel whose data does not end with it."""
    return write_png(1, 1, 8, GREY, chunk(b"IDAT", deflate_zeros(num_bytes)))


def crumbled_png(count: int = 200_000, *, behind: bool = False) -> bytes:
    """Write one pixel with very many small chunks before it, or behind it."""
    crumbs = chunk(b"tEXt", b"a\0b") * count
    return write_png(1, 1, 8, GREY, *([_one_pixel(), crumbs] if behind else [crumbs, _one_pixel()]))


def split_png(count: int = 50_000) -> bytes:
    """Write one pixel whose data is cut into pieces of one byte or none."""
    data = zlib.compress(b"\0\0")
    pieces = [chunk(b"IDAT", data[at : at + 1]) for at in range(len(data))]
    return write_png(1, 1, 8, GREY, *[chunk(b"IDAT", b"")] * count, *pieces)


def twice_sized_png(first: tuple[int, int], second: tuple[int, int], *chunks: bytes, colour: int = GREY) -> bytes:
    """Write a black picture that says one size first, and then another."""
    width, height = second
    channels = {GREY: 1, RGB: 3, RGBA: 4}[colour]
    data = deflate_zeros(height * (1 + width * channels))
    size = write_size(width, height, 8, colour)
    return write_png(*first, 8, colour, *chunks, size, chunk(b"IDAT", data))


def animated_png(count: int = 2**31 - 1, width: int = 30_000, height: int = 30_000) -> bytes:
    """Write one pixel that says to be the first of very many frames of a huge size."""
    control = struct.pack(">IIIIIHHBB", 0, width, height, 0, 0, 1, 1, 0, 0)
    animation = chunk(b"acTL", struct.pack(">II", count, 0))
    return write_png(1, 1, 8, GREY, animation, chunk(b"fcTL", control), _one_pixel())


def animated_gif(count: int = 3000) -> bytes:
    """Write very many small pictures in one file."""
    one = encode_image(Image.new("L", (1, 1)), "GIF")
    frame = one[one.index(b",", 13) : -1]
    return one[:-1] + frame * count + b";"


def scanned_jpeg(scans: int = 2000, size: int = 2048) -> bytes:
    """Write a progressive JPEG whose last scan comes again and again; each costs as much as the whole picture."""
    data = encode_image(Image.new("L", (size, size), 90), "JPEG", progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan * scans + b"\xff\xd9"


def _one_pixel() -> bytes:
    return chunk(b"IDAT", zlib.compress(b"\0\0"))
