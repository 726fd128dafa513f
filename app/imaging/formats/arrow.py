"""Arrow: a stream of record batches.

Source:
    Apache Arrow columnar format 1.5, "IPC Streaming Format".
"""

from collections.abc import Iterator

from app.imaging.codec import Pixels
from app.imaging.formats.contents import Contents, Labels
from app.imaging.formats.table import Rows

MAX_ROWS = 256
MAX_BATCH_BYTES = 4 * 2**20

_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"


class ArrowWriter:
    """Writes a record batch whenever there are samples enough for one."""

    content_length = None

    def __init__(self, contents: Contents) -> None:
        self._rows = Rows(contents, max_rows=MAX_ROWS, max_bytes=MAX_BATCH_BYTES)

    def begin(self) -> Iterator[bytes]:
        """Yield the schema."""
        yield self._rows.schema.serialize().to_pybytes()

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return the record batches that the next samples fill."""
        return b"".join(batch.serialize().to_pybytes() for batch in self._rows.add(offset, images, labels))

    def finish(self) -> Iterator[bytes]:
        """Yield the last record batch and the end of the stream."""
        for batch in self._rows.finish():
            yield batch.serialize().to_pybytes()
        yield _END_OF_STREAM
