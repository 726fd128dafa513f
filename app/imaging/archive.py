"""Archives written piece by piece: memory is per batch, and the same samples give the same bytes."""

import io
import json
import re
import zipfile
from collections.abc import Generator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.imaging.codec import Pixels, encode_png
from app.imaging.mark import Origin, describe_sample

EPOCH = (1980, 1, 1, 0, 0, 0)
NO_CLASS_FOLDER = "samples"

Labels = NDArray[np.integer]

_UNSAFE = re.compile(r"[^\w .+-]|^[. ]+|[. ]+$")


class DrainSink(io.RawIOBase):
    """A file for ``zipfile`` to write to, emptied after every entry.

    Within what has not been taken yet it can be seeked, so that an entry's header is completed in place and readers
    that stream need no data descriptor; with ``seekable=False`` entries may be taken while they are written.
    """

    def __init__(self, *, seekable: bool) -> None:
        super().__init__()
        self._seekable = seekable
        self._taken = 0
        self._buffer = io.BytesIO()

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def seekable(self) -> bool:
        """Tell whether an entry's header may still be completed."""
        return self._seekable

    def tell(self) -> int:
        """Return the position in the whole file."""
        if not self._seekable:
            raise io.UnsupportedOperation("tell")
        return self._taken + self._buffer.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move within what has not been taken yet."""
        if whence != io.SEEK_SET or not self._seekable:
            raise io.UnsupportedOperation("seek")
        return self._taken + self._buffer.seek(offset - self._taken)

    def write(self, data: bytes) -> int:  # type: ignore[override]  # narrower than the base on purpose
        """Append to what waits."""
        return self._buffer.write(data)

    def take(self) -> bytes:
        """Return what was written since the last call, and forget it."""
        data = self._buffer.getvalue()
        self._taken += len(data)
        self._buffer = io.BytesIO()
        return data


class ArchiveWriter(Protocol):
    """Turns batches of samples, in order, into the bytes of one file."""

    @property
    def content_length(self) -> int | None:
        """Length of the whole file, if it is known before the file is written."""
        ...

    def begin(self) -> bytes:
        """Return what comes before the first sample."""
        ...

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return the bytes of the next samples.

        Args:
            offset: How many samples came before.
            images: Pixels, shape (n, h, w, c).
            labels: Class numbers, shape (n,); None for an unconditional model.
        """
        ...

    def finish(self) -> Generator[bytes, None, None]:
        """Yield what comes after the last sample."""
        ...

    def close(self) -> None:
        """Let go of a file that is finished, or will not be."""
        ...


class ZipWriter:
    """ZIP in ImageFolder layout: ``<class>/<index>.png``, then ``metadata.jsonl`` and ``manifest.json``."""

    content_length = None

    def __init__(self, origin: Origin, first_index: int, class_names: Sequence[str], manifest: bytes) -> None:
        self._origin = origin
        self._first_index = first_index
        self._class_names = class_names
        self._manifest = manifest
        self._sink = DrainSink(seekable=True)
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED)
        self._metadata: list[str] = []

    def begin(self) -> bytes:
        """Write nothing yet: the file begins with the first sample."""
        return b""

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Encode the next samples as PNG and write each under its class."""
        for number, pixels in enumerate(images):
            index = self._first_index + offset + number
            label = None if labels is None else int(labels[number])
            name = None if label is None else self._class_names[label]
            path = f"{_folder(name, label)}/{index}.png"
            self._write(path, encode_png(pixels, describe_sample(self._origin, index, name)))
            self._metadata.append(self._describe(path, index, name))
        return self._sink.take()

    def finish(self) -> Generator[bytes, None, None]:
        """Write the two descriptions and the directory."""
        self._write("metadata.jsonl", "".join(self._metadata).encode())
        yield self._sink.take()
        self._write("manifest.json", self._manifest)
        self._zip.close()
        yield self._sink.take()

    def close(self) -> None:
        """Let go of the archive."""
        self._zip.close()

    def _write(self, path: str, data: bytes) -> None:
        self._zip.writestr(make_entry(path), data)

    def _describe(self, path: str, index: int, class_name: str | None) -> str:
        facts = {
            "file_name": path,
            "index": index,
            "seed": self._origin.seed,
            "class_label": class_name,
            "model": self._origin.reference,
            "digest": self._origin.digest,
        }
        return json.dumps(facts, ensure_ascii=False) + "\n"


def make_entry(path: str) -> zipfile.ZipInfo:
    """Describe a stored entry that says nothing about when or where it was written."""
    entry = zipfile.ZipInfo(path, EPOCH)
    entry.create_system = 3  # Unix, on every system
    entry.external_attr = 0o644 << 16
    return entry


def _folder(class_name: str | None, label: int | None) -> str:
    """Name a class's folder; a name that no folder may have is made safe and told apart by its number."""
    if class_name is None:
        return NO_CLASS_FOLDER
    safe = _UNSAFE.sub("_", class_name)
    return class_name if safe == class_name else f"{safe}_{label}"
