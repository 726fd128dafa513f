"""What the service sends its augmenters, and what comes back."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from app.decoding.messages import DecodeOptions
from app.decoding.sniffing import UploadFormat
from app.imaging.codec import ImageFormat

LENGTH_BYTES = 8


class FileInput(msgspec.Struct, frozen=True, tag="file"):
    """An image file.

    Attributes:
        number: Of the image in its request.
        image_format: What its first bytes say that it is.
        has_mask: Whether its mask is the next file.
    """

    number: int
    image_format: UploadFormat
    has_mask: bool = False


class ArrayInput(msgspec.Struct, frozen=True, tag="array"):
    """Pictures of one shape, one after the other, in one file of bare pixels.

    Attributes:
        number: Of the first in its request.
        count: How many.
        height: Pixels.
        width: Pixels.
        channels: Of each pixel.
        depth: Kind of numbers.
    """

    number: int
    count: int
    height: int
    width: int
    channels: int
    depth: Literal["uint8", "uint16", "float32"]


class Delivery(msgspec.Struct, frozen=True):
    """How outputs are written.

    Attributes:
        image_format: A file each; None for bare pixels.
        quality: Of JPEG and WebP files.
        is_marked: Whether files say what was applied.
    """

    image_format: ImageFormat | None
    quality: int = 95
    is_marked: bool = True


class AugmentJob(msgspec.Struct, frozen=True):
    """Augment some inputs of a request.

    Attributes:
        inputs: One for each file, masks left out.
        policy: As callers write it; None where ``traces`` say what is applied.
        traces: Steps of one output of each input.
        seed: Of the request.
        copies: Per input.
        first_copy: Number of the first.
        options: How files become pixels.
        delivery: How outputs are written.
        targets: One document per input, as callers write them.
        ignore_index: Value of masks outside of the image.
    """

    inputs: list[FileInput | ArrayInput]
    policy: dict[str, Any] | None
    traces: list[list[dict[str, Any]]] | None
    seed: int
    copies: int
    first_copy: int
    options: DecodeOptions
    delivery: Delivery
    targets: list[dict[str, Any]] | None = None
    ignore_index: int = 0


class OutputRecord(msgspec.Struct, frozen=True, array_like=True):
    """One output.

    Attributes:
        image: Number of its input in the request.
        copy: Which copy.
        patch: Which part of the copy.
        shape: Height, width, channels.
        depth: Kind of its numbers.
        num_bytes: Of the file, or of the pixels.
        mask_bytes: Of its mask, a PNG file behind them; 0 for none.
        facts: What was applied, and what became of targets, as JSON.
    """

    image: int
    copy: int
    patch: int
    shape: tuple[int, int, int]
    depth: str
    num_bytes: int
    mask_bytes: int
    facts: dict[str, Any]


class Results(msgspec.Struct, frozen=True):
    """Outputs in order, and the seconds that they took."""

    records: list[OutputRecord]
    seconds: dict[str, float]


write_job: Callable[[AugmentJob], bytes] = msgspec.json.Encoder().encode
read_job: Callable[[bytes], AugmentJob] = msgspec.json.Decoder(AugmentJob).decode
_write_results: Callable[[Results], bytes] = msgspec.msgpack.Encoder().encode
_read_results: Callable[[memoryview], Results] = msgspec.msgpack.Decoder(Results).decode


def write_results(results: Results, files: Sequence[bytes | memoryview]) -> list[bytes | memoryview]:
    """Write outputs with their files, in pieces."""
    head = _write_results(results)
    return [len(head).to_bytes(LENGTH_BYTES, "little"), head, *files]


def read_results(data: memoryview) -> Results:
    """Read what outputs there are."""
    end = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    return _read_results(data[LENGTH_BYTES:end])


def split_files(data: memoryview, results: Results) -> Iterator[tuple[memoryview, memoryview]]:
    """Yield the file and the mask of each output; the mask is empty where there is none."""
    position = LENGTH_BYTES + int.from_bytes(data[:LENGTH_BYTES], "little")
    for record in results.records:
        middle = position + record.num_bytes
        end = middle + record.mask_bytes
        yield data[position:middle], data[middle:end]
        position = end
