"""Reads answers in the safetensors format while they come: what samples are first, then their pixels.

Source:
    https://huggingface.co/docs/safetensors: format.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.client.errors import BrokenAnswerError

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 1 << 20
_IMAGES = "images"
_MARK = "fount"


@dataclass(frozen=True, slots=True)
class Head:
    """What is known before the first pixel.

    Attributes:
        mark: What the file says about itself: ``model``, ``version``, ``digest``, ``seed``, ``first_index``, ...
        shape: Of all images, (n, h, w, c).
        labels: Class numbers, shape (n,); -1 for no class.
        indices: Numbers within the seed, shape (n,).
    """

    mark: Mapping[str, Any]
    shape: tuple[int, int, int, int]
    labels: NDArray[np.int64] = field(repr=False)
    indices: NDArray[np.int64] = field(repr=False)

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample's pixels."""
        return math.prod(self.shape[1:])


def read_head(data: bytes | bytearray | memoryview) -> tuple[Head, int] | None:
    """Read what stands in front of the pixels.

    Args:
        data: The answer's first bytes.

    Returns:
        The head, and where the pixels begin; None while that is not all there.

    Raises:
        BrokenAnswerError: If this is not what the service writes.
    """
    if len(data) < _LENGTH_BYTES:
        return None
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if length > _MAX_HEADER_BYTES:
        raise BrokenAnswerError("the answer is not a file of safetensors")
    begin = _LENGTH_BYTES + length
    if len(data) < begin:
        return None
    arrays = json.loads(bytes(data[_LENGTH_BYTES:begin]))
    mark = json.loads(arrays.pop("__metadata__")[_MARK])
    pixels = begin + arrays[_IMAGES]["data_offsets"][0]
    if len(data) < pixels:
        return None
    numbers = {name: _read_numbers(data, begin, arrays[name]) for name in ("labels", "indices")}
    height, width, channels = arrays[_IMAGES]["shape"][1:]
    return Head(mark, (arrays[_IMAGES]["shape"][0], height, width, channels), **numbers), pixels


def _read_numbers(data: bytes | bytearray | memoryview, begin: int, entry: Mapping[str, Any]) -> NDArray[np.int64]:
    start, stop = entry["data_offsets"]
    return np.frombuffer(bytes(data[begin + start : begin + stop]), "<i8").astype(np.int64).reshape(entry["shape"])


def read_images(data: bytes | bytearray, head: Head, begin: int) -> NDArray[np.uint8]:
    """Return the pixels of a whole answer, shape (n, h, w, c).

    Raises:
        BrokenAnswerError: If some are missing.
    """
    if len(data) - begin != head.shape[0] * head.sample_bytes:
        raise BrokenAnswerError("the answer ends in the middle of an image")
    return np.frombuffer(data, np.uint8, offset=begin).reshape(head.shape)


class BatchReader:
    """Cuts an answer into batches while it comes; holds one of them.

    Args:
        batch_size: Images of a batch, at least 1; the last one may have fewer.

    Attributes:
        head: What is known of the samples; None until it is read.
        num_read: Images that were returned.
    """

    def __init__(self, batch_size: int) -> None:
        self._batch_size = batch_size
        self._waiting = bytearray()
        self._batch = np.empty(0, np.uint8)
        self._filled = 0
        self.head: Head | None = None
        self.num_read = 0

    def feed(self, chunk: bytes) -> list[NDArray[np.uint8]]:
        """Take bytes; return the batches that they complete, each of memory of its own."""
        if self.head is None:
            self._waiting += chunk
            found = read_head(self._waiting)
            if found is None:
                return []
            self.head, begin = found
            chunk, self._waiting = bytes(self._waiting[begin:]), bytearray()
        return self._fill(memoryview(chunk), self.head)

    def _fill(self, chunk: memoryview, head: Head) -> list[NDArray[np.uint8]]:
        done = []
        while chunk:
            if self._filled == len(self._batch):
                if self.num_read == head.shape[0]:
                    raise BrokenAnswerError("the answer has more bytes than it said")
                count = min(self._batch_size, head.shape[0] - self.num_read)
                self._batch, self._filled = np.empty(count * head.sample_bytes, np.uint8), 0
            taken = min(len(chunk), len(self._batch) - self._filled)
            self._batch[self._filled : self._filled + taken] = np.frombuffer(chunk[:taken], np.uint8)
            self._filled += taken
            chunk = chunk[taken:]
            if self._filled == len(self._batch):
                done.append(self._batch.reshape(-1, *head.shape[1:]))
                self.num_read += len(done[-1])
        return done
