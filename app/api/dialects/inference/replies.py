"""Samples as the tensors of an answer: a JSON head, and numbers in it or behind it."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from app.api.dialects.inference.asked import IMAGES, INDICES, LABELS, PNG, SEED, Output
from app.api.dialects.inference.tensors import BYTES, INT64, SIZE, UINT8, write_strings
from app.imaging.codec import Pixels
from app.imaging.formats.contents import Contents, Labels, blocks
from app.imaging.formats.registry import Format, Streamed, Whole

JSON_TYPE, BINARY_TYPE = "application/json", "application/octet-stream"
TYPES = {IMAGES: UINT8, PNG: BYTES, LABELS: INT64, INDICES: INT64, SEED: INT64}
_AT_ONCE = 65_536


@dataclass(slots=True)
class Reply:
    """How the samples of an order are answered.

    Attributes:
        outputs: Tensors that are wanted.
        request_id: Id that is told again.
        head_length: Bytes of the JSON, once it is written; None where nothing comes behind it.
    """

    outputs: Sequence[Output]
    request_id: str | None
    head_length: int | None = None

    def choose_format(self, *, is_whole: bool) -> Format:
        """Return what writes the answer.

        Args:
            is_whole: Whether all samples are needed before its first byte.
        """
        media_type = BINARY_TYPE if self._has_binary else JSON_TYPE
        return Whole(media_type, self._write) if is_whole else Streamed(media_type, self._open)

    @property
    def _has_binary(self) -> bool:
        return any(output.is_binary for output in self.outputs)

    def _open(self, contents: Contents) -> "_TensorWriter":
        entries = [
            _describe(one, contents) | {"parameters": {SIZE: _count_bytes(one, contents)}} for one in self.outputs
        ]
        return _TensorWriter(self._write_head(contents, entries), self.outputs, contents)

    def _write(self, contents: Contents, images: Pixels) -> bytes:
        entries, sections = [], []
        for output in self.outputs:
            entry = _describe(output, contents)
            if output.is_binary:
                sections.append(_write_section(output, contents, images))
                entry["parameters"] = {SIZE: len(sections[-1])}
            else:
                entry["data"] = _list_data(output, contents, images)
            entries.append(entry)
        return b"".join([self._write_head(contents, entries), *sections])

    def _write_head(self, contents: Contents, entries: Sequence[dict[str, Any]]) -> bytes:
        origin = contents.origin
        facts: dict[str, Any] = {"model_name": origin.model, "model_version": str(origin.version)}
        if self.request_id is not None:
            facts["id"] = self.request_id
        facts["parameters"] = {"digest": origin.digest, "first_index": contents.first_index}
        head = msgspec.json.encode({**facts, "outputs": entries})
        self.head_length = len(head) if self._has_binary else None
        return head


class _TensorWriter:
    """Writes tensors as they come, one after the other; one of them, at most, is of pixels."""

    def __init__(self, head: bytes, outputs: Sequence[Output], contents: Contents) -> None:
        names = [output.name for output in outputs]
        place = names.index(IMAGES) if IMAGES in names else len(names)
        self._head = head
        self._before, self._after = outputs[:place], outputs[place + 1 :]
        self._has_images = IMAGES in names
        self._contents = contents
        self.content_length: int | None = len(head) + sum(_count_bytes(one, contents) for one in outputs)

    def begin(self) -> Iterator[bytes]:
        """Yield the head, and what comes before the pixels."""
        yield self._head
        for output in self._before:
            yield from _write_numbers(output, self._contents)

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:  # noqa: ARG002 - the common contract
        """Return the next pixels, where they are wanted."""
        return images.tobytes() if self._has_images else b""

    def finish(self) -> Iterator[bytes]:
        """Yield what comes behind the pixels."""
        for output in self._after:
            yield from _write_numbers(output, self._contents)


def _describe(output: Output, contents: Contents) -> dict[str, Any]:
    return {"name": output.name, "datatype": TYPES[output.name], "shape": list(_shape(output, contents))}


def _shape(output: Output, contents: Contents) -> tuple[int, ...]:
    if output.name == IMAGES:
        return contents.shape.dims
    return (1,) if output.name == SEED else (contents.num_samples,)


def _count_bytes(output: Output, contents: Contents) -> int:
    count = 1
    for size in _shape(output, contents):
        count *= size
    return count if output.name == IMAGES else 8 * count


def _write_section(output: Output, contents: Contents, images: Pixels) -> bytes:
    if output.name == IMAGES:
        return images.tobytes()
    if output.name == PNG:
        return write_strings(_encode(contents, images))
    return b"".join(_write_numbers(output, contents))


def _list_data(output: Output, contents: Contents, images: Pixels) -> list[Any]:
    if output.name == IMAGES:
        return list(images.ravel().tolist())
    if output.name == PNG:
        return [base64.b64encode(file).decode("ascii") for file in _encode(contents, images)]
    return list(_compute(output, contents, 0, contents.num_samples).tolist())


def _encode(contents: Contents, images: Pixels) -> list[bytes]:
    return [file for _, file in contents.encode(0, images, contents.labels_at(0, len(images)))]


def _write_numbers(output: Output, contents: Contents) -> Iterator[bytes]:
    for offset, count in blocks(contents.num_samples, _AT_ONCE):
        yield _compute(output, contents, offset, count).astype("<i8").tobytes()
        if output.name == SEED:
            return


def _compute(output: Output, contents: Contents, offset: int, count: int) -> NDArray[np.int64]:
    if output.name == SEED:
        return np.array([contents.origin.seed], dtype=np.int64)
    return contents.numeric_labels(offset, count) if output.name == LABELS else contents.indices(offset, count)
