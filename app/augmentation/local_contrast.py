"""Histograms made equal cell by cell, with a limit on contrast.

OpenCV has it for 8 bits. Its form for 16 counts 65,536 levels, few of which occur twice in a cell: what little is above
the limit is nearly all of the picture, and nothing is left to do. So finer levels are placed between the 256 here.
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from app.augmentation.draws import F64
from app.augmentation.frames import RGB, WHITE, Pixels
from app.augmentation.resampling import to_depth

_BINS = 256
_DEPTHS = {"uint8": (cv2.CV_16S, cv2.CV_8U), "uint16": (cv2.CV_32S, cv2.CV_16U), "float32": (cv2.CV_32F, cv2.CV_32F)}
"""Of differences and of pixels."""


def equalise_locally(pixels: Pixels, clip: float, cells: int, *, has_alpha: bool) -> Pixels:
    """Make levels about as frequent as each other, in each part of a picture: luma, where there are three colours.

    Args:
        pixels: Shape (H, W, C).
        clip: The most that a level counts, in multiples of what each would if all were as frequent; at least 1.
        cells: How many parts, down and across; at most one per pixel.
        has_alpha: Whether the last channel is transparency, which stays.

    Source:
        Zuiderveld 1994, "Contrast limited adaptive histogram equalization", Graphics Gems IV.
    """
    colours = pixels[:, :, :-1] if has_alpha else pixels
    height, width = pixels.shape[:2]
    size = min(cells, height), min(cells, width)
    if colours.shape[2] == RGB:
        done = _through_luma(colours, lambda luma: _equalise(luma, clip, size))
    else:
        parts = [_equalise(np.ascontiguousarray(colours[:, :, c]), clip, size) for c in range(colours.shape[2])]
        done = np.stack(parts, axis=2)
    return np.concatenate([done, pixels[:, :, -1:]], axis=2) if has_alpha else done


def _through_luma(colours: Pixels, function: Callable[[Pixels], Pixels]) -> Pixels:
    """Add to all colours what a function adds to luma, so that chroma stays."""
    luma = cv2.cvtColor(np.ascontiguousarray(colours), cv2.COLOR_RGB2GRAY)
    wide, depth = _DEPTHS[colours.dtype.name]
    change = cv2.subtract(function(luma), luma, dtype=wide)
    done = cv2.add(colours, cv2.merge([change] * RGB), dtype=depth)
    return np.clip(done, 0, 1) if done.dtype == np.float32 else np.asarray(done)


def _equalise(channel: Pixels, clip: float, size: tuple[int, int]) -> Pixels:
    height, width = channel.shape
    missing = -height % size[0], -width % size[1]
    padded = cv2.copyMakeBorder(channel, 0, missing[0], 0, missing[1], cv2.BORDER_REFLECT_101)
    if channel.dtype == np.uint8:
        done = cv2.createCLAHE(clip, size[::-1]).apply(padded)
    else:
        done = to_depth(_equalise_finely(padded / np.float64(WHITE[channel.dtype.name]), clip, size), channel.dtype)
    return np.asarray(done[:height, :width])


def _equalise_finely(levels: F64, clip: float, size: tuple[int, int]) -> F64:
    """Do it for levels from 0 to 1, between 256; a picture is a whole number of cells, shape (H, W)."""
    cell = levels.shape[0] // size[0], levels.shape[1] // size[1]
    scaled = np.clip(levels, 0, 1) * (_BINS - 1)
    tables = _tables(np.rint(scaled).astype(np.int64), clip, size, cell)
    base = np.minimum(scaled.astype(np.int64), _BINS - 2)
    share = scaled - base
    rows, columns = _beside(levels.shape[0], cell[0], size[0]), _beside(levels.shape[1], cell[1], size[1])
    done = np.zeros(levels.shape)
    for row, weight_down in rows:
        for column, weight_across in columns:
            place = (row[:, None] * size[1] + column) * _BINS + base
            found = tables[place] * (1 - share) + tables[place + 1] * share
            done += found * (weight_down[:, None] * weight_across)
    return done


def _tables(bins: NDArray[np.int64], clip: float, size: tuple[int, int], cell: tuple[int, int]) -> F64:
    """Return where each of the 256 levels goes in each cell, one after the other, shape (cells * 256,)."""
    rows, columns = np.arange(bins.shape[0]) // cell[0], np.arange(bins.shape[1]) // cell[1]
    places = (rows[:, None] * size[1] + columns) * _BINS + bins
    counts = np.bincount(places.ravel(), minlength=size[0] * size[1] * _BINS).reshape(-1, _BINS)
    area = cell[0] * cell[1]
    limit = max(int(clip * area / _BINS), 1)
    above = np.maximum(counts - limit, 0).sum(axis=1)
    counts = np.minimum(counts, limit) + (above // _BINS)[:, None]
    for one, rest in zip(counts, (above % _BINS).tolist(), strict=True):
        if rest:
            one[np.arange(rest) * (_BINS // rest)] += 1
    return np.asarray(np.cumsum(counts, axis=1).ravel() / area)


def _beside(length: int, cell: int, count: int) -> list[tuple[NDArray[np.int64], F64]]:
    """Return the two cells whose centres each pixel lies between, and their weights."""
    places = np.arange(length) / cell - 0.5
    first = np.floor(places).astype(np.int64)
    weight = places - first
    return [(np.maximum(first, 0), 1 - weight), (np.minimum(first + 1, count - 1), weight)]
