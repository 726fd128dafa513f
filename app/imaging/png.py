"""A PNG writer for images that are wanted quickly: 8 or 16 bits per channel, grey or RGB, with alpha or without.

A file is a function of the pixels, its texts, this package's filters (``png_filters``) and the compressor
(``png_deflate.COMPRESSOR.name``), and of nothing else.

Source:
    PNG specification, third edition, sections 5 (chunks) and 11 (what they hold).
"""

import functools
import struct
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.imaging.png_deflate import COMPRESSOR
from app.imaging.png_filters import Rows, filter_image, filter_images

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = b"XML:com.adobe.xmp"

PngPixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]
Text: TypeAlias = tuple[str, str]
"""Keyword and ASCII text of a text chunk."""

BLOCK_BYTES = 1 << 18
"""Pixels that are filtered at once; more would not stay in a core's cache."""

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def write_png(pixels: PngPixels, *, xmp: bytes | None = None, text: Text | None = None) -> bytes:
    """Encode an image.

    Args:
        pixels: Grey, grey and alpha, RGB or RGBA, shape (h, w, 1 to 4), in any byte order and memory layout.
        xmp: XMP packet, UTF-8; None for a file without.
        text: One more text chunk.

    Returns:
        The file; the same for the same arguments.

    Raises:
        ValueError: If the pixels are not such an image.
    """
    begin = _begin_file(pixels.shape, pixels.dtype, xmp)
    return _write_file(begin, text, filter_image(*_spread(pixels)))


def write_pngs(
    images: PngPixels, *, xmp: bytes | None = None, texts: Iterable[Text | None] | None = None
) -> Iterator[bytes]:
    """Encode images of one shape, in less time than one by one.

    Args:
        images: As ``write_png`` takes them, shape (n, h, w, 1 to 4).
        xmp: XMP packet of all files.
        texts: A text chunk for each, taken as the files are; None for files without.

    Yields:
        The files that ``write_png`` would write.

    Raises:
        ValueError: If these are not such images.
    """
    begin = _begin_file(images.shape[1:], images.dtype, xmp)
    following = repeat(None) if texts is None else iter(texts)
    for block in _split(images):
        for rows, text in zip(filter_images(*_spread(block)), following):  # noqa: B905 - texts outlast a block
            yield _write_file(begin, text, rows)


def _write_file(begin: bytes, text: Text | None, rows: Rows) -> bytes:
    parts = () if text is None else _frame(b"tEXt", "\0".join(text).encode("ascii"))
    return b"".join((begin, *parts, *_frame(b"IDAT", COMPRESSOR.compress(rows)), _END))


@functools.lru_cache(maxsize=64)
def _begin_file(shape: tuple[int, ...], dtype: np.dtype[np.generic], xmp: bytes | None) -> bytes:
    """Write all that comes before an image's own text: the same for all images of a shape."""
    if dtype.kind != "u" or dtype.itemsize > 2:  # noqa: PLR2004 - bytes per channel
        raise ValueError(f"a PNG holds uint8 or uint16, not {dtype}")
    if len(shape) != 3 or shape[2] not in _COLOUR_TYPES or 0 in shape:  # noqa: PLR2004 - height, width and channels
        raise ValueError(f"a PNG holds an image of shape (height, width, 1 to 4), not {shape}")
    height, width, channels = shape
    header = struct.pack(">IIBBBBB", width, height, 8 * dtype.itemsize, _COLOUR_TYPES[channels], 0, 0, 0)
    packet = () if xmp is None else _frame(b"iTXt", XMP_KEYWORD + bytes(5) + xmp)
    return b"".join((SIGNATURE, *_frame(b"IHDR", header), *packet))


def _split(images: PngPixels) -> Iterator[PngPixels]:
    """Cut images into blocks that are filtered at once."""
    num_images = len(images)
    size = max(1, BLOCK_BYTES * num_images // max(1, images.nbytes))
    for start in range(0, num_images, size):
        yield images[start : start + size]


def _spread(pixels: PngPixels) -> tuple[Rows, int]:
    """Return the bytes of one or more images, shape (..., h, stride), and the bytes per pixel."""
    rows: Rows = pixels.reshape(*pixels.shape[:-2], -1)  # type: ignore[assignment]  # words become bytes below
    if pixels.itemsize > 1:
        rows = rows.astype(">u2", order="C", copy=False).view(np.uint8)
    return rows, pixels.shape[-1] * pixels.itemsize


def _frame(kind: bytes, data: bytes | bytearray) -> tuple[bytes, bytes | bytearray, bytes]:
    """Return a chunk in pieces, so that only the whole file is copied together."""
    checksum = COMPRESSOR.crc32(data, COMPRESSOR.crc32(kind))
    return len(data).to_bytes(4) + kind, data, checksum.to_bytes(4)


_END = b"".join(_frame(b"IEND", b""))
