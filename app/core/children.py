"""What every child process of ours has in common: what it inherits, and that it ends with its parent."""

import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

_PACKAGE_PARENT = Path(__file__).resolve().parents[2]
_SETTINGS_PREFIX = "FOUNT_"  # a child is told its settings, and has no use for the service's keys
_PR_SET_PDEATHSIG = 1


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
