"""NPZ: ``images`` uint8 (n, h, w, c), ``labels`` and ``indices`` int64 (n,), ``seed`` int64 ()."""

import zlib
from collections.abc import Iterator

import numpy as np

from app.imaging.codec import Pixels
from app.imaging.formats.arrays import IMAGES, list_numbers
from app.imaging.formats.contents import Contents, Labels
from app.imaging.formats.npy import write_header as write_array_header
from app.imaging.formats.zip_records import (
    Entry,
    measure_header,
    write_descriptor,
    write_end,
    write_header,
    write_listing,
)


class NpzWriter:
    """Writes the images as they come and the small arrays behind them; the archive's comment says what they are."""

    def __init__(self, contents: Contents) -> None:
        shape = contents.shape
        self._mark = contents.mark.encode("ascii")
        self._array_header = write_array_header(shape.dims, np.dtype(np.uint8))
        self._crc = zlib.crc32(self._array_header)
        size = len(self._array_header) + shape.num_samples * shape.sample_bytes
        self._images = _name_entry(IMAGES, size)
        self._numbers = [
            (numbers, write_array_header(numbers.dims, np.dtype("<i8"))) for numbers in list_numbers(contents)
        ]
        self.content_length: int | None = self._measure()

    def begin(self) -> Iterator[bytes]:
        """Yield the header of ``images``."""
        yield write_header(self._images) + self._array_header

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:  # noqa: ARG002 - the common contract
        """Return the next pixels."""
        data = images.tobytes()
        self._crc = zlib.crc32(data, self._crc)
        return data

    def finish(self) -> Iterator[bytes]:
        """Yield the small arrays, computed piece by piece, and the directory."""
        self._images = self._images._replace(crc=self._crc)
        yield write_descriptor(self._images)
        entries = [self._images]
        for numbers, array_header in self._numbers:
            entry = _name_entry(numbers.name, len(array_header) + numbers.num_bytes)
            crc = zlib.crc32(array_header)
            yield write_header(entry) + array_header
            for piece in numbers.pieces():
                crc = zlib.crc32(piece, crc)
                yield piece
            entries.append(entry._replace(crc=crc))
            yield write_descriptor(entries[-1])
        yield _write_directory(entries, self._mark)

    def _measure(self) -> int:
        small = [_name_entry(numbers.name, len(header) + numbers.num_bytes) for numbers, header in self._numbers]
        entries = [self._images, *small]
        return sum(map(_measure_entry, entries)) + len(_write_directory(entries, self._mark))


def _name_entry(name: str, size: int) -> Entry:
    return Entry(f"{name}.npy", size, 0, crc_follows=True)


def _measure_entry(entry: Entry) -> int:
    return measure_header(entry) + entry.size + len(write_descriptor(entry))


def _write_directory(entries: list[Entry], mark: bytes) -> bytes:
    records = []
    position = 0
    for entry in entries:
        records.append(write_listing(entry, position))
        position += _measure_entry(entry)
    directory = b"".join(records)
    return directory + write_end(len(entries), position, len(directory), mark)
