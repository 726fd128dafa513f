"""Folders of images, with or without class and split folders."""

import os
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from app.core.errors import DatasetError
from app.data.dataset import ImageDataset
from app.data.decoding import MAX_FILE_BYTES
from app.data.layout import Layout, arrange, describe_suffixes, is_hidden, is_image_path
from app.data.loading import EncodedImage, load_encoded
from app.data.naming import name_source
from app.data.options import ReadOptions

MAX_DEPTH = 16


def read_folder(folder: Path, options: ReadOptions) -> ImageDataset:
    """Read a folder of images.

    Raises:
        DatasetError: If it holds no images, or they cannot be read.
    """
    found = list_files(folder)
    paths = [path for path in found if is_image_path(path)]
    if not paths:
        raise DatasetError(
            f"{folder} holds no images; looked for PNG, JPEG, WebP, BMP, GIF and TIFF files, loose or in class "
            f"folders, and for IDX files; found {describe_suffixes(found)}"
        )
    layout = arrange(paths, options.split)
    layout = layout.take(options.choose_rows(len(layout.indices)))
    return load_encoded(name_source(folder), _list_images(folder, paths, layout), layout, options)


def list_files(folder: Path) -> list[str]:
    """List the visible files of a folder and of those below it, as ``/``-separated paths, sorted folder by folder.

    Links are followed, except to a folder that contains them.

    Raises:
        DatasetError: If a folder cannot be read.
    """
    return list(_walk(folder, "", ()))


def _list_images(folder: Path, paths: list[str], layout: Layout) -> Iterator[EncodedImage]:
    for row, index in enumerate(layout.indices.tolist()):
        path = paths[index]
        yield EncodedImage(row, path, partial(_read_file, folder / path))


def _read_file(path: Path) -> bytes:
    # A pipe under an image's name would block for ever.
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("not a regular file")
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _walk(root: Path, below: str, ancestors: tuple[tuple[int, int], ...]) -> Iterator[str]:
    folder = root / below
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read: {(error.strerror or 'unknown').lower()}") from error
    identity = (status.st_dev, status.st_ino)
    if identity in ancestors or len(ancestors) > MAX_DEPTH:
        return
    for entry in entries:
        if is_hidden(entry.name):
            continue
        mode = _find_mode(entry)
        if stat.S_ISDIR(mode):
            yield from _walk(root, f"{below}{entry.name}/", (*ancestors, identity))
        elif stat.S_ISREG(mode):
            yield below + entry.name


def _find_mode(entry: os.DirEntry[str]) -> int:
    if not entry.is_symlink():
        return stat.S_IFDIR if entry.is_dir() else stat.S_IFREG if entry.is_file() else 0
    try:
        return entry.stat().st_mode
    except OSError:  # it leads nowhere: taken for a file, so that reading it says so
        return stat.S_IFREG
