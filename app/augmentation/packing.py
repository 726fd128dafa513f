"""Outputs into one file: written as they come, with what was applied to each."""

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np

from app.augmentation.jobs import OutputRecord
from app.augmentation.request import AugmentationFormat
from app.core.errors import InvalidInputError
from app.imaging.codec import ImageFormat
from app.imaging.formats.npy import write_header as write_array_header
from app.imaging.formats.tar import end_archive, write_comment_member, write_member
from app.imaging.formats.zip_records import Entry, write_end, write_header, write_listing
from app.imaging.mark import ENHANCED_SOURCE_TYPE

MAX_JSON = 64
MEDIA_TYPES = {
    AugmentationFormat.PNG: "image/png",
    AugmentationFormat.JPEG: "image/jpeg",
    AugmentationFormat.WEBP: "image/webp",
    AugmentationFormat.GRID: "image/png",
    AugmentationFormat.ZIP: "application/zip",
    AugmentationFormat.TAR: "application/x-tar",
    AugmentationFormat.NPY: "application/x-npy",
    AugmentationFormat.NPZ: "application/x-npz",
    AugmentationFormat.JSON: "application/json",
}
SINGLE = frozenset({AugmentationFormat.PNG, AugmentationFormat.JPEG, AugmentationFormat.WEBP})
ARRAYS = frozenset({AugmentationFormat.NPY, AugmentationFormat.NPZ, AugmentationFormat.GRID})
_EXTENSIONS = {ImageFormat.PNG: "png", ImageFormat.JPEG: "jpg", ImageFormat.WEBP: "webp"}


class Item(NamedTuple):
    """One output, with its file or pixels, and its mask's file; that is empty where there is none."""

    record: OutputRecord
    file: memoryview
    mask: memoryview


class Summary(NamedTuple):
    """What all outputs of an answer have in common.

    Attributes:
        num_outputs: How many there are.
        facts: Seed, policy, digest.
        image_format: Of files.
    """

    num_outputs: int
    facts: dict[str, Any]
    image_format: ImageFormat

    @property
    def text(self) -> str:
        """The facts, and that outputs were made from real images, as compact ASCII JSON."""
        return _dump(self.facts | {"num_outputs": self.num_outputs, "digital_source_type": ENHANCED_SOURCE_TYPE})


class Packer(Protocol):
    """Writes outputs, in order, into one file."""

    def begin(self) -> bytes:
        """Return what comes before the first output."""
        ...

    def add(self, item: Item) -> bytes:
        """Return what can be written with the next output."""
        ...

    def finish(self) -> Iterator[bytes]:
        """Yield what comes after the last output."""
        ...


def name_output(record: OutputRecord) -> str:
    """Name an output so that names sort as outputs follow one another."""
    patch = f"-{record.patch:03d}" if record.facts.get("is_part") else ""
    return f"{record.image:06d}-{record.copy:05d}{patch}"


def describe_output(record: OutputRecord) -> dict[str, Any]:
    """Say what an output is, as JSON holds it."""
    height, width, channels = record.shape
    place = {"image": record.image, "copy": record.copy, "patch": record.patch}
    return place | {"height": height, "width": width, "channels": channels, "depth": record.depth} | record.facts


class ZipPacker:
    """ZIP: an image per output, masks under ``masks/``, ``metadata.jsonl`` with traces, ``manifest.json``."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._position = 0
        self._entries: list[tuple[Entry, int]] = []
        self._lines: list[bytes] = []

    def begin(self) -> bytes:
        """Return nothing: the file begins with its first output."""
        return b""

    def add(self, item: Item) -> bytes:
        """Return an output's files."""
        name = f"{name_output(item.record)}.{_EXTENSIONS[self._summary.image_format]}"
        facts = {"file_name": name} | describe_output(item.record)
        written = self._write(name, item.file)
        if item.mask:
            facts["mask_file_name"] = f"masks/{name_output(item.record)}.png"
            written += self._write(facts["mask_file_name"], item.mask)
        self._lines.append(_dump(facts).encode() + b"\n")
        return written

    def finish(self) -> Iterator[bytes]:
        """Yield the descriptions and the directory."""
        yield self._write("metadata.jsonl", memoryview(b"".join(self._lines)))
        yield self._write("manifest.json", memoryview(self._summary.text.encode()))
        start = self._position
        directory = b"".join(write_listing(entry, position) for entry, position in self._entries)
        comment = _dump({"digital_source_type": ENHANCED_SOURCE_TYPE}).encode()
        yield directory + write_end(len(self._entries), start, len(directory), comment)

    def _write(self, name: str, data: memoryview) -> bytes:
        entry = Entry(name, len(data), zlib.crc32(data))
        self._entries.append((entry, self._position))
        written = write_header(entry) + bytes(data)
        self._position += len(written)
        return written


