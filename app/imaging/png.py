"""A PNG writer for images that are wanted quickly: 8 or 16 bits per channel, grey or RGB, with alpha or without.

A file is a function of the pixels, its texts, this package's filters (``png_filters``) and the compressor
(``png_deflate.COMPRESSOR.name``), and of nothing else.

Source:
    PNG specification, third edition, sections 5 (chunks) and 11 (what they hold).
"""

import functools
import struct
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.imaging.png_deflate import COMPRESSOR
from app.imaging.png_filters import choose_filter

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = b"XML:com.adobe.xmp"

PngPixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16]

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def write_png(pixels: PngPixels, *, xmp: bytes | None = None, text: tuple[str, str] | None = None) -> bytes:
    """Encode an image.

    Args:
        pixels: Grey, grey and alpha, RGB or RGBA, shape (h, w, 1 to 4), in any byte order and memory layout.
        xmp: XMP packet, UTF-8; None for a file without.
        text: Keyword and ASCII text of one more text chunk.

    Returns:
        The file; the same for the same arguments.

    Raises:
        ValueError: If the pixels are not such an image.
    """
    parts = [_begin_file(pixels.shape, pixels.dtype, xmp)]
    if text is not None:
        keyword, content = text
        parts += _frame(b"tEXt", f"{keyword}\0{content}".encode("ascii"))
    parts += _frame(b"IDAT", _compress_pixels(pixels))
    parts.append(_END)
    return b"".join(parts)


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


def _compress_pixels(pixels: PngPixels) -> bytes:
    rows: NDArray[np.uint8] = pixels.reshape(len(pixels), -1)  # type: ignore[assignment]  # words become bytes below
    pixel_bytes = pixels.shape[2] * pixels.itemsize
    if pixels.itemsize > 1:
        rows = rows.astype(">u2", order="C", copy=False).view(np.uint8)
    return COMPRESSOR.compress(choose_filter(rows, pixel_bytes)(rows, pixel_bytes))


def _frame(kind: bytes, data: bytes) -> tuple[bytes, bytes, bytes]:
    """Return a chunk in pieces, so that only the whole file is copied together."""
    checksum = COMPRESSOR.crc32(data, COMPRESSOR.crc32(kind))
    return len(data).to_bytes(4) + kind, data, checksum.to_bytes(4)


_END = b"".join(_frame(b"IEND", b""))
