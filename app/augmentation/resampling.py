"""Pictures moved by OpenCV: one resampling, with a filter before it where pictures shrink.

Fractional box filters and turned ones have no fast kernel. Two by two has: again and again, it shrinks the part that is
seen to between 0.7 and 1.4 of the final density, and the one interpolation does the rest.
"""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.augmentation.density import count_boxes
from app.augmentation.draws import F64, I64
from app.augmentation.frames import RGB, WHITE, Pixels
from app.augmentation.nodes import Mask
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
_MARGIN = 3
_PROBES = 32
_MUCH_LARGER = 4
"""Times as many pixels before as after: worth a look at what is seen of them."""
_SMALL = 64 * 64
"""Pixels below which a fourth channel does not pay."""
_TINY = 1e-9
_TO_CENTRES = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])
_TO_CORNERS = np.array([[1.0, 0.0, -0.5], [0.0, 1.0, -0.5], [0.0, 0.0, 1.0]])


class MatrixMoves:
    """Moves by matrices, one per output; what hangs on the matrices alone is computed for all of them at once.

    Args:
        matrices: Points before to points after, homogeneous, in pixels; shape (m, 3, 3).
        heights: Of the pictures after, shape (m,).
        widths: Of the pictures after, shape (m,).
        fill: What lies outside.
        interpolation: Between pixels.
    """

    def __init__(self, matrices: F64, heights: I64, widths: I64, fill: Fill, interpolation: Interpolation) -> None:
        self._matrices = matrices
        self._backs: F64 = np.asarray(np.linalg.inv(matrices), np.float64)
        self._fill = fill
        self._sizes: list[tuple[int, int]] = list(zip(heights.tolist(), widths.tolist(), strict=True))
        self._are_whole: list[bool] = _find_whole(matrices).tolist()
        is_affine = np.all(np.abs(self._backs[:, 2, :2]) < _TINY, axis=1)
        self._are_affine: list[bool] = is_affine.tolist()
        boxes = np.ones((len(matrices), 2)) if interpolation == "nearest" else _footprints(self._backs, heights, widths)
        self._boxes: list[tuple[int, int]] = [(across, down) for across, down in count_boxes(boxes).tolist()]
        self._centred = _centre(self._backs)
        self._last: Pixels | None = None
        self._shrunk: dict[tuple[int, int], tuple[Pixels, F64]] = {}
        self._is_linear = interpolation == "linear"
        self._flags = INTERPOLATIONS[interpolation] | cv2.WARP_INVERSE_MAP

    def apply(self, pixels: Pixels, place: int) -> Pixels:
        """Move a picture (H, W, C) as the output of this number is moved."""
        size = self._sizes[place]
        if self._are_whole[place]:
            return _move_whole(pixels, self._matrices[place], size, self._fill)
        boxes, back = self._boxes[place], self._backs[place]
        if boxes != (1, 1):
            shrunk, into = self._shrink(pixels, back, size, boxes)
        elif pixels.shape[0] * pixels.shape[1] > _MUCH_LARGER * size[0] * size[1]:
            shrunk, into = _cut(pixels, _seen(back, size, pixels.shape, self._fill))
        else:
            return self._warp(pixels, self._centred[place], place)
        return self._warp(shrunk, _centre(into @ back), place)

    def _shrink(self, pixels: Pixels, back: F64, size: tuple[int, int], boxes: tuple[int, int]) -> tuple[Pixels, F64]:
        """Box-filter what is seen of a picture, or all of it once, where it is moved again and again."""
        if self._last is not pixels:
            self._last, self._shrunk = pixels, {}
            return _shrink(pixels, _seen(back, size, pixels.shape, self._fill), boxes)
        if boxes not in self._shrunk:
            self._shrunk[boxes] = _shrink(pixels, (0, 0, pixels.shape[1], pixels.shape[0]), boxes)
        return self._shrunk[boxes]

    def _warp(self, pixels: Pixels, centred: F64, place: int) -> Pixels:
        height, width = self._sizes[place]
        shape, flags, border = (width, height), self._flags, BORDERS[self._fill.mode]
        value = (self._fill.value * WHITE[pixels.dtype.name],) * 4
        if self._are_affine[place]:
            flat = centred[:2]
            return self._by_parts(pixels, lambda part: cv2.warpAffine(part, flat, shape, None, flags, border, value))
        return self._by_parts(
            pixels, lambda part: cv2.warpPerspective(part, centred, shape, None, flags, border, value)
        )

    def _by_parts(self, pixels: Pixels, function: Callable[[Pixels], Pixels]) -> Pixels:
        """Move colours with a fourth channel where that takes half the time, as for bilinear moves of 8 bits."""
        is_faster = self._is_linear and pixels.dtype == np.uint8 and pixels.shape[0] * pixels.shape[1] >= _SMALL
        if pixels.shape[2] == RGB and is_faster:
            return cv2.cvtColor(function(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA)), cv2.COLOR_RGBA2RGB)
        return _by_parts(pixels, function)


