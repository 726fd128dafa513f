"""Noise from a table of normal numbers: a field is read in short pieces, from places that its key tells.

Drawing a normal number takes longer than all the rest that is done to a pixel. The table is drawn once per process.
A piece begins anywhere in it, or in its negative: two fields, or two parts of one, share numbers only by chance, at
most a few hundred of them, and with any shift. What they share stays below what independent numbers seem to share.

Source:
    Dietzfelbinger et al. 1997, "A reliable randomized algorithm for the closest-pair problem" (multiply-shift hashing).
    Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators" (SplitMix64, the multipliers).
"""

import functools
import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from app.augmentation.draws import F64, I64, U64
from app.core.seeds import normal_quantile, philox

I16 = NDArray[np.int16]

SCALE = 4096
"""A number of the table for one standard deviation."""
PIECE = 256
"""Numbers that are read from one place."""
TABLE_BITS = 21
"""A piece begins at one of so many places, as a power of two: half of them are in the negative."""

_HALF = 2 ** (TABLE_BITS - 1)
_CHUNK = 2**16  # that the processor's cache holds
_TABLE_KEY = (0x466F756E, 0x74)
_CACHED_PIECES = 2**12
_PLACE_SHIFT = np.uint64(64 - TABLE_BITS)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX = ((np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)), (np.uint64(27), np.uint64(0x94D049BB133111EB)))
_LAST_SHIFT = np.uint64(31)


def read_bank(key: int, shape: tuple[int, ...]) -> I16:
    """Read a field of normal numbers.

    Args:
        key: Of the field, in [0, 2**53).
        shape: Of the field, such as (H, W, C).

    Returns:
        Standard normal numbers times ``SCALE``, rounded; of the given shape.
    """
    size = math.prod(shape)
    pieces = -(-size // PIECE)
    return _windows()[find_places(key, pieces)].reshape(-1)[:size].reshape(shape)


def find_places(key: int, pieces: int) -> I64:
    """Return where in the table the pieces of a field begin, in [0, 2**TABLE_BITS), shape (pieces,)."""
    return ((_multipliers(pieces) * np.uint64(2 * key + 1)) >> _PLACE_SHIFT).view(np.int64)


@functools.cache
def read_table() -> I16:
    """Return the table, its negative, and so much of its beginning that no piece ends beyond; not writeable."""
    half = np.concatenate([_draw_chunk(first) for first in range(0, _HALF, _CHUNK)])
    table = np.concatenate([half, -half, half[: PIECE - 1]])
    table.flags.writeable = False
    return table


def read_uniform(key: int, shape: tuple[int, ...]) -> I16:
    """Read a field of uniform whole numbers in [0, SCALE).

    The remainder of a normal number by its standard deviation is uniform to nine digits.

    Args:
        key: Of the field, in [0, 2**53).
        shape: Of the field.
    """
    return read_bank(key, shape) & np.int16(SCALE - 1)


def thresholds_of(shares: F64) -> I64:
    """Return below which numbers of the table such shares of it lie; below none for 0, below all for 1.

    Args:
        shares: In [0, 1], shape (n,).
    """
    inner = np.clip(shares, 2.0**-33, 1 - 2.0**-33)
    found = np.rint(normal_quantile(inner) * SCALE)
    return np.where(shares <= 0, -(2**15), np.where(shares >= 1, 2**15, found)).astype(np.int64)


def _draw_chunk(first: int) -> I16:
    counter = np.zeros((4, _CHUNK // 4), np.uint32)
    counter[0] = np.arange(first // 4, (first + _CHUNK) // 4, dtype=np.uint32)
    words = philox(counter, _TABLE_KEY).T.reshape(-1)
    uniform: F64 = np.asarray((words + 0.5) * 2.0**-32, np.float64)
    return np.rint(normal_quantile(uniform) * SCALE).astype(np.int16)


@functools.cache
def _windows() -> I16:
    """Return the pieces that begin at each place, shape (2**TABLE_BITS, PIECE), as a view of the table."""
    return sliding_window_view(read_table(), PIECE)


@functools.cache
def _first_multipliers() -> U64:
    return _mix(np.arange(1, _CACHED_PIECES + 1, dtype=np.uint64))


def _multipliers(count: int) -> U64:
    """Return a random number for each piece; that of the n-th hangs on n alone."""
    if count <= _CACHED_PIECES:
        return _first_multipliers()[:count]
    return _mix(np.arange(1, count + 1, dtype=np.uint64))


def _mix(numbers: U64) -> U64:
    mixed = numbers * _GOLDEN
    for shift, multiplier in _MIX:
        mixed = (mixed ^ (mixed >> shift)) * multiplier
    return mixed ^ (mixed >> _LAST_SHIFT)
