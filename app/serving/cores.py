"""How many cores this process may use: the scheduler's mask, cut by a container's quota."""

import os
from pathlib import Path

_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")


def count_cores(quota_file: Path = _QUOTA_FILE) -> int:
    """Return the number of cores that computing threads can keep busy.

    Args:
        quota_file: The container's CPU quota, as control groups (version 2) show it.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _read_quota(quota_file)
    return allowed if quota is None else min(allowed, quota)


def _read_quota(quota_file: Path) -> int | None:
    try:
        quota, period = quota_file.read_text(encoding="ascii").split()
        return max(1, round(int(quota) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return None  # no control group, or "max": no quota