def warp(pixels: Pixels, matrix: F64, size: tuple[int, int], fill: Fill, interpolation: Interpolation) -> Pixels:
    """Move one picture.

    Args:
        pixels: Shape (H, W, C).
        matrix: Points before to points after, homogeneous, in pixels; shape (3, 3).
        size: Height and width after.
        fill: What lies outside.
        interpolation: Between pixels.

    Returns:
        Shape (size, C).
    """
    height, width = size
    moves = MatrixMoves(matrix[None], np.array([height]), np.array([width]), fill, interpolation)
    return moves.apply(pixels, 0)


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
    if interpolation != "nearest":
        pixels, points = _shrink_all(pixels, points)
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


def _centre(backs: F64) -> F64:
    """Write matrices between points as OpenCV does, whose first pixel has its centre at 0; shape (..., 3, 3)."""
    centred = _TO_CORNERS @ backs @ _TO_CENTRES
    scale = centred[..., 2:, 2:]
    return np.asarray(centred / np.where(np.abs(scale) < _TINY, 1.0, scale), np.float64)


def _find_whole(matrices: F64) -> Mask:
    """Find moves by whole pixels, quarter turns and mirrors, shape (m,)."""
    linear, shift = matrices[:, :2, :2], matrices[:, :2, 2]
    rounded = np.rint(linear)
    distances = [matrices[:, 2, :2], (rounded - linear).reshape(-1, 4), np.rint(shift) - shift, matrices[:, 2:, 2] - 1]
    is_near = np.all([np.abs(one).max(axis=1) <= _TINY for one in distances], axis=0)
    sums = np.abs(rounded)
    return np.asarray(is_near & (sums.sum(axis=1) == 1).all(axis=1) & (sums.sum(axis=2) == 1).all(axis=1))


def _move_whole(pixels: Pixels, matrix: F64, size: tuple[int, int], fill: Fill) -> Pixels:
    """Move by whole pixels, quarter turns and mirrors, exactly."""
    rounded, shift = np.rint(matrix[:2, :2]), matrix[:2, 2]
    height, width = pixels.shape[:2]
    corners = np.array([[0.0, width], [0.0, height]])
    left, top = (rounded @ corners).min(axis=1) + np.rint(shift)
    if rounded[0, 0]:
        turned = pixels[:: int(rounded[1, 1]), :: int(rounded[0, 0])]
    else:
        turned = pixels.swapaxes(0, 1)[:: int(rounded[1, 0]), :: int(rounded[0, 1])]
    return _look_through(turned, -int(left), -int(top), size, fill)


def _look_through(pixels: Pixels, x: int, y: int, size: tuple[int, int], fill: Fill) -> Pixels:
    """Return what is seen through a window at (x, y), which may lie outside."""
    height, width = pixels.shape[:2]
    if x >= 0 and y >= 0 and x + size[1] <= width and y + size[0] <= height:
        return np.ascontiguousarray(pixels[y : y + size[0], x : x + size[1]])
    if fill.mode != "constant":
        rows, columns = (
            _repeat(np.arange(y, y + size[0]), height, fill),
            _repeat(np.arange(x, x + size[1]), width, fill),
        )
        return np.take(np.take(pixels, rows, axis=0), columns, axis=1)
    outside = to_depth(np.asarray(fill.value), pixels.dtype)
    seen = np.full((*size, pixels.shape[2]), outside, pixels.dtype)
    top, bottom = max(-y, 0), min(height - y, size[0])
    left, right = max(-x, 0), min(width - x, size[1])
    if top < bottom and left < right:
        seen[top:bottom, left:right] = pixels[y + top : y + bottom, x + left : x + right]
    return seen


def _repeat(places: I64, length: int, fill: Fill) -> I64:
    """Return which pixel of a line is seen at places that may lie outside."""
    if fill.mode == "edge":
        return np.clip(places, 0, length - 1)
    if fill.mode == "wrap":
        return places % length
    folded = places % max(1, 2 * (length - 1))
    return np.minimum(folded, 2 * (length - 1) - folded)


