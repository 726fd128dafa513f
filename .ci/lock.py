"""Write ``requirements.lock``: the newest releases that fit ``pyproject.toml``, with torch at the pin it has.

Usage: ``python .ci/lock.py``, by ``make lock``. Resolves in an environment of its own, which is thrown away. To move
torch, edit its line in the lock and run this again. Then writes the same releases with the hashes of all their files,
for the image: what it runs, and what builds it. ``python .ci/lock.py --hashes`` does that alone, for a lock that stays.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

from bootstrap import LOCK, PYPROJECT, ROOT, requirements, runtime_requirements

HEADER = """\
# Every package that Fount, its training extra and its development tools install, at the release they were tested with.
# Used as constraints: pip install -c requirements.lock '.[train]'
# Written by `make lock`. torch carries no build suffix, so that CPU and CUDA builds both fit; the libraries that a
# CUDA build brings along are pinned by torch itself.
"""
HASHED_HEADER = """\
# {purpose}, file by file: pip takes nothing that is not listed here. torch is left out, since its builds for
# CPUs and GPUs are different files of one release, of which the Dockerfile takes any. Written by `make lock`.
"""
HASHED = ROOT / "requirements"
TOOLS = {"pip", "fount"}
PINNED_BY_TORCH = ("nvidia-", "cuda-", "triton")


def main(arguments: list[str]) -> None:
    """Resolve, freeze, write."""
    declared = tomllib.loads(PYPROJECT.read_text())
    project = declared["project"]
    optional = project["optional-dependencies"]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        pip = [str(Path(folder, "bin", "python")), "-m", "pip", "--disable-pip-version-check"]
        if "--hashes" not in arguments:
            write_lock(pip)
        subprocess.run([*pip, "install", "pip-tools>=7.5"], check=True)
        write_hashes(folder, "image", "What the image runs", runtime_requirements(project, ["train"]))
        write_hashes(
            folder, "build", "What builds the image", [*declared["build-system"]["requires"], *optional["release"]]
        )


def write_lock(pip: list[str]) -> None:
    """Install everything anew, and write down what that was."""
    torch = re.search(r"^torch==.+$", LOCK.read_text(), re.MULTILINE)
    wanted = requirements(["train", "dev", "fuzz", "release"]) + ([torch[0]] if torch else [])
    subprocess.run([*pip, "install", "--upgrade", *wanted], check=True)
    frozen = subprocess.run([*pip, "freeze", "--all"], check=True, stdout=subprocess.PIPE, text=True).stdout
    LOCK.write_text(HEADER + "\n".join(pins(frozen)) + "\n")


def write_hashes(folder: str, name: str, purpose: str, wanted: list[str]) -> None:
    """Write ``requirements/<name>.txt``: locked releases of what is wanted, with the hashes of all their files."""
    source, target = Path(folder, f"{name}.in"), Path(folder, f"{name}.txt")
    source.write_text("\n".join(wanted) + "\n")
    command = [
        str(Path(folder, "bin", "pip-compile")),
        "--quiet",
        "--generate-hashes",
        "--strip-extras",
        "--allow-unsafe",
    ]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-find-links"]
    subprocess.run([*command, "-c", str(LOCK), "-o", str(target), str(source)], check=True)
    blocks = re.findall(r"^[\w.-]+==.+(?:\n    .+)*", target.read_text(), re.MULTILINE)
    kept = [block for block in blocks if not block.startswith(("torch==", *PINNED_BY_TORCH))]
    HASHED.joinpath(f"{name}.txt").write_text(HASHED_HEADER.format(purpose=purpose) + "\n".join(kept) + "\n")


def pins(frozen: str) -> list[str]:
    """Turn the answer of ``pip freeze`` into pins that hold for every build of a release."""
    pairs = re.findall(r"^([\w.-]+)==([^+\s]+)", frozen, re.MULTILINE)
    kept = {name.lower(): version for name, version in pairs if name.lower() not in TOOLS}
    return [f"{name}=={kept[name]}" for name in sorted(kept) if not name.startswith(PINNED_BY_TORCH)]


if __name__ == "__main__":
    main(sys.argv[1:])
