"""What the names of files say: split, class and order, by one rule for folders and archives alike."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.core.errors import DatasetError
from app.data.dataset import check_class_names, printable
from app.data.options import SPLITS

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff"})

_Parts: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class _Entry:
    index: int  # into the names that were given
    parts: _Parts


@dataclass(frozen=True)
class Layout:
    """The images of one split, in order.

    Attributes:
        indices: Position of each image among the names that were given.
        labels: Class index per image; zeros when unlabelled.
        class_names: Sorted names; empty when unlabelled.
    """

    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    class_names: list[str]

    def take(self, rows: NDArray[np.int64]) -> "Layout":
        """Return the layout of some rows, classes unchanged."""
        return Layout(self.indices[rows], self.labels[rows], self.class_names)


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder name is one that people do not mean: dot files and macOS archive litter."""
    return name.startswith(".") or name == "__MACOSX"


def is_image_path(path: str) -> bool:
    """Tell whether a ``/``-separated path names a visible image."""
    pure = PurePosixPath(path)
    return pure.suffix.lower() in IMAGE_SUFFIXES and not any(is_hidden(part) for part in pure.parts)


def arrange(paths: Sequence[str], split: str) -> Layout:
    """Sort image paths into a split and its classes.

    Args:
        paths: ``/``-separated paths of images inside the source, in any order.
        split: ``train``, ``val`` or ``test``; a source without split folders is all ``train``.

    Raises:
        DatasetError: If the split is missing, or images lie both beside and inside class folders.
    """
    entries = sorted((_Entry(index, _split_path(path)) for index, path in enumerate(paths)), key=lambda e: e.parts)
    splits = _group_by_split(_unwrap(entries))
    if split not in splits:
        raise DatasetError(f"there is no {split!r} split here; found: {', '.join(sorted(splits))}")
    chosen = sorted(splits[split], key=lambda e: e.parts)
    # Labels mean the same in every split, so the training split names the classes for all.
    class_names = _find_classes(splits.get("train", chosen))
    labels = _label(chosen, class_names)
    return Layout(np.array([entry.index for entry in chosen], np.int64), labels, class_names)


def describe_suffixes(paths: Sequence[str]) -> str:
    """Say what kinds of files there are, most frequent first: for the message that none is an image."""
    counts = Counter(PurePosixPath(path).suffix.lower() or "no suffix" for path in paths)
    return ", ".join(f"{count} {printable(suffix)}" for suffix, count in counts.most_common(3)) or "nothing"


def _split_path(path: str) -> _Parts:
    # macOS stores decomposed letters and archives keep them: the same name must be the same class.
    return tuple(part for part in unicodedata.normalize("NFC", path).split("/") if part not in ("", "."))


def _unwrap(entries: list[_Entry]) -> list[_Entry]:
    tops = {entry.parts[0] for entry in entries}
    wrapped = len(tops) == 1 and all(len(entry.parts) > 1 for entry in entries)
    if not wrapped or tops.pop().casefold() in SPLITS:
        return entries
    return [_Entry(entry.index, entry.parts[1:]) for entry in entries]


def _group_by_split(entries: list[_Entry]) -> dict[str, list[_Entry]]:
    tops = {entry.parts[0] for entry in entries if len(entry.parts) > 1}
    found = {SPLITS[top.casefold()] for top in tops if top.casefold() in SPLITS}
    only_splits = bool(tops) and all(top.casefold() in SPLITS for top in tops)
    # A lone folder `train` among others may be a class of trains; beside `test` or `val` it is a split.
    if not only_splits and not ("train" in found and len(found) > 1):
        return {"train": entries}
    groups: dict[str, list[_Entry]] = {}
    for entry in entries:
        name = SPLITS.get(entry.parts[0].casefold())
        if name and len(entry.parts) > 1:
            groups.setdefault(name, []).append(_Entry(entry.index, entry.parts[1:]))
    return groups


def _find_classes(entries: list[_Entry]) -> list[str]:
    loose = [entry for entry in entries if len(entry.parts) == 1]
    if len(loose) == len(entries):
        return []
    if loose:
        raise DatasetError(
            f"{len(loose)} images lie beside class folders, such as {printable(loose[0].parts[0])}; "
            "move them into a class folder, or away"
        )
    class_names = sorted({entry.parts[0] for entry in entries})
    check_class_names(class_names)
    return class_names


def _label(entries: list[_Entry], class_names: list[str]) -> NDArray[np.int64]:
    if not class_names:
        return np.zeros(len(entries), np.int64)
    index_of = {name: index for index, name in enumerate(class_names)}
    unknown = {entry.parts[0] for entry in entries if len(entry.parts) == 1 or entry.parts[0] not in index_of}
    if unknown:
        raise DatasetError(f"this split has a class that the training split has not: {printable(min(unknown))}")
    return np.array([index_of[entry.parts[0]] for entry in entries], np.int64)