def _shrink(pixels: Pixels, seen: tuple[int, int, int, int], boxes: tuple[int, int]) -> tuple[Pixels, F64]:
    """Box-filter a part of a picture; returns it and the matrix from points of the picture to points of it.

    Boxes begin at the picture's first pixel, wherever the part begins.
    """
    height, width = pixels.shape[:2]
    across, down = min(boxes[0], width), min(boxes[1], height)
    left, top = seen[0] // across * across, seen[1] // down * down
    right, bottom = min(width, -(-seen[2] // across) * across), min(height, -(-seen[3] // down) * down)
    shrunk = _average(pixels[top:bottom, left:right], across, down)
    return shrunk, np.array([[1 / across, 0, -left / across], [0, 1 / down, -top / down], [0, 0, 1]])


def _cut(pixels: Pixels, seen: tuple[int, int, int, int]) -> tuple[Pixels, F64]:
    """Return a part of a picture, and the matrix from points of the picture to points of it."""
    left, top, right, bottom = seen
    return pixels[top:bottom, left:right], np.array([[1.0, 0, -left], [0, 1, -top], [0, 0, 1]])


def _shrink_all(pixels: Pixels, points: NDArray[np.float32]) -> tuple[Pixels, NDArray[np.float32]]:
    """Box-filter a picture as the usual distance of points asks for; returns it and the points in it."""
    if min(points.shape[:2]) < 2:  # noqa: PLR2004 - no distance to measure
        return pixels, points
    few = tuple(slice(None, None, -(-side // _PROBES)) for side in points.shape[:2])
    slopes = [np.median(np.abs(np.diff(points, axis=axis)[few]), axis=(0, 1)) for axis in (1, 0)]
    boxes = count_boxes(np.asarray(np.hypot(*slopes))).tolist()
    across, down = min(boxes[0], pixels.shape[1]), min(boxes[1], pixels.shape[0])
    if across == down == 1:
        return pixels, points
    return _average(pixels, across, down), np.divide(points, [across, down], dtype=np.float32)


def _average(pixels: Pixels, across: int, down: int) -> Pixels:
    """Make one pixel of each box, of which the last ones repeat the edge."""
    height, width = pixels.shape[:2]
    missing = -width % across, -height % down
    if any(missing):
        edge = cv2.BORDER_REPLICATE
        pixels = _by_parts(pixels, lambda one: cv2.copyMakeBorder(one, 0, missing[1], 0, missing[0], edge))
    while across % 2 == down % 2 == 0:  # there is a fast kernel for two by two
        pixels, across, down = _resize(pixels, 2, 2), across // 2, down // 2
    return pixels if across == down == 1 else _resize(pixels, across, down)


def _resize(pixels: Pixels, across: int, down: int) -> Pixels:
    shape = pixels.shape[1] // across, pixels.shape[0] // down
    return _by_parts(pixels, lambda one: cv2.resize(one, shape, interpolation=cv2.INTER_AREA))


def _footprints(backs: F64, heights: I64, widths: I64) -> F64:
    """Return how wide and high the pixel in the middle of each picture is in the picture before, shape (m, 2)."""
    middles = np.stack([widths / 2, heights / 2, np.ones(len(backs))], axis=1)
    x, y, depth = np.moveaxis(np.einsum("nij,nj->ni", backs, middles)[:, :, None], 1, 0)
    points = np.concatenate([x, y], axis=1)[:, :, None]
    slopes = (backs[:, :2, :2] - points * backs[:, 2:, :2] / depth[:, :, None]) / depth[:, :, None]
    return np.asarray(np.hypot(slopes[:, :, 0], slopes[:, :, 1]))


def _seen(back: F64, size: tuple[int, int], shape: tuple[int, ...], fill: Fill) -> tuple[int, int, int, int]:
    """Return the part of a picture that is seen, as left, top, right, bottom; all of it where it is repeated."""
    height, width = shape[:2]
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
        return _within(done if done.ndim == 3 else done[:, :, None])  # noqa: PLR2004 - height, width, channel
    parts = [function(np.ascontiguousarray(pixels[:, :, [c]])) for c in range(channels)]
    return _within(np.stack([part.reshape(part.shape[:2]) for part in parts], axis=2))


def _within(pixels: Pixels) -> Pixels:
    """Clip what cubic interpolation overshoots; whole numbers are clipped already."""
    return np.clip(pixels, 0, 1, out=pixels) if pixels.dtype == np.float32 else pixels
