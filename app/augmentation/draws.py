"""Random numbers of augmentation: a pure function of (seed, input, copy, operation), the same on every machine."""

import dataclasses
import hashlib
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.core.seeds import Stream, philox

F64: TypeAlias = NDArray[np.float64]
I64: TypeAlias = NDArray[np.int64]
U64: TypeAlias = NDArray[np.uint64]

MAX_COPIES = 2**16
MAX_PATCHES = 2**8
MAX_ORDINALS = 2**16
"""Draws of one policy."""

_COPY_SHIFT, _PATCH_SHIFT = 8, 24
_ORDINAL_SHIFT = 16
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Outputs that are drawn together; each draws what it would draw alone.

    Attributes:
        seed: Of the request, in [0, 2**63).
        keys: What each output is of: from ``key_of`` for an upload, its index for a generated sample; shape (n,).
        copies: Which copy it is, in [0, MAX_COPIES), shape (n,).
        patches: Which part of the copy it is, in [0, MAX_PATCHES), shape (n,).
    """

    seed: int
    keys: U64
    copies: I64
    patches: I64

    def __len__(self) -> int:
        """Count the outputs."""
        return len(self.keys)

    def take(self, indices: I64, patches: I64 | None = None) -> "Rows":
        """Return some outputs, an output as often as it is named."""
        chosen = self.patches[indices] if patches is None else patches
        return Rows(self.seed, self.keys[indices], self.copies[indices], chosen)

    def uniform(self, ordinal: int, words: int) -> F64:
        """Draw numbers in (0, 1), multiples of 2**-33.

        Args:
            ordinal: Which draw of the policy, in [0, MAX_ORDINALS).
            words: Numbers per output; a longer draw starts with the shorter one.

        Returns:
            Shape (n, words).
        """
        return self.uniform_of(range(ordinal, ordinal + 1), words)[:, 0]

    def uniform_of(self, ordinals: range, words: int) -> F64:
        """Make several draws at once: for few outputs, one draw takes as long as many.

        Args:
            ordinals: Which, each in [0, MAX_ORDINALS).
            words: Numbers per output and draw.

        Returns:
            Shape (n, draws, words).
        """
        blocks = -(-words // 4)
        each = blocks * len(ordinals)
        keys = np.repeat(self.keys, each)
        counter = np.empty((4, keys.size), np.uint32)
        numbers = np.arange(ordinals.start, ordinals.stop, dtype=np.uint32) << np.uint32(_ORDINAL_SHIFT)
        counter[0] = np.tile((numbers[:, None] | np.arange(blocks, dtype=np.uint32)).reshape(-1), len(self))
        place = int(Stream.AUGMENTATION) | self.copies << _COPY_SHIFT | self.patches << _PATCH_SHIFT
        counter[1] = np.repeat(place.astype(np.uint32), each)
        counter[2] = (keys & _LOW).astype(np.uint32)
        counter[3] = (keys >> _SHIFT).astype(np.uint32)
        drawn = philox(counter, (self.seed & 0xFFFFFFFF, self.seed >> 32)).T
        shaped = drawn.reshape(len(self), len(ordinals), blocks * 4)[:, :, :words]
        return (shaped.astype(np.float64) + 0.5) * 2.0**-32


def key_of(data: bytes) -> int:
    """Return the number that stands for the bytes of an input, in [0, 2**64)."""
    return int.from_bytes(hashlib.sha256(data).digest()[:8], "little")


def rows_of(seed: int, key: int, copies: int, first_copy: int = 0) -> Rows:
    """Return the copies of one input.

    Args:
        seed: Of the request.
        key: From ``key_of``.
        copies: How many.
        first_copy: Number of the first.
    """
    numbers = np.arange(first_copy, first_copy + copies, dtype=np.int64)
    return Rows(seed, np.full(copies, key, np.uint64), numbers, np.zeros(copies, np.int64))


def between(uniform: F64, low: float, high: float) -> F64:
    """Spread numbers of (0, 1) over [low, high]."""
    return low + uniform * (high - low)


def whole_between(uniform: F64, low: I64 | int, high: I64 | int) -> I64:
    """Spread numbers of (0, 1) over the whole numbers low to high, both possible."""
    spread = np.asarray(high, np.int64) - np.asarray(low, np.int64) + 1
    return np.asarray(low + np.floor(uniform * spread), np.int64)


def field_key(uniform: F64) -> I64:
    """Make a number in [0, 2**52) of two in (0, 1): the key of a field of noise, as JSON holds it.

    Args:
        uniform: Shape (n, 2).
    """
    high = np.floor(uniform[:, 0] * 2.0**26).astype(np.int64)
    return high << 26 | np.floor(uniform[:, 1] * 2.0**26).astype(np.int64)
