"""The compressor of PNG files: libdeflate where it is installed, else zlib; chosen once, when this is imported.

Equal pixels must give equal bytes, in any thread of any process. ISA-L, which is faster, does not keep to that: with
memory at other addresses it now and then writes another stream.
"""

import functools
import importlib
import importlib.metadata
import zlib
from collections.abc import Callable
from dataclasses import dataclass

LEVEL = 1

_PROBE = bytes((number * number >> 6) % 61 for number in range(8192))  # long matches, short ones and none


@dataclass(frozen=True, slots=True)
class Compressor:
    """A compressor.

    Attributes:
        library: Name and release.
        compress: Turns a contiguous buffer into a zlib stream.
        crc32: Computes the checksum of a buffer, from that of what came before.
    """

    library: str
    compress: Callable[..., bytes]
    crc32: Callable[..., int]

    @property
    def name(self) -> str:
        """The library, and a checksum of what it makes of a fixed input: equal names write equal files."""
        return f"{self.library}-{zlib.crc32(self.compress(_PROBE)):08x}"


def find_compressor() -> Compressor:
    """Return libdeflate, or zlib where it cannot be imported."""
    try:
        deflate = importlib.import_module("deflate")
    except ImportError:
        compress = functools.partial(zlib.compress, level=LEVEL)
        return Compressor(f"zlib-{zlib.ZLIB_RUNTIME_VERSION}", compress, zlib.crc32)

    def compress_fast(data: object) -> bytes:
        return bytes(deflate.zlib_compress(data, LEVEL))

    return Compressor(f"libdeflate-{importlib.metadata.version('deflate')}", compress_fast, deflate.crc32)


COMPRESSOR = find_compressor()
