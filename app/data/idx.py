"""IDX files, the format of MNIST and its relatives, plain or gzip'd."""

import gzip
import io
import re
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.core.errors import DatasetError
from app.data.arrays import index_labels, load_arrays, to_uint8_nhwc
from app.data.dataset import ImageDataset
from app.data.naming import name_source
from app.data.options import ReadOptions, require_memory

_IMAGES_NAME = re.compile(r"(?P<stem>.*?)images(?P<mid>[-.]idx)[34]-ubyte(?P<gz>\.gz)?", re.IGNORECASE)
_UBYTE = 0x08
_SPLIT_WORDS = {"train": "train", "t10k": "test", "test": "test", "val": "val"}


def is_idx_name(name: str) -> bool:
    """Tell whether a file name is one of an IDX images file."""
    return _IMAGES_NAME.fullmatch(name) is not None


def has_idx_files(folder: Path) -> bool:
    """Tell whether a folder holds an IDX images file.

    Raises:
        DatasetError: If the folder cannot be listed.
    """
    try:
        return any(is_idx_name(path.name) for path in folder.iterdir())
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read: {error.strerror}") from error


def read_idx_folder(folder: Path, options: ReadOptions) -> ImageDataset:
    """Read the split's images file in a folder, and its labels.

    Raises:
        DatasetError: If the split is missing or doubled, or a file is damaged.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if is_idx_name(path.name):
            found.setdefault(_find_split(path.name), []).append(path)
    paths = found.get(options.split, [])
    if not paths:
        raise DatasetError(f"{folder} has IDX files, and none for the {options.split!r} split; found: {sorted(found)}")
    plain = {path.name.removesuffix(".gz") for path in paths}
    if len(plain) > 1:
        names = ", ".join(sorted(plain))
        raise DatasetError(f"{folder} has several images files for one split ({names}); give one of them")
    train = found.get("train", paths)[0]
    return _read_pair(paths[0], train, options)


def read_idx_file(path: Path, options: ReadOptions) -> ImageDataset:
    """Read one images file and the labels file beside it, if there is one.

    Raises:
        DatasetError: If the file is damaged, or named for another split than the one that is wanted.
    """
    named = _find_split(path.name)
    if options.split not in ("train", named):
        raise DatasetError(f"{path} has only the {named!r} split; give the folder to use another")
    return _read_pair(path, path, options)


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one IDX file of bytes, of any number of axes.

    Raises:
        DatasetError: If it is damaged, or holds more or less than its header says.
    """
    try:
        with path.open("rb") as raw:
            if path.suffix.lower() == ".gz":
                with gzip.GzipFile(fileobj=raw) as unpacked:
                    return _parse(unpacked)
            return _parse(raw)
    except DatasetError as error:
        raise DatasetError(f"{path}: {error.detail}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error


def _parse(file: io.BufferedIOBase) -> NDArray[np.uint8]:
    magic = _read_exactly(file, 4)
    zeros, kind, num_axes = bytes(magic[:2]), int(magic[2]), int(magic[3])
    if zeros != b"\0\0" or kind != _UBYTE or not 1 <= num_axes <= 4:  # noqa: PLR2004 - (N, H, W, C)
        raise DatasetError("this is not an IDX file of bytes (its first bytes should be 00 00 08 and 1 to 4 axes)")
    shape = tuple(_read_exactly(file, 4 * num_axes).view(">u4").astype(object).tolist())
    num_bytes = int(np.prod(shape, dtype=object))
    require_memory(num_bytes)
    values = _read_exactly(file, num_bytes).reshape(shape)
    if file.read(1):
        raise DatasetError(f"the file goes on after the {num_bytes} bytes that its header announces")
    return values


def _read_exactly(file: io.BufferedIOBase, num_bytes: int) -> NDArray[np.uint8]:
    values = np.empty(num_bytes, np.uint8)
    filled = 0
    while filled < num_bytes:
        count = file.readinto(values[filled:].data)
        if not count:
            raise DatasetError(f"the file ends after {filled} of the {num_bytes} bytes that its header announces")
        filled += count
    return values


def _read_pair(path: Path, train: Path, options: ReadOptions) -> ImageDataset:
    images = read_idx(path)
    if images.ndim not in (3, 4):
        raise DatasetError(f"{path} has {images.ndim} axes; images have 3, or 4 with colour")
    values = _read_labels(path)
    labels, class_names = (None, list[str]()) if values is None else index_labels(values, _read_labels(train))
    return load_arrays(name_source(path), to_uint8_nhwc(images), labels, class_names, options)


def _read_labels(images_path: Path) -> NDArray[np.uint8] | None:
    match = _IMAGES_NAME.fullmatch(images_path.name)
    stem = f"{match['stem']}labels{match['mid']}1-ubyte" if match else ""
    for name in (stem, f"{stem}.gz"):
        path = images_path.with_name(name)
        if path.is_file():
            labels = read_idx(path)
            if labels.ndim != 1:
                raise DatasetError(f"{path} has {labels.ndim} axes; labels have 1")
            return labels
    return None


def _find_split(name: str) -> str:
    return next((split for word, split in _SPLIT_WORDS.items() if word in name.lower()), "train")
