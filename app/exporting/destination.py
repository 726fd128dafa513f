"""Where an export goes: one small contract, kept by a folder and by whatever fsspec reaches.

A file is there whole or not at all: it is written aside first, and takes its name when it is complete.
"""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from app.core.errors import ExportError


class Staged(Protocol):
    """A file on its way; gone at the end of its block unless it was committed."""

    @property
    def file(self) -> BinaryIO:
        """Where its bytes are written."""
        ...

    def commit(self) -> None:
        """Give the file its name, in place of what had it before; durable on return.

        Raises:
            ExportError: If it did not arrive whole.
        """
        ...


class Destination(Protocol):
    """A place for the files of one dataset.

    Attributes:
        url: Its address, as every process of this machine writes it.
        is_local: Whether reading a file back costs little.
    """

    @property
    def url(self) -> str: ...  # noqa: D102 - above

    @property
    def is_local(self) -> bool: ...  # noqa: D102 - above

    def claim(self) -> AbstractContextManager[None]:
        """Make the place if there is none, and keep other exports out of it where that is possible.

        Raises:
            ExportError: If another export is writing there.
        """
        ...

    def sizes(self) -> dict[str, int]:
        """Map the names of all files there to their sizes."""
        ...

    def size(self, name: str) -> int | None:
        """Return the size of a file; None if it is not there."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading.

        Raises:
            FileNotFoundError: If it is not there.
        """
        ...

    def stage(self, name: str) -> AbstractContextManager[Staged]:
        """Begin a file."""
        ...


def write_whole(destination: Destination, name: str, data: bytes) -> None:
    """Write a small file.

    Raises:
        ExportError: If it cannot be written.
    """
    with destination.stage(name) as staged:
        staged.file.write(data)
        staged.commit()


@contextlib.contextmanager
def reported(name: str) -> Iterator[None]:
    """Tell in words what the file system refused; what is missing is for the caller to judge.

    Raises:
        ExportError: In place of any other error of the operating system.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ExportError(f"{name}: {error.strerror or type(error).__name__}") from error
