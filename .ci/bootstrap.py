"""Bring ``.venv`` up to date with ``pyproject.toml`` and ``requirements.lock``; at once when nothing changed.

Usage: ``python .ci/bootstrap.py [EXTRA ...]``. Knows only the standard library, because it runs before anything is
installed. Several runs at once wait for each other, and none removes what another one installed.
"""

from __future__ import annotations  # so that a Python too old for the rest reaches the message about it

import fcntl
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = ROOT / "pyproject.toml"
LOCK = ROOT / "requirements.lock"
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
RECORD = VENV / "fount-installed.json"
OWN = re.compile(r"fount\[\w+\]$")


def main(extras: list[str]) -> None:
    """Install the project with ``extras`` unless that is done already."""
    with PYPROJECT.open("rb") as pyproject:
        wait_for_turn(pyproject)
        inputs = hashlib.sha256(PYPROJECT.read_bytes() + LOCK.read_bytes()).hexdigest()
        recorded = read_record()
        if recorded.get("inputs") == inputs and set(extras) <= set(recorded["extras"]):
            return
        extras = sorted({*extras, *recorded.get("extras", ())})
        if not is_usable():
            create_venv()
        print(f"Installing {' and '.join(['fount', *extras])} into .venv (a minute or two, once) ...", flush=True)
        pip("-c", str(LOCK), *requirements(extras))
        if recorded.get("inputs") != inputs:  # a service may be running from this install: not touched without need
            pip("--no-deps", "--no-build-isolation", "-e", str(ROOT))
        RECORD.write_text(json.dumps({"inputs": inputs, "extras": extras}))
        print("Installed.", flush=True)


def wait_for_turn(pyproject: BinaryIO) -> None:
    """Hold the lock until this process ends."""
    try:
        fcntl.flock(pyproject, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("Waiting for another set-up of .venv to finish ...", flush=True)
        fcntl.flock(pyproject, fcntl.LOCK_EX)


def read_record() -> dict[str, Any]:
    """Say what is installed; nothing, if the environment cannot be used."""
    try:
        recorded: dict[str, Any] = json.loads(RECORD.read_text())
    except (OSError, ValueError):
        return {}
    return recorded if is_usable() else {}


def is_usable() -> bool:
    """Whether the environment runs, has pip, and is of the Python release that runs this file."""
    probe = [str(VENV_PYTHON), "-c", "import sys, pip; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(probe, capture_output=True, text=True, check=False).stdout
    except OSError:
        return False
    return answer.split() == [str(number) for number in sys.version_info[:2]]


def create_venv() -> None:
    """Create the environment anew with the Python that runs this file."""
    print(f"Creating .venv with Python {sys.version.split()[0]} ...", flush=True)
    created = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False)
    if created.returncode != 0:
        sys.exit(
            f"error: `{sys.executable} -m venv` failed\n"
            "hint: this Python lacks venv or ensurepip; on Debian and Ubuntu: sudo apt install python3-venv"
        )


def requirements(extras: list[str]) -> list[str]:
    """List what the project needs, and what builds it, as its ``pyproject.toml`` says."""
    import tomllib  # noqa: PLC0415 - old Pythons lack it, and must reach the message about them

    declared = tomllib.loads(PYPROJECT.read_text())
    return [*declared["build-system"]["requires"], *runtime_requirements(declared["project"], extras)]


def runtime_requirements(project: dict[str, Any], extras: list[str]) -> list[str]:
    """List what the project needs to run; an extra that names another one, ``fount[serve]``, has what that has."""
    listed = [requirement for extra in extras for requirement in project["optional-dependencies"][extra]]
    own = {requirement: requirement.split("[")[-1].rstrip("]") for requirement in listed if OWN.match(requirement)}
    inherited = runtime_requirements(project, list(own.values())) if own else project["dependencies"]
    return list(dict.fromkeys([*inherited, *(requirement for requirement in listed if requirement not in own)]))


def pip(*arguments: str) -> None:
    """Run ``pip install``; show what takes long, and on failure what pip said last."""
    command = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--progress-bar=off"]
    running = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said: list[str] = []
    for line in running.stdout or ():
        said.append(line)
        if "Downloading " in line and (" MB)" in line or " GB)" in line):
            print(f"  {line.strip()[:110]}", flush=True)
        elif line.startswith("Installing collected packages:") and "," in line:
            print(f"  Unpacking {line.count(',') + 1} packages", flush=True)
    if running.wait() != 0:
        sys.exit("".join(said[-40:]) + "error: pip could not install what the project needs; its own words are above")


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - this is where older ones are told
        sys.exit(f"error: Fount needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    main(sys.argv[1:])
