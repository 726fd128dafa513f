"""NumPy ``.npz`` files: images and labels under the names that people use; nothing is unpickled."""

import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from app.core.errors import DatasetError
from app.data.arrays import flatten_labels, index_labels, load_arrays, to_uint8_nhwc
from app.data.dataset import ImageDataset, printable
from app.data.naming import name_source
from app.data.options import SPLITS, ReadOptions, require_memory

_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
)
_IMAGES, _LABELS = ("images", "x"), ("labels", "y")


@dataclass(frozen=True)
class _Arrays:
    path: Path
    archive: zipfile.ZipFile

    def find(self, *names: str) -> NDArray[np.generic] | None:
        """Read the first array that has one of these names, in any case."""
        members = {member.filename.lower().removesuffix(".npy"): member for member in self.archive.infolist()}
        member = next((members[name] for name in names if name in members), None)
        if member is None:
            return None
        require_memory(member.file_size)
        try:
            with self.archive.open(member) as file:
                values = np.lib.format.read_array(file, allow_pickle=False)
        except (*_DAMAGE, MemoryError) as error:
            raise DatasetError(f"{self.path}: {member.filename} cannot be read: {printable(str(error))}") from error
        return cast("NDArray[np.generic]", values)

    def describe(self) -> str:
        return ", ".join(printable(name) for name in sorted(self.archive.namelist())[:10]) or "nothing"


def read_npz(path: Path, options: ReadOptions) -> ImageDataset:
    """Read images, and labels and class names where there are any.

    Raises:
        DatasetError: If it is damaged, needs unpickling, or has no array of images under a known name.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _read(_Arrays(path, archive), options)
    except _DAMAGE as error:
        raise DatasetError(f"{path} is not a .npz file: {printable(str(error))}") from error


def _read(arrays: _Arrays, options: ReadOptions) -> ImageDataset:
    images = arrays.find(*_spell(_IMAGES, options.split))
    if images is None:
        raise DatasetError(
            f"{arrays.path} has no images for the {options.split!r} split; looked for "
            f"{', '.join(_spell(_IMAGES, options.split))}; found {arrays.describe()}"
        )
    labels, class_names = _read_labels(arrays, options.split)
    return load_arrays(name_source(arrays.path), to_uint8_nhwc(images), labels, class_names, options)


def _read_labels(arrays: _Arrays, split: str) -> tuple[NDArray[np.int64] | None, list[str]]:
    values = arrays.find(*_spell(_LABELS, split))
    if values is None:
        return None, []
    names = arrays.find("class_names")
    if names is None:
        reference = values if split == "train" else arrays.find(*_spell(_LABELS, "train"))
        return index_labels(values, reference)
    flat = flatten_labels(values)
    class_names = [printable(str(name)) for name in flatten_labels(names).tolist()]
    if flat.dtype.kind not in "iu" or (flat.size and not 0 <= int(flat.min()) <= int(flat.max()) < len(class_names)):
        raise DatasetError(f"{arrays.path}: labels must be indices into its {len(class_names)} class names")
    return flat.astype(np.int64), class_names


def _spell(nouns: tuple[str, ...], split: str) -> tuple[str, ...]:
    """List the names an array may have, best first: ``x_train``, ``train_images``, and plain ``images`` to train."""
    words = [word for word, meaning in SPLITS.items() if meaning == split]
    named = [spelling for word in words for noun in nouns for spelling in (f"{noun}_{word}", f"{word}_{noun}")]
    return (*named, *nouns) if split == "train" else tuple(named)
