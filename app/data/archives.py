"""Archives of images, read where they lie: nothing is unpacked, and member names are only ever names."""

import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np

from app.core.errors import DatasetError
from app.data.dataset import ImageDataset, printable
from app.data.decoding import MAX_FILE_BYTES
from app.data.layout import Layout, arrange, describe_suffixes, is_image_path
from app.data.loading import EncodedImage, load_encoded
from app.data.naming import name_source
from app.data.options import ReadOptions

# What the two modules raise on damaged bytes; RuntimeError is zipfile's word for encrypted members.
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)


@dataclass(frozen=True)
class _Member:
    name: str
    offset: int  # of its bytes in the unpacked stream
    num_bytes: int


def read_tar(path: Path, options: ReadOptions) -> ImageDataset:
    """Read a tar archive, gzip'd or not, in two passes: one for the names, one for the images.

    Raises:
        DatasetError: If it is damaged, holds no images, or they cannot be read.
    """
    members = list(_iter_members(path))
    layout = _arrange_members(path, [member.name for member in members], options)
    return load_encoded(name_source(path), _list_tar(path, members, layout), layout, options)


def read_zip(path: Path, options: ReadOptions) -> ImageDataset:
    """Read a ZIP archive.

    Raises:
        DatasetError: If it is damaged, holds no images, or they cannot be read.
    """
    with _explain_damage(path):
        archive = zipfile.ZipFile(path)
    with archive:
        members = archive.infolist()
        # Some programs write backslashes, against the format.
        names = ["" if member.is_dir() else _clean(member.filename.replace("\\", "/")) for member in members]
        layout = _arrange_members(path, names, options)
        images = (
            EncodedImage(row, names[index], partial(_read_zip_member, archive, members[index]))
            for row, index in enumerate(layout.indices.tolist())
        )
        return load_encoded(name_source(path), images, layout, options)


def _arrange_members(path: Path, names: list[str], options: ReadOptions) -> Layout:
    # The last of two members of one name wins, as when unpacking.
    last = {name: position for position, name in enumerate(names) if name and is_image_path(name)}
    if not last:
        files = [name for name in names if name]
        raise DatasetError(
            f"{path} holds no images; looked for PNG, JPEG, WebP, BMP, GIF and TIFF members, loose or in class "
            f"folders; found {describe_suffixes(files)}"
        )
    layout = arrange(list(last), options.split)
    layout = layout.take(options.choose_rows(len(layout.indices)))
    positions = np.array(list(last.values()), np.int64)
    return replace(layout, indices=positions[layout.indices])


def _clean(name: str) -> str:
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise DatasetError(f"the archive has a member whose name climbs out of it: {printable(name)}")
    return "/".join(parts)


def _iter_members(path: Path) -> Iterator[_Member]:
    with _explain_damage(path), tarfile.open(path, "r:*") as archive:
        for member in archive:
            if member.isreg():
                yield _Member(_clean(member.name), member.offset_data, member.size)
            archive.members.clear()  # type: ignore[attr-defined] # undeclared; holds every header that was seen
        _require_end(archive)


def _require_end(archive: tarfile.TarFile) -> None:
    # To tarfile a damaged header and a cut file look like the end, and the images after it would be missed.
    if archive.fileobj is None:
        return
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("it is cut short, or a header in the middle is damaged")


def _list_tar(path: Path, members: list[_Member], layout: Layout) -> Iterator[EncodedImage]:
    indices = layout.indices
    # In the order of the archive, since going back in a gzip stream means starting over.
    rows = np.argsort(indices, kind="stable").tolist()
    with _explain_damage(path), path.open("rb") as raw, _open_stream(raw) as stream:
        for row in rows:
            member = members[indices[row]]
            stream.seek(member.offset)
            data = stream.read(min(member.num_bytes, MAX_FILE_BYTES + 1))
            if len(data) < min(member.num_bytes, MAX_FILE_BYTES):
                raise tarfile.ReadError("unexpected end of data")
            yield EncodedImage(row, member.name, partial(bytes, data), len(data))


def _open_stream(raw: BinaryIO) -> BinaryIO | gzip.GzipFile:
    is_gzip = raw.read(2) == b"\x1f\x8b"
    raw.seek(0)
    return gzip.GzipFile(fileobj=raw) if is_gzip else raw


def _read_zip_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as file:
        return file.read(MAX_FILE_BYTES + 1)


@contextmanager
def _explain_damage(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        text = printable(str(error))
        raise DatasetError(f"{path} is damaged, or not the archive that its name says: {text}") from error
