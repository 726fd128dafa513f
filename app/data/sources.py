"""The one door to training data: a name, a folder, a file or an archive in; a training set out."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from app.core.errors import DatasetError
from app.data.archives import read_tar, read_zip
from app.data.dataset import ImageDataset
from app.data.digits import read_digits
from app.data.folders import read_folder
from app.data.idx import has_idx_files, is_idx_name, read_idx_file, read_idx_folder
from app.data.layout import IMAGE_SUFFIXES
from app.data.npz import read_npz
from app.data.options import SPLITS, Channels, Progress, ReadOptions

ACCEPTED = (
    "the built-in 'digits'; a folder of images or of class folders; a folder with IDX files, or one IDX images file; "
    "a .npz file; a .zip, .tar, .tar.gz or .tgz of class folders"
)

_Reader: TypeAlias = Callable[[Path, ReadOptions], ImageDataset]

_READERS: dict[str, _Reader] = {
    ".npz": read_npz,
    ".zip": read_zip,
    ".tar": read_tar,
    ".tar.gz": read_tar,
    ".tgz": read_tar,
}


def open_dataset(
    source: str,
    *,
    image_size: int | tuple[int, int] | None = None,
    channels: Channels | None = None,
    split: str = "train",
    limit: int | None = None,
    skip_broken: bool = False,
    on_progress: Progress | None = None,
) -> ImageDataset:
    """Read a training set into memory.

    The same content gives the same order and the same digest, whatever container it comes in.

    Args:
        source: ``digits``, or the path of a folder, an archive or a file.
        image_size: Height and width in pixels, or one number for a square; None keeps the size that all share.
        channels: 1 for grey, 3 for RGB; None gives grey when every image is.
        split: ``train``, ``val`` or ``test``; a source without splits is all ``train``.
        limit: Most images to read, taken evenly over the source.
        skip_broken: Leave unreadable images out and count them.
        on_progress: Called with images done and images in all, from the calling thread.

    Raises:
        DatasetError: If the source is none that is known, or cannot be read.
    """
    options = ReadOptions(
        image_size=(image_size, image_size) if isinstance(image_size, int) else image_size,
        channels=channels,
        split=SPLITS.get(split, split),
        limit=limit,
        skip_broken=skip_broken,
        on_progress=on_progress,
    )
    if source == "digits":
        return read_digits(options)
    path = Path(source).expanduser()
    return _choose_reader(path)(path, options)


def _choose_reader(path: Path) -> _Reader:
    if path.is_dir():
        return read_idx_folder if has_idx_files(path) else read_folder
    if not path.is_file():
        raise DatasetError(f"there is no file or folder {path}; training data is {ACCEPTED}")
    if is_idx_name(path.name):
        return read_idx_file
    name = path.name.lower()
    reader = next((reader for suffix, reader in _READERS.items() if name.endswith(suffix)), None)
    if reader is None:
        hint = "; give the folder that the image lies in" if path.suffix.lower() in IMAGE_SUFFIXES else ""
        raise DatasetError(f"{path} is no training data that can be read{hint}; it can be {ACCEPTED}")
    return reader
