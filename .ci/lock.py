"""Write ``requirements.lock``: the newest releases that fit ``pyproject.toml``, with torch at the pin it has.

Usage: ``python .ci/lock.py``, by ``make lock``. Resolves in an environment of its own, which is thrown away. To move
torch, edit its line in the lock and run this again.
"""

import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from bootstrap import LOCK, requirements

HEADER = """\
# Every package that Fount, its training extra and its development tools install, at the release they were tested with.
# Used as constraints: pip install -c requirements.lock '.[train]'
# Written by `make lock`. torch carries no build suffix, so that CPU and CUDA builds both fit; the libraries that a
# CUDA build brings along are pinned by torch itself.
"""
TOOLS = {"pip", "fount"}
PINNED_BY_TORCH = ("nvidia-", "cuda-", "triton")


def main() -> None:
    """Resolve, freeze, write."""
    torch = re.search(r"^torch==.+$", LOCK.read_text(), re.MULTILINE)
    wanted = requirements(["train", "dev"]) + ([torch[0]] if torch else [])
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = [str(Path(folder, "bin", "python")), "-m", "pip", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--upgrade", *wanted], check=True)
        frozen = subprocess.run([*pip, "freeze", "--all"], check=True, stdout=subprocess.PIPE, text=True).stdout
    LOCK.write_text(HEADER + "\n".join(pins(frozen)) + "\n")


def pins(frozen: str) -> list[str]:
    """Turn the answer of ``pip freeze`` into pins that hold for every build of a release."""
    pairs = re.findall(r"^([\w.-]+)==([^+\s]+)", frozen, re.MULTILINE)
    kept = {name.lower(): version for name, version in pairs if name.lower() not in TOOLS}
    return [f"{name}=={kept[name]}" for name in sorted(kept) if not name.startswith(PINNED_BY_TORCH)]


if __name__ == "__main__":
    sys.exit(main())
