"""The arrays of NPZ and safetensors: ``images``, ``labels``, ``indices`` and ``seed``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.imaging.formats.contents import Contents, blocks

IMAGES = "images"

_BLOCK = 65536  # numbers of one piece


@dataclass(frozen=True, slots=True)
class Numbers:
    """An array of int64 that is computed piece by piece.

    Attributes:
        name: What readers find it under.
        dims: Its shape, (n,) or ().
        pieces: Computes it.
    """

    name: str
    dims: tuple[int, ...]
    pieces: Callable[[], Iterator[bytes]]

    @property
    def num_bytes(self) -> int:
        """Bytes of the whole array."""
        return 8 * self.dims[0] if self.dims else 8


def list_numbers(contents: Contents) -> list[Numbers]:
    """List the arrays beside the images, by name: ``indices`` and ``labels`` (n,), ``seed`` () or (n,) if many."""
    dims = (contents.num_samples,)
    seeds = {origin.seed for origin in contents.places.origins}
    return [
        Numbers("indices", dims, lambda: _compute(contents, contents.indices)),
        Numbers("labels", dims, lambda: _compute(contents, contents.numeric_labels)),
        Numbers("seed", dims, lambda: _compute(contents, contents.seeds))
        if len(seeds) > 1
        else Numbers("seed", (), lambda: iter([np.array(contents.origin.seed, dtype="<i8").tobytes()])),
    ]


def _compute(contents: Contents, numbers: Callable[[int, int], NDArray[np.int64]]) -> Iterator[bytes]:
    for offset, count in blocks(contents.num_samples, _BLOCK):
        yield numbers(offset, count).astype("<i8", copy=False).tobytes()
