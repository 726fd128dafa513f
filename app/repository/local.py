"""A repository in a local folder: atomic by rename, durable by fsync, one writer per model by flock.

Every folder on the way down is opened relative to the one above it and never through a link, so nothing placed inside
the repository can make it read or write outside.
"""

import contextlib
import errno
import fcntl
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from app.core.errors import RepositoryError
from app.repository.storage import Entry, reported
from app.schemas.names import is_name, is_version

STAGING_PREFIX = ".staging-"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO must not keep us waiting
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_FOLDER = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})  # ELOOP: a link
_CANNOT_LOCK = frozenset({errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP})


class LocalStorage:
    """Storage in a folder; it need not exist before the first version is published.

    Args:
        root: The folder. It may itself be reached through links; nothing in it may.
    """

    def __init__(self, root: str) -> None:
        self._root = Path(root).expanduser()

    def scan(self, name: str | None = None) -> dict[str, Entry]:
        """See ``Storage.scan``."""
        names = [name] if name is not None else [item for item, _ in self._list() if is_name(item)]
        found: dict[str, Entry] = {}
        for model in names:
            for item, entry in self._list(model):
                found[f"{model}/{item}"] = entry
                if is_version(item):
                    found.update((f"{model}/{item}/{file}", below) for file, below in self._list(model, item))
        return found

    def read(self, path: str, limit: int) -> bytes:
        """See ``Storage.read``."""
        *folders, file = path.split("/")
        with (
            reported(file),
            self._folder(*folders) as parent,
            os.fdopen(os.open(file, _READ, dir_fd=parent), "rb") as stream,
        ):
            info = os.fstat(stream.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise RepositoryError(f"{file} is not a regular file in a regular folder")
            return stream.read(min(limit, info.st_size) + 1)

    def write(self, path: str, data: bytes) -> None:
        """See ``Storage.write``; the caller holds the model's lock."""
        *folders, file = path.split("/")
        aside = f".{file}.tmp"
        with reported(file), self._folder(*folders) as parent:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(aside, dir_fd=parent)
            _write_new(aside, data, parent)
            os.rename(aside, file, src_dir_fd=parent, dst_dir_fd=parent)
            os.fsync(parent)

    def delete(self, path: str) -> None:
        """See ``Storage.delete``."""
        *folders, file = path.split("/")
        with reported(file), contextlib.suppress(FileNotFoundError), self._folder(*folders) as parent:
            os.unlink(file, dir_fd=parent)

    def publish(self, folder: str, files: Mapping[str, bytes]) -> None:
        """See ``Storage.publish``."""
        name, version = folder.split("/")
        with reported(version):
            self._ensure_model(name)
            with self._folder(name) as model, _staging(model) as (staging, inside):
                for file, data in files.items():
                    _write_new(file, data, inside)
                os.fsync(inside)
                with _locked(model):
                    _rename_new(staging, version, model)
                os.fsync(model)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """See ``Storage.lock``."""
        with reported(name), self._folder(name) as model, _locked(model):
            yield

    def _ensure_model(self, name: str) -> None:
        try:
            self._root.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:  # would be taken for a version that is taken
            raise RepositoryError("the repository is not a folder") from error
        with self._folder() as root, contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=root)
            os.fsync(root)

    @contextlib.contextmanager
    def _folder(self, *parts: str) -> Iterator[int]:
        descriptor = os.open(self._root, _FOLDER)
        try:
            for part in parts:
                below = os.open(part, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)

    def _list(self, *parts: str) -> list[tuple[str, Entry]]:
        try:
            with self._folder(*parts) as folder, os.scandir(folder) as items:
                return [(item.name, _describe(item)) for item in items if not item.name.startswith(".")]
        except OSError as error:
            if error.errno in _NO_FOLDER:
                return []
            raise RepositoryError(f"cannot list the repository: {error.strerror}") from error


def _describe(item: "os.DirEntry[str]") -> Entry:
    if item.is_dir(follow_symlinks=False):
        return Entry("folder")
    if not item.is_file(follow_symlinks=False):
        return Entry("other")
    try:
        info = item.stat(follow_symlinks=False)
    except FileNotFoundError:  # it went between the two looks
        return Entry("other")
    return Entry("file", f"{info.st_ino}-{info.st_size}-{info.st_mtime_ns}")


def _write_new(file: str, data: bytes, parent: int) -> None:
    with os.fdopen(os.open(file, _CREATE, 0o666, dir_fd=parent), "wb") as stream:
        stream.write(data)
        stream.flush()
        now = time.time_ns()  # the kernel's own stamp is only as fine as its tick, and a poll must see every change
        os.utime(stream.fileno(), ns=(now, now))
        os.fsync(stream.fileno())


def _rename_new(source: str, target: str, parent: int) -> None:
    """Rename a folder to a name that nothing has; rename alone would replace an empty folder."""
    with contextlib.suppress(FileNotFoundError):
        os.lstat(target, dir_fd=parent)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    try:
        os.rename(source, target, src_dir_fd=parent, dst_dir_fd=parent)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.ENOTDIR}:  # another publisher, where folders cannot be locked
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        raise


@contextlib.contextmanager
def _locked(folder: int) -> Iterator[None]:
    """Hold the folder's lock; some network file systems have none, there only rename guards."""
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _CANNOT_LOCK:
            raise
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            fcntl.flock(folder, fcntl.LOCK_UN)


@contextlib.contextmanager
def _staging(model: int) -> Iterator[tuple[str, int]]:
    """Make a folder to write aside in, locked for as long as its publisher lives; gone at the end unless renamed."""
    name = f"{STAGING_PREFIX}{secrets.token_hex(8)}"
    with _locked(model):
        _sweep(model)
        os.mkdir(name, dir_fd=model)
        inside = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=model)
        with contextlib.suppress(OSError):
            fcntl.flock(inside, fcntl.LOCK_EX)
    try:
        yield name, inside
    finally:
        os.close(inside)
        shutil.rmtree(name, ignore_errors=True, dir_fd=model)


def _sweep(model: int) -> None:
    """Delete what killed publishers left: the lock of a dead process is free."""
    with os.scandir(model) as items:
        stale = [item.name for item in items if item.name.startswith(STAGING_PREFIX)]
    for name in stale:
        with contextlib.suppress(OSError):
            inside = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=model)
            try:
                fcntl.flock(inside, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(name, ignore_errors=True, dir_fd=model)
            finally:
                os.close(inside)
