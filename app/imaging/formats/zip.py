"""ZIP in ImageFolder layout: ``<class>/<number>.png``, then ``metadata.jsonl`` and ``manifest.json``."""

import re
import zlib
from array import array
from collections.abc import Iterator
from functools import cached_property

from app.imaging.codec import Pixels
from app.imaging.formats.contents import Contents, Labels, Sample, blocks
from app.imaging.formats.zip_records import Entry, measure_header, write_end, write_header, write_listing

NO_CLASS_FOLDER = "samples"

_BLOCK = 4096  # samples of one piece of what follows the images
_UNSAFE = re.compile(r"[^\w .+-]|^[. ]+|[. ]+$")


class ZipWriter:
    """Writes images as they come; of each, only checksum and length are kept for the directory, 8 bytes.

    All else in the directory and in ``metadata.jsonl`` is a function of the offset, and is written again at the end.
    """

    content_length = None

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._position = 0
        self._sums = array("I")
        self._sizes = array("I")
        self._metadata = Entry("metadata.jsonl", 0, 0)
        self._folders: dict[int | None, str] = {None: NO_CLASS_FOLDER}

    def begin(self) -> Iterator[bytes]:
        """Yield nothing: the file begins with its first sample."""
        yield from ()

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return the next samples as PNG, each under its class."""
        parts = []
        metadata = []
        for sample, png in self._contents.encode(offset, images, labels):
            path = self._name_file(sample)
            crc = zlib.crc32(png)
            parts += [write_header(Entry(path, len(png), crc)), png]
            self._sums.append(crc)
            self._sizes.append(len(png))
            metadata.append(self._describe(sample, path))
        self._count("".join(metadata).encode())
        return self._place(b"".join(parts))

    def finish(self) -> Iterator[bytes]:
        """Yield the two descriptions and the directory."""
        manifest = self._contents.dump_manifest()
        last = [self._metadata, Entry("manifest.json", len(manifest), zlib.crc32(manifest))]
        positions = [self._position]
        yield self._place(write_header(last[0]))
        for samples in self._blocks():
            yield self._place("".join(self._describe(one, self._name_file(one)) for one in samples).encode())
        positions.append(self._position)
        yield self._place(write_header(last[1]) + manifest)
        start = self._position
        for piece in self._list_images():
            yield self._place(piece)
        yield self._place(b"".join(map(write_listing, last, positions)))
        num_entries = len(self._sizes) + len(last)
        yield write_end(num_entries, start, self._position - start, self._contents.mark.encode("ascii"))

    def _list_images(self) -> Iterator[bytes]:
        position = number = 0
        for samples in self._blocks():
            piece = []
            for sample in samples:
                entry = Entry(self._name_file(sample), self._sizes[number], self._sums[number])
                piece.append(write_listing(entry, position))
                position += measure_header(entry) + entry.size
                number += 1
            yield b"".join(piece)

    def _blocks(self) -> Iterator[Iterator[Sample]]:
        for offset, count in blocks(len(self._sizes), _BLOCK):
            yield self._contents.describe(offset, count, self._contents.labels_at(offset, count))

    def _place(self, data: bytes) -> bytes:
        self._position += len(data)
        return data

    def _count(self, data: bytes) -> None:
        """Take note of the size and checksum of metadata that is written later."""
        size, crc = self._metadata.size + len(data), zlib.crc32(data, self._metadata.crc)
        self._metadata = Entry(self._metadata.path, size, crc)

    def _describe(self, sample: Sample, path: str) -> str:
        return f'{{"file_name": "{path}", {self._contents.write_facts(sample)}}}\n'

    def _name_file(self, sample: Sample) -> str:
        folder = self._folders.get(sample.label)
        if folder is None:
            folder = self._folders[sample.label] = self._name_folder(sample)
        return f"{folder}/{sample.number}.png"

    def _name_folder(self, sample: Sample) -> str:
        """Name a class's folder; a name that no folder may have is made safe and told apart by its number."""
        name = str(sample.class_name)
        safe = _UNSAFE.sub("_", name)
        if safe == name:
            return name
        folder = f"{safe}_{sample.label}"
        while folder in self._class_names:
            folder += "_"
        return folder

    @cached_property
    def _class_names(self) -> frozenset[str]:
        return frozenset(self._contents.class_names)
