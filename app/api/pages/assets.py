"""Static files, read once; one digest of all of them is part of their addresses, so that each may be kept for good."""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath
from typing import Final

_MEDIA_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file."""

    content: bytes
    media_type: str
    tag: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All static files.

    Attributes:
        digest: Of all names and contents; a module's imports are relative, so they stay within one digest.
        files: By path below ``static``.
    """

    digest: str
    files: dict[str, Asset]

    @property
    def href(self) -> str:
        """Where they are, relative to any page."""
        return f"./static/{self.digest}"


@cache
def read_assets() -> Assets:
    """Read the files that come with the package."""
    root = resources.files("app.api.pages").joinpath("static")
    contents = dict(sorted(_walk(root)))
    digest = hashlib.sha256()
    for path, content in contents.items():
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    files = {
        path: Asset(content, _MEDIA_TYPES[PurePosixPath(path).suffix], f'"{hashlib.sha256(content).hexdigest()[:32]}"')
        for path, content in contents.items()
    }
    return Assets(digest.hexdigest()[:16], files)


def _walk(folder: Traversable, prefix: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for one in folder.iterdir():
        if one.is_dir():
            found += _walk(one, f"{prefix}{one.name}/")
        elif PurePosixPath(one.name).suffix in _MEDIA_TYPES:
            found.append((f"{prefix}{one.name}", one.read_bytes()))
    return found
