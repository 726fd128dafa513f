"""What a PNG file stores instead of pixels: differences that compress better, by one filter for a whole image.

Chosen by measurement on digits, photographs and contact sheets. A filter of its own for each row would save some 3 %,
and Paeth's as much, for several times what the filter costs now. Images of one shape are filtered many at once: one by
one, calls to NumPy take longer than the work.

Source:
    PNG specification, third edition, section 9 (filtering).
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.uint8]
Filter: TypeAlias = Callable[[Rows, int], Rows]
"""Takes bytes of one or more images, shape (..., h, stride), and the bytes per pixel; returns (..., h, 1 + stride)."""

SMALL_BYTES = 4096  # up to here, the average costs more time than it saves bytes
LARGE_BYTES = 65536  # from here on as well; images that repeat their rows, as contact sheets do, are of this size


def filter_image(rows: Rows, pixel_bytes: int) -> Rows:
    """Filter an image, or keep it as it is where a background covers half of it.

    Args:
        rows: Shape (h, stride), not empty.
        pixel_bytes: Bytes per pixel, at least 1.

    Returns:
        What is compressed, shape (h, 1 + stride), contiguous.
    """
    size = rows.size
    has_background = np.count_nonzero(rows == rows[0, 0]) > size // 2
    return (keep_bytes if has_background else choose_filter(size, pixel_bytes))(rows, pixel_bytes)


def filter_images(images: Rows, pixel_bytes: int) -> Rows:
    """Filter images, each as ``filter_image`` does.

    Args:
        images: Shape (n, h, stride), not empty.
        pixel_bytes: Bytes per pixel, at least 1.

    Returns:
        What is compressed, shape (n, h, 1 + stride), contiguous.
    """
    size = images[0].size
    equal = images == images[:, :1, :1]
    kept = [number for number, one in enumerate(equal) if np.count_nonzero(one) > size // 2]
    if len(kept) == len(images):
        return keep_bytes(images, pixel_bytes)
    filtered = choose_filter(size, pixel_bytes)(images, pixel_bytes)
    if kept:
        filtered[kept] = keep_bytes(images[kept], pixel_bytes)
    return filtered


def choose_filter(num_bytes: int, pixel_bytes: int) -> Filter:
    """Choose the filter of images without a background.

    Args:
        num_bytes: Size of one image.
        pixel_bytes: Bytes per pixel, at least 1.
    """
    if num_bytes > LARGE_BYTES:
        return subtract_above
    if num_bytes > SMALL_BYTES:
        return subtract_average
    return subtract_above if pixel_bytes == 1 else subtract_left


def keep_bytes(rows: Rows, pixel_bytes: int) -> Rows:  # noqa: ARG001 - a filter's arguments
    """Store bytes as they are: filter 0, None."""
    return _pad(rows)


def subtract_left(rows: Rows, pixel_bytes: int) -> Rows:
    """Subtract the pixel to the left: filter 1, Sub."""
    padded = _pad(rows, left=pixel_bytes)
    filtered = padded[..., pixel_bytes:] - padded[..., :-pixel_bytes]
    filtered[..., 0] = 1
    return filtered


def subtract_above(rows: Rows, pixel_bytes: int) -> Rows:  # noqa: ARG001 - a filter's arguments
    """Subtract the pixel above: filter 2, Up."""
    padded = _pad(rows, above=1)
    filtered = padded[..., 1:, :] - padded[..., :-1, :]
    filtered[..., 0] = 2
    return filtered


def subtract_average(rows: Rows, pixel_bytes: int) -> Rows:
    """Subtract half the sum of left and above, rounded down: filter 3, Average.

    The average stays within 8 bits as what both bytes share, and half of the rest.
    """
    padded = _pad(rows, above=1, left=pixel_bytes)
    left, above = padded[..., 1:, :-pixel_bytes], padded[..., :-1, pixel_bytes:]
    average: Rows = np.bitwise_xor(left, above)
    average >>= 1
    average += np.bitwise_and(left, above)
    filtered: Rows = np.subtract(padded[..., 1:, pixel_bytes:], average, out=average)
    filtered[..., 0] = 3
    return filtered


def _pad(rows: Rows, *, above: int = 0, left: int = 0) -> Rows:
    """Put a zero before each row, where the filter's number goes, and the zeros that an image is surrounded by."""
    *images, height, stride = rows.shape
    padded = np.zeros((*images, above + height, left + 1 + stride), dtype=np.uint8)
    padded[..., above:, left + 1 :] = rows
    return padded
