"""A dataset behind an fsspec URL: files are made here, sent whole, and their size is looked at where they arrived.

Object stores show an object when all of it is there. Where a store shows half a file, nothing counts it as finished:
its checksum is written down after it has arrived.
"""

import contextlib
import posixpath
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import fsspec

from app.core.errors import ExportError
from app.exporting.destination import reported


class Objects:
    """A destination anywhere that fsspec reaches; it has no locks: let one export write there at a time.

    Args:
        url: Any URL whose file system can list, read and write.

    Raises:
        ImportError: If the scheme needs a package that is not installed.
        ValueError: If no file system has this scheme.
    """

    is_local = False

    def __init__(self, url: str) -> None:
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = root.rstrip("/")
        self._url = url

    @property
    def url(self) -> str:
        """See ``Destination.url``."""
        return self._url

    @contextlib.contextmanager
    def claim(self) -> Iterator[None]:
        """See ``Destination.claim``."""
        with reported("the destination"):
            self._fs.makedirs(self._root, exist_ok=True)
        yield

    def sizes(self) -> dict[str, int]:
        """See ``Destination.sizes``."""
        with reported("the destination"):
            self._fs.invalidate_cache()
            try:
                entries: list[dict[str, Any]] = self._fs.ls(self._root, detail=True)
            except FileNotFoundError:
                return {}
        return {posixpath.basename(entry["name"]): entry["size"] for entry in entries if entry["type"] == "file"}

    def size(self, name: str) -> int | None:
        """See ``Destination.size``."""
        with reported(name):
            self._fs.invalidate_cache()
            try:
                return int(self._fs.info(self._path(name))["size"])
            except FileNotFoundError:
                return None

    def open(self, name: str) -> BinaryIO:
        """See ``Destination.open``."""
        with reported(name):
            file: BinaryIO = self._fs.open(self._path(name), "rb")
            return file

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator["StagedObject"]:
        """See ``Destination.stage``."""
        with reported(name):
            file = tempfile.NamedTemporaryFile(prefix="fount-")  # noqa: SIM115 - closed below
        with file:
            yield StagedObject(cast("BinaryIO", file.file), file.name, name, self)

    def send(self, source: str, name: str, num_bytes: int) -> None:
        """Send a local file.

        Raises:
            ExportError: If it did not arrive whole.
        """
        with reported(name):
            self._fs.put_file(source, self._path(name))
        if self.size(name) != num_bytes:
            raise ExportError(f"{name}: the destination has another size than was sent")

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


@dataclass(frozen=True, slots=True)
class StagedObject:
    """A file on this machine that is to be sent."""

    file: BinaryIO
    source: str
    name: str
    objects: Objects

    def commit(self) -> None:
        """See ``Staged.commit``."""
        self.file.flush()
        self.objects.send(self.source, self.name, self.file.tell())
