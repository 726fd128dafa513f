"""A core that is the worker's alone, as a device would be; all else shares the others."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from reliability.service import Service

_WORKER = "app.worker"


def give_worker_a_core(service: Service) -> bool:
    """Let the worker run on the first core only, and this process, the service and what they start on the others.

    Returns:
        Whether there is more than one core; else nothing is changed.
    """
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        return False
    descendants = service.descendants()
    workers = [pid for pid, module in descendants.items() if module.startswith(_WORKER)]
    rest = [os.getpid(), service.pid, *(descendants.keys() - set(workers))]
    _pin(rest, others)
    _pin(workers, [first])
    return True


def _pin(pids: Iterable[int], cores: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(OSError):  # it is gone
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)
