"""What an image file says about itself, read without decoding a pixel: nothing here trusts the file."""

import struct
from typing import NamedTuple

from app.imaging.mark import DIGITAL_SOURCE_TYPE, TEXT_KEYWORD
from app.imaging.png import SIGNATURE

MAX_MARK_BYTES = 4096
_MAX_CHUNKS = 64  # before the pixels; we write three
_CHUNK_HEADER = struct.Struct(">I4s")
_CHECKSUM_BYTES = 4
_TEXT_START = TEXT_KEYWORD.encode("ascii") + b"\0"


class PngFacts(NamedTuple):
    """Size and mark of a PNG file; the mark is None where there is none of ours."""

    width: int
    height: int
    mark: bytes | None


def read_png(data: bytes) -> PngFacts | None:
    """Read the chunks before the pixels; None if this is no PNG file, or not a sound one."""
    if not data.startswith(SIGNATURE):
        return None
    facts: PngFacts | None = None
    position = len(SIGNATURE)
    for _ in range(_MAX_CHUNKS):
        if position + _CHUNK_HEADER.size > len(data):
            return None
        length, kind = _CHUNK_HEADER.unpack_from(data, position)
        start = position + _CHUNK_HEADER.size
        position = start + length + _CHECKSUM_BYTES
        if position > len(data):
            return None
        if kind == b"IDAT":
            return facts
        facts = _take_chunk(facts, kind, data[start : start + min(length, len(_TEXT_START) + MAX_MARK_BYTES)], length)
        if facts is None:
            return None
    return None


def claims_to_be_synthetic(data: bytes) -> bool:
    """Tell whether a file holds the term of the IPTC for what trained algorithms make, wherever its format has XMP."""
    return DIGITAL_SOURCE_TYPE.encode("ascii") in data


def _take_chunk(facts: PngFacts | None, kind: bytes, content: bytes, length: int) -> PngFacts | None:
    if facts is None:
        if kind != b"IHDR" or length < 8:  # noqa: PLR2004 - width and height
            return None
        width, height = struct.unpack_from(">II", content)
        return PngFacts(width, height, None)
    is_mark = kind == b"tEXt" and content.startswith(_TEXT_START) and length <= len(_TEXT_START) + MAX_MARK_BYTES
    return facts._replace(mark=content[len(_TEXT_START) :]) if is_mark and facts.mark is None else facts
