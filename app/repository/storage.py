"""What the repository needs of the place where it is kept: one small contract, kept by a folder and by object stores.

Paths are relative, written with slashes, and made of names that were checked before; a storage knows nothing of
manifests.
"""

import contextlib
import errno
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Literal, NamedTuple, Protocol

from app.core.errors import RepositoryError

_NOT_REGULAR = frozenset({errno.ELOOP, errno.ENOTDIR, errno.ENXIO, errno.EISDIR})


class Entry(NamedTuple):
    """One thing in a folder; the stamp of a file changes whenever its content does."""

    kind: Literal["file", "folder", "other"]
    stamp: str = ""


class Storage(Protocol):
    """A place for a model repository."""

    def scan(self, name: str | None = None) -> dict[str, Entry]:
        """Map paths to what is there: models, their versions and files; of one model where ``name`` is given.

        Hidden entries are left out, links are not followed, a missing folder is empty.
        """
        ...

    def read(self, path: str, limit: int) -> bytes:
        """Read a regular file: all of it, or its first ``limit + 1`` bytes where it is longer.

        Raises:
            FileNotFoundError: If there is nothing.
            RepositoryError: If it is no regular file or cannot be read.
        """
        ...

    def write(self, path: str, data: bytes) -> None:
        """Write or replace a file at once: a reader sees the old bytes or the new ones; durable on return."""
        ...

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        ...

    def publish(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write a whole version folder; the last file is the one that makes it count. Durable on return.

        Raises:
            FileExistsError: If there is anything under this path already.
            RepositoryError: If it cannot be written.
        """
        ...

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Keep other writers of this model out.

        Raises:
            FileNotFoundError: If there is no such model.
        """
        ...


@contextlib.contextmanager
def reported(file: str) -> Iterator[None]:
    """Tell what the file system refused in words; what is missing or taken is for the caller to judge."""
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError as error:
        if error.errno in _NOT_REGULAR:
            raise RepositoryError(f"{file} is not a regular file in a regular folder") from error
        raise RepositoryError(f"{file}: {error.strerror or type(error).__name__}") from error
