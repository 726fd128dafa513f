"""A small file system of its own, which can be full or read-only; only where the system lets us mount one."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

_SPARE_BYTES = 2**20


class CannotBreakError(Exception):
    """The system does not let us make this fault."""


class SmallDisk:
    """A mounted file system in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / ".ballast"

    def fill(self, left_bytes: int = 0) -> None:
        """Write until there is no room, then free so many bytes."""
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(_SPARE_BYTES)):
                pass
        with self._ballast.open("r+b") as file:
            file.truncate(max(0, self._ballast.stat().st_size - left_bytes))

    def free(self) -> None:
        """Make room again."""
        self._ballast.unlink()

    def protect(self) -> None:
        """Let nobody write.

        Raises:
            CannotBreakError: If that is not allowed.
        """
        _run("mount", "-o", "remount,ro", str(self.path))


@contextlib.contextmanager
def mount_small_disk(path: Path, num_bytes: int) -> Iterator[SmallDisk]:
    """Mount a file system of so many bytes on a new folder, and unmount it on the way out.

    Raises:
        CannotBreakError: If that is not allowed.
    """
    path.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={num_bytes}", "tmpfs", str(path))
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "-l", str(path))


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise CannotBreakError(f"there is no `{command[0]}` here") from error
    except subprocess.CalledProcessError as error:
        raise CannotBreakError(error.stderr.strip()) from error
