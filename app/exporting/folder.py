"""A dataset in a local folder: files are written aside, made durable and renamed."""

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.core.errors import ExportError
from app.exporting.destination import reported

PART_PREFIX = ".fount-part-"

_CANNOT_LOCK = frozenset({errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP})


class Folder:
    """A destination on this machine, or on a disk that several share.

    Args:
        path: The folder; it need not exist.
    """

    is_local = True

    def __init__(self, path: str) -> None:
        self._path = Path(path).expanduser().absolute()

    @property
    def url(self) -> str:
        """See ``Destination.url``."""
        return str(self._path)

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """See ``Destination.claim``; deletes what killed processes had written aside, before and after."""
        with reported("the folder"):
            self._path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _lock(handle)
            self._sweep()
            yield
            self._sweep()
        finally:
            os.close(handle)

    def sizes(self) -> dict[str, int]:
        """See ``Destination.sizes``."""
        with reported("the folder"), os.scandir(self._path) as entries:
            return {entry.name: entry.stat().st_size for entry in entries if entry.is_file(follow_symlinks=False)}

    def size(self, name: str) -> int | None:
        """See ``Destination.size``."""
        try:
            with reported(name):
                return (self._path / name).stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            return None

    def open(self, name: str) -> BinaryIO:
        """See ``Destination.open``."""
        with reported(name):
            return (self._path / name).open("rb")

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator["StagedFile"]:
        """See ``Destination.stage``."""
        part = self._path / f"{PART_PREFIX}{secrets.token_hex(8)}"
        with reported(name):
            file = part.open("xb")
        try:
            with file:
                yield StagedFile(file, part, self._path / name)
        finally:
            part.unlink(missing_ok=True)

    def _sweep(self) -> None:
        for part in self._path.glob(f"{PART_PREFIX}*"):
            part.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A file under a name that nobody reads."""

    file: BinaryIO
    part: Path
    target: Path

    def commit(self) -> None:
        """See ``Staged.commit``."""
        with reported(self.target.name):
            self.file.flush()
            os.fsync(self.file.fileno())
            self.part.replace(self.target)
            folder = os.open(self.target.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _lock(folder: int) -> None:
    """Take the folder for as long as it is open; some network file systems have no locks."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ExportError("another export is writing to this folder") from None
    except OSError as error:
        if error.errno not in _CANNOT_LOCK:
            raise
