"""The compressors of PNG files: libdeflate for small images, ISA-L for large ones; chosen once, when this is imported.

Equal pixels must give equal bytes, in any thread of any process. ISA-L, called plainly, does not keep to that, so it is
called in another way: see ``IsalCompressor``. Where one of the two cannot be imported, zlib stands in for both.
"""

import functools
import importlib
import importlib.metadata
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

LEVEL = 1
LARGE_BYTES = 4096
"""From here on ISA-L is faster: as fast at 3 KiB, 1.4 times at 12 KiB, 2.4 times at 150 KiB."""

HEAD_BYTES = 4  # what ISA-L needs to see before it looks for matches by its vector code

_PROBE = bytes((number * number >> 6) % 61 for number in range(8192))  # long matches, short ones and none

Data: TypeAlias = bytes | NDArray[np.uint8]
Compress: TypeAlias = Callable[[Data], bytes | bytearray]
"""Turns a contiguous buffer into a zlib stream."""


@dataclass(frozen=True, slots=True)
class Compressor:
    """What compresses by size.

    Attributes:
        library: Names and releases.
        compress_small: Takes buffers below ``LARGE_BYTES``.
        compress_large: Takes the others.
        crc32: Computes the checksum of a buffer, from that of what came before.
    """

    library: str
    compress_small: Compress
    compress_large: Compress
    crc32: Callable[..., int]

    @property
    def name(self) -> str:
        """The libraries, and a checksum of what they make of fixed inputs: equal names write equal files."""
        made = bytes(self.compress_small(_PROBE[: LARGE_BYTES - 1])) + bytes(self.compress_large(_PROBE))
        return f"{self.library}-{zlib.crc32(made):08x}"

    def compress(self, rows: NDArray[np.uint8]) -> bytes | bytearray:
        """Turn a contiguous array of bytes into a zlib stream."""
        return (self.compress_small if rows.size < LARGE_BYTES else self.compress_large)(rows)


class IsalCompressor:
    """ISA-L, called so that its stream hangs on the input alone.

    Its loop for level 1 computes one hash from the address of its own state, at the very first byte of a stream, where
    it means the third byte; what the first three bytes then match differs from thread to thread. Its code for the end
    of a piece has no such slip. So the first bytes go in as a piece of their own, which costs 6 bytes and some 3 µs.

    Args:
        library: The module ``isal.isal_zlib``.
    """

    def __init__(self, library: ModuleType) -> None:
        self._open = functools.partial(library.compressobj, LEVEL)
        self._end_piece = library.Z_SYNC_FLUSH

    def __call__(self, data: Data) -> bytes:
        """Turn a contiguous buffer of bytes into a zlib stream."""
        view, stream = memoryview(data).cast("B"), self._open()  # type: ignore[arg-type]  # arrays export buffers
        head = (stream.compress(view[:HEAD_BYTES]), stream.flush(self._end_piece))
        return b"".join((*head, stream.compress(view[HEAD_BYTES:]), stream.flush()))


def find_compressor() -> Compressor:
    """Return libdeflate and ISA-L, or zlib where one of them cannot be imported."""
    try:
        deflate, isal = importlib.import_module("deflate"), importlib.import_module("isal.isal_zlib")
    except ImportError:
        compress = functools.partial(zlib.compress, level=LEVEL)
        return Compressor(f"zlib-{zlib.ZLIB_RUNTIME_VERSION}", compress, compress, zlib.crc32)

    def compress_small(data: Data) -> bytearray:
        made: bytearray = deflate.zlib_compress(data, LEVEL)
        return made

    library = f"libdeflate-{importlib.metadata.version('deflate')}-isal-{importlib.metadata.version('isal')}"
    return Compressor(library, compress_small, IsalCompressor(isal), deflate.crc32)


COMPRESSOR = find_compressor()
