"""NPY and NPZ written piece by piece: memory is per batch, and equal requests give equal bytes."""

import io
import zipfile
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import IO, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.imaging.archive import DrainSink, Labels, make_entry
from app.imaging.codec import Pixels

LabelsAt: TypeAlias = Callable[[int, int], Labels | None]

NO_CLASS = -1
_BLOCK = 65536  # numbers of one piece of labels or indices


@dataclass(frozen=True, slots=True)
class ArrayShape:
    """Samples of one answer: how many, and the size of each."""

    num_samples: int
    height: int
    width: int
    channels: int

    @property
    def dims(self) -> tuple[int, int, int, int]:
        """The array's shape, (n, h, w, c)."""
        return (self.num_samples, self.height, self.width, self.channels)

    @property
    def num_bytes(self) -> int:
        """Bytes of all pixels."""
        return self.num_samples * self.height * self.width * self.channels


class NpyWriter:
    """NPY: uint8 (n, h, w, c), of known length."""

    def __init__(self, shape: ArrayShape) -> None:
        self._header = _npy_header(shape.dims, np.dtype(np.uint8))
        self.content_length = len(self._header) + shape.num_bytes

    def begin(self) -> bytes:
        """Return the array's header."""
        return self._header

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:  # noqa: ARG002 - the common contract
        """Return the next pixels."""
        return images.tobytes()

    def finish(self) -> Generator[bytes, None, None]:
        """Yield nothing: the array ends with its last pixel."""
        yield from ()

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


class NpzWriter:
    """NPZ: ``images`` uint8 (n, h, w, c), ``labels`` and ``indices`` int64 (n,), ``seed`` int64 ()."""

    content_length = None

    def __init__(self, shape: ArrayShape, *, seed: int, first_index: int, labels_at: LabelsAt) -> None:
        self._shape = shape
        self._seed = seed
        self._first_index = first_index
        self._labels_at = labels_at
        self._sink = DrainSink(seekable=False)
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED)
        self._images = self._open("images", shape.dims, np.dtype(np.uint8))

    def begin(self) -> bytes:
        """Return the header of ``images``."""
        return self._sink.take()

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:  # noqa: ARG002 - the common contract
        """Return the next pixels."""
        self._images.write(images.tobytes())
        return self._sink.take()

    def finish(self) -> Generator[bytes, None, None]:
        """Yield the small arrays, computed piece by piece, and the directory."""
        self._images.close()
        yield from self._write_numbers("labels", self._labels)
        yield from self._write_numbers("indices", self._indices)
        with self._open("seed", (), np.dtype(np.int64)) as entry:
            entry.write(np.int64(self._seed).tobytes())
        self._zip.close()
        yield self._sink.take()

    def close(self) -> None:
        """Let go of the archive, and of the entry that is being written."""
        self._images.close()
        self._zip.close()

    def _open(self, name: str, dims: tuple[int, ...], dtype: np.dtype[Any]) -> IO[bytes]:
        num_bytes = int(np.prod(dims, dtype=object)) * dtype.itemsize
        big = num_bytes >= zipfile.ZIP64_LIMIT - 4096
        entry = self._zip.open(make_entry(f"{name}.npy"), "w", force_zip64=big)
        entry.write(_npy_header(dims, dtype))
        return entry

    def _write_numbers(
        self, name: str, numbers: Callable[[int, int], NDArray[np.int64]]
    ) -> Generator[bytes, None, None]:
        total = self._shape.num_samples
        with self._open(name, (total,), np.dtype(np.int64)) as entry:
            for offset in range(0, total, _BLOCK):
                entry.write(numbers(offset, min(_BLOCK, total - offset)).tobytes())
                yield self._sink.take()

    def _labels(self, offset: int, count: int) -> NDArray[np.int64]:
        labels = self._labels_at(offset, count)
        return np.full(count, NO_CLASS, dtype=np.int64) if labels is None else labels.astype(np.int64)

    def _indices(self, offset: int, count: int) -> NDArray[np.int64]:
        return np.arange(count, dtype=np.int64) + np.int64(self._first_index + offset)


def _npy_header(dims: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    file = io.BytesIO()
    description = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": dims}
    np.lib.format.write_array_header_1_0(file, description)
    return file.getvalue()
