"""The machine: interpreter, packages, cores, memory, files, places to write, clock."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import re
import resource
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.diagnosis.finding import Case, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

MIB = 2**20
PYTHON_FLOOR = (3, 11)
BASE_BYTES = 1024 * MIB  # the API process, a worker with torch, and a child that decodes
FEWEST_FILES = 256  # with fewer, hardly anybody is answered
TEMP_BYTES = 64 * MIB
BUILT = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # no clock that is right is before this build
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

_FLOOR = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9.]+)")


def check_python(_: Case) -> Iterator[Finding]:
    """Tell the interpreter, and whether it is new enough."""
    version = sys.version_info[:3]
    detail = f"{'.'.join(map(str, version))} on {platform.machine()}"
    floor = ".".join(map(str, PYTHON_FLOOR))
    is_well = version >= PYTHON_FLOOR
    yield Finding("python", is_well, detail, "" if is_well else f"install Python {floor} or newer")


def check_packages(_: Case) -> Iterator[Finding]:
    """Compare what is installed with the oldest releases that have no known hole which touches us."""
    wanted = [_FLOOR.match(line) for line in importlib.metadata.requires("fount") or () if "extra ==" not in line]
    floors = {found[1]: found[2] for found in wanted if found}
    wrong = [problem for name, floor in floors.items() if (problem := _judge_package(name, floor))]
    if wrong:
        yield Finding("packages", is_well=False, detail="; ".join(wrong), advice="install Fount again: `make run` does")
    else:
        yield Finding("packages", is_well=True, detail=f"all {len(floors)} are new enough")


def _judge_package(name: str, floor: str) -> str:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"
    return f"{name} {found} is older than {floor}" if _numbers(found) < _numbers(floor) else ""


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version.split("+", maxsplit=1)[0])[:3]]


def check_cores(_: Case) -> Iterator[Finding]:
    """Count what may be computed on."""
    from app.serving.cores import count_cores

    yield Finding("cores", is_well=True, detail=str(count_cores()))


def check_memory(case: Case) -> Iterator[Finding]:
    """Compare the memory that there is with what the settings allow to be held."""
    settings = case.settings
    total = find_memory()
    bounds = settings.worker.residency_bytes + settings.limits.upload_memory_bytes + settings.pool.bytes
    detail = f"{_gib(total)} for this process and its children; the settings allow {_gib(BASE_BYTES + bounds)}"
    if total < BASE_BYTES:
        advice = f"give it at least {_gib(BASE_BYTES)}: a worker does not start in less"
        yield Finding("memory", is_well=False, detail=detail, advice=advice)
    elif total < BASE_BYTES + bounds:
        advice = "lower `FOUNT_WORKER__RESIDENCY_BYTES` or `FOUNT_LIMITS__UPLOAD_MEMORY_BYTES`, or give it more memory"
        yield Finding("memory", is_well=True, detail=detail, advice=advice)
    else:
        yield Finding("memory", is_well=True, detail=detail)


def find_memory() -> int:
    """Return how much memory may be used, in bytes: that of the machine, or less where a container says so."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in CGROUP_LIMITS:
        if path.exists() and (text := path.read_text(encoding="ascii").strip()).isdecimal():
            total = min(total, int(text))
    return total


def check_files(case: Case) -> Iterator[Finding]:
    """Compare how many files may be open with how many connections there may be."""
    from app.core.descriptors import MAX_RESERVE, OTHER_DESCRIPTORS, RESERVES

    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)  # the service raises its own limit up to this
    needed = case.settings.http.connections + RESERVES * MAX_RESERVE + OTHER_DESCRIPTORS
    is_enough = limit in {resource.RLIM_INFINITY, max(limit, needed)}
    detail = f"{'any number' if limit == resource.RLIM_INFINITY else limit} may be open at once; {needed} are meant"
    advice = "" if is_enough else f"raise the limit (`ulimit -Hn {needed}`), or lower `FOUNT_HTTP__CONNECTIONS`"
    yield Finding("files", is_well=is_enough or limit > FEWEST_FILES, detail=detail, advice=advice)


def check_shared_memory(case: Case) -> Iterator[Finding]:
    """Make what pixels are shared in, once."""
    num_bytes = case.settings.worker.slot_bytes
    if not hasattr(os, "memfd_create"):
        yield Finding("pixels", is_well=True, detail=f"shared by a file in {tempfile.gettempdir()}")
        return
    memory = os.memfd_create("fount-doctor")
    try:
        os.posix_fallocate(memory, 0, num_bytes)
    except OSError as error:
        advice = "give it more memory, or lower `FOUNT_WORKER__SLOT_BYTES`"
        detail = f"{_mib(num_bytes)} cannot be shared: {error.strerror}"
        yield Finding("pixels", is_well=False, detail=detail, advice=advice)
    else:
        yield Finding("pixels", is_well=True, detail="shared by memory without a name")
    finally:
        os.close(memory)


def check_temporary(_: Case) -> Iterator[Finding]:
    """Write a file where temporary ones go."""
    try:
        folder = tempfile.gettempdir()
        with tempfile.TemporaryFile() as file:
            file.write(b"fount")
    except OSError as error:
        advice = "set TMPDIR to a folder that may be written; in a container, `--tmpfs /tmp`"
        yield Finding("temporary", is_well=False, detail=f"no file can be made: {error.strerror}", advice=advice)
        return
    free = shutil.disk_usage(folder).free
    advice = "" if free >= TEMP_BYTES else "make room: exports and models on object storage pass through it"
    yield Finding("temporary", is_well=True, detail=f"{folder}, {_mib(free)} free", advice=advice)


def check_runs(_: Case) -> Iterator[Finding]:
    """Tell whether training could keep its runs here; serving needs none of it."""
    folder = Path("runs").resolve()
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(place, os.W_OK | os.X_OK):
        yield Finding("runs", is_well=True, detail=f"training keeps its runs in {folder}")
    else:
        advice = "train elsewhere, or with `--runs` on a folder that may be written; serving needs none"
        yield Finding("runs", is_well=True, detail=f"{place} may not be written", advice=advice)


def check_clock(_: Case) -> Iterator[Finding]:
    """Tell whether the time can be right; deadlines do not depend on it, dates in manifests and logs do."""
    now = read_clock()
    detail = now.isoformat(timespec="seconds")
    if now < BUILT:
        advice = "set the clock: certificates, logs and the dates of versions depend on it"
        yield Finding("clock", is_well=False, detail=f"{detail} is before Fount was made", advice=advice)
    else:
        yield Finding("clock", is_well=True, detail=detail)


def read_clock() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(dt.UTC)


def _gib(num_bytes: int) -> str:
    return f"{num_bytes / 2**30:.1f} GiB"


def _mib(num_bytes: int) -> str:
    return f"{num_bytes // MIB} MiB"
