"""What a version was made with: libraries, and the commit of this source tree."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path

from app import __version__

_RECORDED = ("torch", "numpy", "pillow", "safetensors")


def list_versions() -> dict[str, str]:
    """Return the versions of what may change pixels."""
    libraries = {name: importlib.metadata.version(name) for name in _RECORDED}
    return {"fount": __version__, "python": platform.python_version(), **libraries}


def find_commit() -> str | None:
    """Return the commit of this source tree, marked when it has changes; None outside a git checkout."""
    home = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],  # noqa: S607 - whichever git the user has
            cwd=home,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return described.stdout.strip() or None
