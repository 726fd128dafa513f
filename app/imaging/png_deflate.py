"""The compressor of PNG files: ISA-L where it is installed, else zlib; chosen once, when this is imported.

Level 1 of ISA-L writes the same bytes on every x86-64 processor with SSE 4.2. Level 3 does not, and level 2 takes
longer for as many bytes. Where bytes differ all the same, say on another architecture, ``Compressor.name`` does too.
"""

import functools
import importlib
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
    """Return ISA-L, or zlib where ISA-L cannot be imported."""
    try:
        isal, igzip, isal_zlib = (importlib.import_module(f"isal{name}") for name in ("", ".igzip_lib", ".isal_zlib"))
    except ImportError:
        compress = functools.partial(zlib.compress, level=LEVEL)
        return Compressor(f"zlib-{zlib.ZLIB_RUNTIME_VERSION}", compress, zlib.crc32)
    # As isal_zlib.compress, without the microsecond that it takes to begin.
    compress = functools.partial(igzip.compress, level=LEVEL, flag=igzip.COMP_ZLIB)
    return Compressor(f"isal-{isal.__version__}", compress, isal_zlib.crc32)


COMPRESSOR = find_compressor()
