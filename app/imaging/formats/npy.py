"""NPY: the pixels alone, uint8 (n, h, w, c). There is no room in it for a word about them."""

import functools
import io
from collections.abc import Iterator
from typing import Any

import numpy as np

from app.imaging.codec import Pixels
from app.imaging.formats.contents import Contents, Labels


class NpyWriter:
    """Writes pixels as they come."""

    def __init__(self, contents: Contents) -> None:
        shape = contents.shape
        self._header = write_header(shape.dims, np.dtype(np.uint8))
        self.content_length: int | None = len(self._header) + shape.num_samples * shape.sample_bytes

    def begin(self) -> Iterator[bytes]:
        """Yield the array's header."""
        yield self._header

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:  # noqa: ARG002 - the common contract
        """Return the next pixels."""
        return images.tobytes()

    def finish(self) -> Iterator[bytes]:
        """Yield nothing: the array ends with its last pixel."""
        yield from ()


@functools.lru_cache(maxsize=256)
def write_header(dims: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Write what stands in front of an array's numbers in NPY."""
    file = io.BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": dims}
    np.lib.format.write_array_header_1_0(file, description)
    return file.getvalue()
