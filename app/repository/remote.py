"""A repository anywhere that fsspec reaches: files one by one, the manifest last.

Object stores have no rename and no lock. A version counts from the moment its manifest is there; who creates the
first file of a version owns its number, where the store can create exclusively. Two processes that move aliases of one
model at the same time may lose one of the moves.
"""

import contextlib
import posixpath
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import fsspec

from app.core.errors import RepositoryError
from app.repository.storage import Entry, reported

_STAMPS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created", "size")


class RemoteStorage:
    """Storage behind an fsspec URL.

    Args:
        url: Any URL whose file system can list, read and write.

    Raises:
        ImportError: If the scheme needs a package that is not installed.
        ValueError: If no file system has this scheme.
    """

    def __init__(self, url: str) -> None:
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = root.rstrip("/")
        self._mutex = threading.Lock()

    def scan(self, name: str | None = None) -> dict[str, Entry]:
        """See ``Storage.scan``; folders are known by the files in them."""
        top = self._root if name is None else self._path(name)
        with reported("the repository"):
            self._fs.invalidate_cache()
            try:
                files: dict[str, dict[str, Any]] = self._fs.find(top, detail=True)
            except FileNotFoundError:
                return {}
        found: dict[str, Entry] = {}
        for path, info in files.items():
            relative = path.strip("/").removeprefix(self._root.strip("/")).strip("/")
            if any(part.startswith(".") for part in relative.split("/")):
                continue
            found[relative] = Entry("file", "-".join(f"{info[key]}" for key in _STAMPS if key in info))
            if relative.count("/") > 1:
                found[posixpath.dirname(relative)] = Entry("folder")
        return found

    def read(self, path: str, limit: int) -> bytes:
        """See ``Storage.read``."""
        file = posixpath.basename(path)
        with reported(file):
            self._fs.invalidate_cache()
            info = self._fs.info(self._path(path))
            if info["type"] != "file":
                raise RepositoryError(f"{file} is not a regular file in a regular folder")
            if info["size"] == 0:  # no store serves a range of nothing
                return b""
            return bytes(self._fs.cat_file(self._path(path), start=0, end=limit + 1))

    def write(self, path: str, data: bytes) -> None:
        """See ``Storage.write``; stores replace objects as a whole."""
        with reported(posixpath.basename(path)):
            self._fs.pipe_file(self._path(path), data)

    def delete(self, path: str) -> None:
        """See ``Storage.delete``."""
        with reported(posixpath.basename(path)), contextlib.suppress(FileNotFoundError):
            self._fs.rm_file(self._path(path))

    def publish(self, folder: str, files: Mapping[str, bytes]) -> None:
        """See ``Storage.publish``; a publisher that dies leaves a torn version, whose number stays used."""
        name, version = folder.split("/")
        with reported(version):
            if any(path.startswith(f"{folder}/") for path in self.scan(name)):
                raise FileExistsError(folder)
            for file, data in files.items():
                target = self._path(f"{folder}/{file}")
                self._fs.makedirs(posixpath.dirname(target), exist_ok=True)
                self._fs.pipe_file(target, data, mode="create")

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """See ``Storage.lock``; keeps only the threads of this process apart."""
        del name
        with self._mutex:
            yield

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}"
