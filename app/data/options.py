"""What a caller asks of a training set, checked once for every reader."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from app.core.errors import DatasetError
from app.data.dataset import MIN_IMAGES

MAX_IMAGE_SIZE = 1024  # px, as in the manifest
SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}

Channels: TypeAlias = Literal[1, 3]
Progress: TypeAlias = Callable[[int, int], None]


@dataclass(frozen=True)
class ReadOptions:
    """How to read a source.

    Attributes:
        image_size: Height and width in pixels; None keeps the size that all images share.
        channels: 1 for grey, 3 for RGB; None decides by looking at the pixels.
        split: ``train``, ``val`` or ``test``.
        limit: Most images to read, spread evenly over the source; None for all.
        skip_broken: Leave unreadable images out, where the default is to refuse the source.
        on_progress: Called in the reading thread with images done and images in all.
    """

    image_size: tuple[int, int] | None = None
    channels: Channels | None = None
    split: str = "train"
    limit: int | None = None
    skip_broken: bool = False
    on_progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.image_size and not all(1 <= side <= MAX_IMAGE_SIZE for side in self.image_size):
            raise DatasetError(f"an image size is 1 to {MAX_IMAGE_SIZE} pixels a side", limit=MAX_IMAGE_SIZE)
        if self.channels not in (None, 1, 3):
            raise DatasetError("channels is 1 (grey), 3 (RGB), or left out to decide by looking")
        if self.split not in SPLITS.values():
            raise DatasetError(f"there is no split {self.split!r}; the splits are train, val and test")
        if self.limit is not None and self.limit < MIN_IMAGES:
            raise DatasetError(f"a limit is at least {MIN_IMAGES} images", limit=MIN_IMAGES)

    def choose_rows(self, num_images: int) -> NDArray[np.int64]:
        """Return the rows to read, ascending; a limit takes them evenly, so that sorted classes all take part."""
        count = min(num_images, self.limit or num_images)
        return np.arange(count, dtype=np.int64) * num_images // max(count, 1)

    def report(self, done: int, total: int) -> None:
        """Tell the caller how far reading is."""
        if self.on_progress:
            self.on_progress(done, total)


def require_memory(num_bytes: int) -> None:
    """Refuse an array that this machine cannot hold, before the system starts to swap or kill.

    Raises:
        DatasetError: If the array is larger than the physical memory.
    """
    if not hasattr(os, "sysconf"):
        return
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if num_bytes > memory:
        raise DatasetError(
            f"the images need {num_bytes / 2**30:.1f} GiB and this machine has {memory / 2**30:.1f} GiB; "
            "give a smaller image size or a limit",
            limit=memory,
        )
