"""TAR as WebDataset reads it: per sample ``<number>.png``, ``.cls`` with the class number, and ``.json``.

Source:
    POSIX.1-2017, pax: ustar interchange format, and global extended headers.
"""

from collections.abc import Iterator

from app.imaging.codec import Pixels
from app.imaging.formats.contents import Contents, Labels, Sample

MIN_DIGITS = 6

_RECORD = 512
_SIZE = slice(124, 136)
_SUM = slice(148, 156)
_GLOBAL, _FILE = b"g", b"0"


class TarWriter:
    """Writes the members of each sample as it comes; a comment in front says that all are synthetic.

    A key is the sample's number in the file with so many leading zeros that names sort like numbers.
    """

    content_length = None

    def __init__(self, contents: Contents) -> None:
        self._contents = contents
        self._digits = max(MIN_DIGITS, len(str(contents.places.last_number)))

    def begin(self) -> Iterator[bytes]:
        """Yield the comment."""
        yield write_comment_member(self._contents.mark)

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return the members of the next samples."""
        return b"".join(
            part for sample, png in self._contents.encode(offset, images, labels) for part in self._members(sample, png)
        )

    def finish(self) -> Iterator[bytes]:
        """Yield the end of the archive."""
        yield end_archive()

    def _members(self, sample: Sample, png: bytes) -> Iterator[bytes]:
        key = f"{sample.number:0{self._digits}}"
        yield write_member(f"{key}.png", png)
        if sample.label is not None:
            yield write_member(f"{key}.cls", str(sample.label).encode())
        yield write_member(f"{key}.json", b"{%s}" % self._contents.write_facts(sample).encode())


def _write_header_template(kind: bytes) -> bytes:
    fields = (
        bytes(100),  # name
        b"0000644\0",
        b"0000000\0" * 2,  # owner, group
        bytes(12),  # size
        b"00000000000\0",  # time
        b" " * 8,  # checksum, counted as spaces
        kind,
        bytes(100),
        b"ustar\x0000",
    )
    return b"".join(fields).ljust(_RECORD, b"\0")


_TEMPLATES = {kind: _write_header_template(kind) for kind in (_GLOBAL, _FILE)}


def write_comment_member(text: str) -> bytes:
    """Write what an archive says about itself, ASCII."""
    return write_member("pax_global_header", _write_comment(text), _GLOBAL)


def end_archive() -> bytes:
    """Return what ends an archive."""
    return bytes(2 * _RECORD)


def write_member(name: str, data: bytes, kind: bytes = _FILE) -> bytes:
    """Write a file of an archive, under an ASCII name of at most 100 characters."""
    header = bytearray(_TEMPLATES[kind])
    header[: len(name)] = name.encode("ascii")
    header[_SIZE] = b"%011o\0" % len(data)
    header[_SUM] = b"%06o\0 " % sum(header)
    return b"".join((header, data, bytes(-len(data) % _RECORD)))


def _write_comment(text: str) -> bytes:
    """Write one pax record; its own length is part of it."""
    rest = f" comment={text}\n".encode("ascii")
    size = len(rest)
    while len(str(size)) + len(rest) != size:
        size = len(str(size)) + len(rest)
    return b"%d%s" % (size, rest)
