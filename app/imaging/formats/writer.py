"""The interface of formats that are written piece by piece."""

from collections.abc import Iterator
from typing import Protocol

from app.imaging.codec import Pixels
from app.imaging.formats.contents import Labels


class SampleWriter(Protocol):
    """Turns batches of samples, in order, into the bytes of one file.

    Memory is per batch, and how samples are cut into batches does not change the file. A writer may be dropped at any
    time.
    """

    @property
    def content_length(self) -> int | None:
        """Length of the whole file, if it is known before the file is written."""
        ...

    def begin(self) -> Iterator[bytes]:
        """Yield what comes before the first sample."""
        ...

    def add(self, offset: int, images: Pixels, labels: Labels | None) -> bytes:
        """Return what can be written with the next samples; nothing, while more are waited for.

        Args:
            offset: How many samples came before.
            images: Pixels, shape (n, h, w, c).
            labels: Class numbers, shape (n,); None for an unconditional model.
        """
        ...

    def finish(self) -> Iterator[bytes]:
        """Yield what comes after the last sample."""
        ...
