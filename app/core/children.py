"""What every child process of ours has in common: what it inherits, and that it ends with its parent."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from enum import IntEnum
from pathlib import Path

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_SETTINGS_PREFIX = "FOUNT_"  # a child is told its settings, and has no use for the service's keys
_PR_SET_PDEATHSIG = 1


class Expendability(IntEnum):
    """Which processes the system ends first when memory runs out, in thousandths of all memory; the API's own is 0.

    A decoder costs one upload, a worker some tenths of a second. The nursery costs its worker too, and more time.
    """

    NURSERY = 300
    WORKER = 500
    UPLOADS = 700


def child_environment(environment: Mapping[str, str], threads: int) -> dict[str, str]:
    """Build a child's environment: ours without our settings, our package importable, thread pools of one size."""
    inherited = {name: value for name, value in environment.items() if not name.startswith(_SETTINGS_PREFIX)}
    paths = [str(_PACKAGE_PARENT), *filter(None, [inherited.get("PYTHONPATH")])]
    return inherited | {
        "PYTHONPATH": os.pathsep.join(paths),
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
    }


def follow_parent() -> None:
    """Ignore the signals that end a service, and have Linux kill this process when the parent's thread ends.

    Signals meant for the service are the service's to handle: a child ends with it, and only with it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def leave_no_core() -> None:
    """Have no memory of this process and its children written to disk when they crash: it holds what callers sent."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def be_expendable(score: Expendability, file: Path = Path("/proc/self/oom_score_adj")) -> None:
    """Have Linux end this process before the API when memory runs out; where it cannot be told, it chooses by size."""
    with suppress(OSError, ValueError):
        if int(file.read_text(encoding="ascii")) < score:
            file.write_text(str(int(score)), encoding="ascii")
