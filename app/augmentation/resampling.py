"""Pictures moved by OpenCV: one resampling, with a filter before it where pictures shrink.

Fractional box filters and turned ones have no fast kernel. A whole-number box filter has: it shrinks the part that is
seen to between two thirds and one and a half of the final density, and the one interpolation does the rest.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.augmentation.draws import F64
from app.augmentation.frames import WHITE, Pixels
from app.augmentation.primitives import Fill, Interpolation

cv2.setNumThreads(1)
cv2.ocl.setUseOpenCL(False)

BORDERS = {
    "constant": cv2.BORDER_CONSTANT,
    "edge": cv2.BORDER_REPLICATE,
    "reflect": cv2.BORDER_REFLECT_101,
    "wrap": cv2.BORDER_WRAP,
}
INTERPOLATIONS = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
MAX_CHANNELS = 4
"""That OpenCV moves at once."""
_SHRINKS = 1.5
_MARGIN = 3
_TINY = 1e-9
_TO_CENTRES = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
_TO_CORNERS = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, -0.5], [0.0, 0.0, 1.0]])


def warp(pixels: Pixels, matrix: F64, size: tuple[int, int], fill: Fill, interpolation: Interpolation) -> Pixels:
    """Move a picture.

    Args:
        pixels: Shape (H, W, C).
        matrix: Points before to points after, homogeneous, in pixels; shape (3, 3).
        size: Height and width after.
        fill: What lies outside.
        interpolation: Between pixels.

    Returns:
        Shape (size, C).
    """
    moved = _move_whole(pixels, matrix, size)
    if moved is not None:
        return moved
    back: F64 = np.asarray(np.linalg.inv(matrix), np.float64)
    shrunk, back = (pixels, back) if interpolation == "nearest" else _shrink(pixels, back, size, fill)
    centred = _TO_CORNERS @ back @ _TO_CENTRES
    flags = INTERPOLATIONS[interpolation] | cv2.WARP_INVERSE_MAP
    border, value = BORDERS[fill.mode], fill.value * WHITE[pixels.dtype.name]
    is_affine = abs(back[2, 0]) < _TINY and abs(back[2, 1]) < _TINY
    shape = size[::-1]
    if is_affine:
        centred = centred[:2] / centred[2, 2]
        return _by_parts(shrunk, lambda part: cv2.warpAffine(part, centred, shape, None, flags, border, (value,) * 4))
    return _by_parts(shrunk, lambda part: cv2.warpPerspective(part, centred, shape, None, flags, border, (value,) * 4))


def gather(pixels: Pixels, points: NDArray[np.float32], fill: Fill, interpolation: Interpolation) -> Pixels:
    """Take each pixel from somewhere in a picture.

    Args:
        pixels: Shape (H, W, C).
        points: Where from, as (x, y) in pixels; shape (h, w, 2).
        fill: What lies outside.
        interpolation: Between pixels.

    Returns:
        Shape (h, w, C).
    """
    flags, border = INTERPOLATIONS[interpolation], BORDERS[fill.mode]
    value = (fill.value * WHITE[pixels.dtype.name],) * 4
    x, y = (np.ascontiguousarray(points[:, :, axis]) - np.float32(0.5) for axis in (0, 1))
    return _by_parts(pixels, lambda part: cv2.remap(part, x, y, flags, None, border, value))


def through_alpha(pixels: Pixels, function: Callable[[Pixels], Pixels]) -> Pixels:
    """Do something to a picture with its colours weighed by its transparency, so that hidden colours stay hidden."""
    white = WHITE[pixels.dtype.name]
    weighed = pixels.astype(np.float32) / np.float32(white)
    weighed[:, :, :-1] *= weighed[:, :, -1:]
    done = function(weighed)
    alpha = done[:, :, -1:]
    colours = np.divide(done[:, :, :-1], alpha, out=np.zeros_like(done[:, :, :-1]), where=alpha > 1 / (2 * 65535))
    return to_depth(np.concatenate([colours, alpha], axis=2), pixels.dtype)


def to_depth(levels: NDArray[Any], dtype: np.dtype[Any]) -> Pixels:
    """Write levels from 0 to 1 as pixels."""
    clipped = np.clip(levels, 0, 1)
    scaled = clipped if dtype == np.float32 else np.rint(clipped * WHITE[dtype.name])
    return np.asarray(scaled, dtype)


def _move_whole(pixels: Pixels, matrix: F64, size: tuple[int, int]) -> Pixels | None:
    """Move by whole pixels, quarter turns and mirrors, exactly; None if it is another move, or shows what is outside."""
    linear, shift = matrix[:2, :2], matrix[:2, 2]
    rounded = np.rint(linear)
    if (
        np.abs(matrix[2, :2]).max() > _TINY
        or np.abs(rounded - linear).max() > _TINY
        or np.abs(np.rint(shift) - shift).max() > _TINY
        or np.abs(rounded).sum() != 2  # noqa: PLR2004 - one entry in each row
        or abs(np.linalg.det(rounded)) != 1
    ):
        return None
    height, width = pixels.shape[:2]
    corners = np.array([[0.0, width], [0.0, height]])
    left, top = (rounded @ corners).min(axis=1) + np.rint(shift)
    if rounded[0, 0]:
        turned = pixels[:: int(rounded[1, 1]), :: int(rounded[0, 0])]
    else:
        turned = pixels.swapaxes(0, 1)[:: int(rounded[1, 0]), :: int(rounded[0, 1])]
    x, y = -int(left), -int(top)
    if x < 0 or y < 0 or x + size[1] > turned.shape[1] or y + size[0] > turned.shape[0]:
        return None
    return np.ascontiguousarray(turned[y : y + size[0], x : x + size[1]])


def _shrink(pixels: Pixels, back: F64, size: tuple[int, int], fill: Fill) -> tuple[Pixels, F64]:
    """Box-filter the part that is seen; returns it and the matrix from points after to points of it."""
    footprint = np.hypot(back[:2, 0], back[:2, 1]) / abs(back[2, 2])
    across, down = (int(np.rint(one)) if one >= _SHRINKS else 1 for one in footprint)
    if across == down == 1:
        return pixels, back
    height, width = pixels.shape[:2]
    left, top, right, bottom = _seen(back, size, width, height, fill)
    left, top = left // across * across, top // down * down
    right, bottom = min(width, -(-right // across) * across), min(height, -(-bottom // down) * down)
    part = pixels[top:bottom, left:right]
    missing = -(right - left) % across, -(bottom - top) % down
    if any(missing):
        part = _by_parts(part, lambda one: cv2.copyMakeBorder(one, 0, missing[1], 0, missing[0], cv2.BORDER_REPLICATE))
    shape = max(1, part.shape[1] // across), max(1, part.shape[0] // down)
    shrunk = _by_parts(part, lambda one: cv2.resize(one, shape, interpolation=cv2.INTER_AREA))
    into = np.array([[1 / across, 0, -left / across], [0, 1 / down, -top / down], [0, 0, 1]])
    return shrunk, into @ back


def _seen(back: F64, size: tuple[int, int], width: int, height: int, fill: Fill) -> tuple[int, int, int, int]:
    """Return the part of a picture that is seen, as left, top, right, bottom; all of it where it is repeated."""
    height_after, width_after = size
    corners = np.array([[0, width_after, 0, width_after], [0, 0, height_after, height_after], [1, 1, 1, 1]], np.float64)
    points = back @ corners
    if points[2].min() <= _TINY:  # the horizon is in the picture
        return 0, 0, width, height
    x, y = points[0] / points[2], points[1] / points[2]
    reach = _MARGIN * np.maximum(1, np.hypot(back[:2, 0], back[:2, 1]))
    left, right = int(np.floor(x.min() - reach[0])), int(np.ceil(x.max() + reach[0]))
    top, bottom = int(np.floor(y.min() - reach[1])), int(np.ceil(y.max() + reach[1]))
    is_outside = left < 0 or top < 0 or right > width or bottom > height
    if is_outside and fill.mode in {"reflect", "wrap"}:
        return 0, 0, width, height
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return left, top, min(max(right, left + 1), width), min(max(bottom, top + 1), height)


def _by_parts(pixels: Pixels, function: Callable[[Pixels], Pixels]) -> Pixels:
    """Apply a function of OpenCV, which drops a single channel and knows four at most."""
    channels = pixels.shape[2]
    if channels <= MAX_CHANNELS:
        done = function(pixels)
        return done if done.ndim == 3 else done[:, :, None]  # noqa: PLR2004 - height, width, channel
    parts = [function(np.ascontiguousarray(pixels[:, :, [c]])) for c in range(channels)]
    return np.stack([part.reshape(part.shape[:2]) for part in parts], axis=2)
