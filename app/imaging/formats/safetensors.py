"""Safetensors: the arrays of NPZ, with a word about them in ``__metadata__``.

Source:
    https://huggingface.co/docs/safetensors: format.
"""

import json
from collections.abc import Iterator

from app.imaging.codec import Pixels
from app.imaging.formats.arrays import IMAGES, list_numbers
from app.imaging.formats.contents import Contents, Labels

METADATA_KEY = "fount"

_ALIGNMENT = 8


class SafetensorsWriter:
    """Writes the header and the small arrays, which are known without a sample, then pixels as they come.

    The widest numbers come first, so that each array is aligned in the file and can be mapped into memory.
    """

    def __init__(self, contents: Contents) -> None:
        shape = contents.shape
        self._numbers = list_numbers(contents)
        arrays = [(numbers.name, "I64", numbers.dims, numbers.num_bytes) for numbers in self._numbers]
        arrays.append((IMAGES, "U8", shape.dims, shape.num_samples * shape.sample_bytes))
        header: dict[str, object] = {"__metadata__": {METADATA_KEY: contents.mark}}
        position = 0
        for name, dtype, dims, num_bytes in arrays:
            header[name] = {"dtype": dtype, "shape": dims, "data_offsets": [position, position + num_bytes]}
            position += num_bytes
        text = json.dumps(header, separators=(",", ":")).encode("ascii")
        text += b" " * (-len(text) % _ALIGNMENT)
        self._header = len(text).to_bytes(8, "little") + text
        self.content_length: int | None = len(self._header) + position

    def begin(self) -> Iterator[bytes]:
        """Yield the header and the small arrays, computed piece by piece."""
        yield self._header
        for numbers in self._numbers:
            yield from numbers.pieces()

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:  # noqa: ARG002 - the common contract
        """Return the next pixels."""
        return images.tobytes()

    def finish(self) -> Iterator[bytes]:
        """Yield nothing: the file ends with its last pixel."""
        yield from ()
