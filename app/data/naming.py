"""The short name of a training set, from the place it was found in."""

from pathlib import Path

from app.data.dataset import printable
from app.data.options import SPLITS

ARCHIVE_SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
_SUFFIXES = (*ARCHIVE_SUFFIXES, ".npz")


def name_source(path: Path) -> str:
    """Return a name for records: the file's or folder's own, or its parent's where that only names a split."""
    full = path.resolve()
    name = _strip_suffix(full.name)
    if name.casefold() in SPLITS or "-ubyte" in name:
        name = full.parent.name
    return printable(name)


def _strip_suffix(name: str) -> str:
    for suffix in _SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name