class TarPacker:
    """TAR as WebDataset reads it: per output an image, ``.json``, and ``.mask.png`` where there is one."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary

    def begin(self) -> bytes:
        """Return the comment."""
        return write_comment_member(_dump({"digital_source_type": ENHANCED_SOURCE_TYPE}))

    def add(self, item: Item) -> bytes:
        """Return an output's members."""
        key = name_output(item.record)
        members = [
            write_member(f"{key}.{_EXTENSIONS[self._summary.image_format]}", bytes(item.file)),
            write_member(f"{key}.json", _dump(describe_output(item.record)).encode()),
        ]
        if item.mask:
            members.append(write_member(f"{key}.mask.png", bytes(item.mask)))
        return b"".join(members)

    def finish(self) -> Iterator[bytes]:
        """Yield the end of the archive."""
        yield end_archive()


class NpyPacker:
    """NPY: one array (n, h, w, c) of the outputs' own depth."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._kind: tuple[tuple[int, int, int], str] | None = None

    def begin(self) -> bytes:
        """Return nothing: the first output says what the header says."""
        return b""

    def add(self, item: Item) -> bytes:
        """Return an output's pixels, the first behind the header.

        Raises:
            InvalidInputError: If it has another shape than the first.
        """
        kind = item.record.shape, item.record.depth
        head = b""
        if self._kind is None:
            self._kind = kind
            head = write_array_header((self._summary.num_outputs, *kind[0]), np.dtype(kind[1]))
        if kind != self._kind:
            raise different_shapes()
        return head + bytes(item.file)

    def finish(self) -> Iterator[bytes]:
        """Yield nothing more."""
        yield from ()


class NpzPacker:
    """NPZ: ``images``, the numbers of image, copy and patch, ``seed``, and ``metadata.jsonl`` with traces."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._pixels = NpyPacker(summary)
        self._array: list[bytes] = []
        self._records: list[OutputRecord] = []

    def begin(self) -> bytes:
        """Return nothing: the archive is written when all is there."""
        return b""

    def add(self, item: Item) -> bytes:
        """Keep an output: its archive begins with a sum over all of them.

        Raises:
            InvalidInputError: If it has another shape than the first.
        """
        self._array.append(self._pixels.add(item))
        self._records.append(item.record)
        return b""

    def finish(self) -> Iterator[bytes]:
        """Yield the archive."""
        places = np.array([(one.image, one.copy, one.patch) for one in self._records], np.int64).reshape(-1, 3)
        arrays = {
            "images.npy": b"".join(self._array),
            **{f"{name}.npy": _write_array(places[:, at]) for at, name in enumerate(("image", "copy", "patch"))},
            "seed.npy": _write_array(np.array(self._summary.facts["seed"], np.int64)),
            "metadata.jsonl": b"".join(_dump(describe_output(one)).encode() + b"\n" for one in self._records),
        }
        position, listing = 0, b""
        for name, data in arrays.items():
            entry = Entry(name, len(data), zlib.crc32(data))
            listing += write_listing(entry, position)
            written = write_header(entry) + data
            position += len(written)
            yield written
        yield listing + write_end(len(arrays), position, len(listing), self._summary.text.encode())


class JsonPacker:
    """JSON: what all outputs have in common, and ``outputs``, each with its file in base64."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary
        self._is_first = True

    def begin(self) -> bytes:
        """Return the document up to its outputs."""
        return f'{self._summary.text[:-1]},"outputs":['.encode()

    def add(self, item: Item) -> bytes:
        """Return one output."""
        facts = describe_output(item.record) | {"file": _base64(item.file)}
        if item.mask:
            facts["mask"] = _base64(item.mask)
        comma, self._is_first = b"" if self._is_first else b",", False
        return comma + _dump(facts).encode()

    def finish(self) -> Iterator[bytes]:
        """Yield the end of the document."""
        yield b"]}"


class SinglePacker:
    """The file of a single output, as it is."""

    def __init__(self, _: Summary) -> None:
        pass

    def begin(self) -> bytes:
        """Return nothing."""
        return b""

    def add(self, item: Item) -> bytes:
        """Return the file."""
        return bytes(item.file)

    def finish(self) -> Iterator[bytes]:
        """Yield nothing more."""
        yield from ()


def open_packer(chosen: AugmentationFormat, summary: Summary) -> Packer:
    """Return what writes a format."""
    packers: dict[AugmentationFormat, type[Packer]] = {
        AugmentationFormat.ZIP: ZipPacker,
        AugmentationFormat.TAR: TarPacker,
        AugmentationFormat.NPY: NpyPacker,
        AugmentationFormat.NPZ: NpzPacker,
        AugmentationFormat.JSON: JsonPacker,
    }
    return packers.get(chosen, SinglePacker)(summary)  # type: ignore[call-arg] # all take it


def different_shapes() -> InvalidInputError:
    """Return the error of outputs that no array holds."""
    return InvalidInputError(
        "outputs differ in shape, and an array has one: end the policy with `resize`, or ask for zip or tar",
        pointer="/request/format",
    )


def _write_array(array: np.ndarray[Any, Any]) -> bytes:
    return write_array_header(array.shape, array.dtype) + array.tobytes()


def _base64(data: memoryview) -> str:
    return base64.b64encode(data).decode("ascii")


def _dump(facts: dict[str, Any]) -> str:
    return json.dumps(facts, separators=(",", ":"))
