"""Parquet in row groups of bounded size."""

import io
from collections.abc import Iterator
from typing import Any

from pyarrow import parquet

from app.imaging.codec import Pixels
from app.imaging.formats.contents import Contents, Labels
from app.imaging.formats.table import Rows

MAX_ROWS = 1024
MAX_GROUP_BYTES = 16 * 2**20


class ParquetWriter:
    """Writes a row group whenever there are samples enough for one; images are compressed already.

    The footer grows with the number of row groups, by less than 1 KB each.
    """

    content_length = None

    def __init__(self, contents: Contents) -> None:
        self._rows = Rows(contents, max_rows=MAX_ROWS, max_bytes=MAX_GROUP_BYTES)
        self._sink = _Sink()
        has_labels = "label" in self._rows.schema.names
        self._file = parquet.ParquetWriter(
            self._sink,
            self._rows.schema,
            compression="none",
            use_dictionary=["label"] if has_labels else False,
            write_statistics=["label", "index"] if has_labels else ["index"],
        )

    def begin(self) -> Iterator[bytes]:
        """Yield the magic number."""
        yield self._sink.take()

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return the row groups that the next samples fill."""
        for batch in self._rows.add(offset, images, labels):
            self._file.write_batch(batch, self._rows.size)
        return self._sink.take()

    def finish(self) -> Iterator[bytes]:
        """Yield the last row group and the footer."""
        for batch in self._rows.finish():
            self._file.write_batch(batch, self._rows.size)
        self._file.close()
        yield self._sink.take()


class _Sink(io.RawIOBase):
    """A file that keeps what was written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._position = 0
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def tell(self) -> int:
        """Return the position in the whole file."""
        return self._position

    def write(self, data: Any) -> int:
        """Keep some bytes."""
        piece = bytes(data)
        self._pieces.append(piece)
        self._position += len(piece)
        return len(piece)

    def take(self) -> bytes:
        """Return what was written since the last call, and forget it."""
        taken = b"".join(self._pieces)
        self._pieces = []
        return taken
