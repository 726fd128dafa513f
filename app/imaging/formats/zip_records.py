"""The records of a ZIP file, Zip64 where numbers need it: what stands before an entry, behind it, and at the end.

Entries are stored, and say nothing about when or where they were written.

Source:
    PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3.
"""

import struct
from typing import NamedTuple

_FULL_16 = 0xFFFF
_FULL_32 = 0xFFFFFFFF
_ZIP64_ID = 1
_VERSION, _VERSION_64 = 20, 45
_UNIX = 3 << 8
_FILE_MODE = 0o100644 << 16
_DOS_DATE = 0x21  # 1980-01-01
_SUMS_FOLLOW, _UTF8 = 0x08, 0x800


class Entry(NamedTuple):
    """One file of a ZIP.

    Attributes:
        path: Its name.
        size: Its length in bytes.
        crc: Its CRC-32; 0 in ``write_header`` when it follows.
        crc_follows: Whether the checksum is only known behind the data.
    """

    path: str
    size: int
    crc: int
    crc_follows: bool = False


def write_header(entry: Entry) -> bytes:
    """Write what stands in front of an entry's data."""
    name, flags = _write_name(entry)
    is_big = entry.size >= _FULL_32
    size = _FULL_32 if is_big else entry.size
    extra = struct.pack("<HHQQ", _ZIP64_ID, 16, entry.size, entry.size) if is_big else b""
    crc = 0 if entry.crc_follows else entry.crc
    version = _VERSION_64 if is_big else _VERSION
    fixed = struct.pack(
        "<4s5H3I2H", b"PK\x03\x04", version, flags, 0, 0, _DOS_DATE, crc, size, size, len(name), len(extra)
    )
    return fixed + name + extra


def measure_header(entry: Entry) -> int:
    """Return the length of ``write_header``."""
    return 30 + len(entry.path.encode()) + (20 if entry.size >= _FULL_32 else 0)


def write_descriptor(entry: Entry) -> bytes:
    """Write what stands behind the data of an entry whose checksum follows."""
    width = "Q" if entry.size >= _FULL_32 else "I"
    return struct.pack(f"<4sI2{width}", b"PK\x07\x08", entry.crc, entry.size, entry.size)


def write_listing(entry: Entry, position: int) -> bytes:
    """Write an entry's record in the directory.

    Args:
        entry: The file.
        position: Where its header begins in the ZIP.
    """
    name, flags = _write_name(entry)
    wide = [number for number in (entry.size, entry.size, position) if number >= _FULL_32]
    extra = struct.pack(f"<HH{len(wide)}Q", _ZIP64_ID, 8 * len(wide), *wide) if wide else b""
    size, position = min(entry.size, _FULL_32), min(position, _FULL_32)
    version = _VERSION_64 if wide else _VERSION
    fixed = struct.pack(
        "<4s6H3I5H2I",
        b"PK\x01\x02",
        _UNIX | version,
        version,
        flags,
        0,
        0,
        _DOS_DATE,
        entry.crc,
        size,
        size,
        len(name),
        len(extra),
        0,
        0,
        0,
        _FILE_MODE,
        position,
    )
    return fixed + name + extra


def write_end(num_entries: int, start: int, size: int, comment: bytes) -> bytes:
    """Write what ends the file.

    Args:
        num_entries: How many records the directory has.
        start: Where the directory begins.
        size: Its length in bytes.
        comment: What the file says about itself, less than 64 KiB.
    """
    wide = b""
    if num_entries >= _FULL_16 or start >= _FULL_32 or size >= _FULL_32:
        wide = struct.pack(
            "<4sQ2H2I4Q",
            b"PK\x06\x06",
            44,
            _UNIX | _VERSION_64,
            _VERSION_64,
            0,
            0,
            num_entries,
            num_entries,
            size,
            start,
        ) + struct.pack("<4sIQI", b"PK\x06\x07", 0, start + size, 1)
    count = min(num_entries, _FULL_16)
    size, start = min(size, _FULL_32), min(start, _FULL_32)
    return wide + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, size, start, len(comment)) + comment


def _write_name(entry: Entry) -> tuple[bytes, int]:
    flags = (_SUMS_FOLLOW if entry.crc_follows else 0) | (0 if entry.path.isascii() else _UTF8)
    return entry.path.encode(), flags
