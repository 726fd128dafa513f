"""What the service's processes hold: memory, file descriptors and threads, sampled while something else happens."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, TypeAlias

from reliability.report import Bar, at_most
from reliability.service import Service

Role: TypeAlias = Literal["api", "worker", "children"]
ROLES: tuple[Role, ...] = ("api", "worker", "children")
REST_S = 1.0
_WORKER = "app.worker"
_MAX_GROWTH = 16  # descriptors and threads that come with pools, caches and a worker's start
_PROC = Path("/proc")
_MIB = 2**20


@dataclasses.dataclass(frozen=True)
class Usage:
    """What processes of one role hold together; memory in MiB.

    Attributes:
        rss: All that is in memory, with what others hold as well.
        own: Heaps and buffers, shared out among the service's processes that share them. Pages of files are left out:
            a library's count falls and rises with the other programs of the machine that use it.
        shared: The part of ``own`` that is a buffer between processes.
        descriptors: Open files.
        threads: Running.
        processes: How many.
    """

    rss: float = 0.0
    own: float = 0.0
    shared: float = 0.0
    descriptors: int = 0
    threads: int = 0
    processes: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        ours, theirs = dataclasses.astuple(self), dataclasses.astuple(other)
        return Usage(*(one + two for one, two in zip(ours, theirs, strict=True)))


def look(service: Service) -> dict[Role, Usage]:
    """Add up what the processes of each role hold now."""
    found: dict[Role, Usage] = {role: Usage() for role in ROLES}
    found["api"] = _read(service.pid)
    for pid, module in service.descendants().items():
        role: Role = "worker" if module.startswith(_WORKER) else "children"
        found[role] += _read(pid)
    return found


class Watch:
    """Samples of a service over time.

    Attributes:
        samples: Pairs of seconds since the start, and what each role held then.
    """

    def __init__(self, service: Service, every_s: float = 1.0) -> None:
        self.samples: list[tuple[float, dict[Role, Usage]]] = []
        self._service = service
        self._every_s = every_s
        self._began = time.perf_counter()
        self._over = threading.Event()

    @contextlib.contextmanager
    def watching(self) -> Iterator["Watch"]:
        """Sample meanwhile, and once at rest before and after."""
        self.sample()
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()
            time.sleep(REST_S)
            self.sample()

    def sample(self) -> None:
        """Look once."""
        self.samples.append((time.perf_counter() - self._began, look(self._service)))

    def bars(self) -> list[Bar]:
        """Set the bars: what the API process has open at rest does not grow."""
        first, last = self.samples[0][1]["api"], self.samples[-1][1]["api"]
        return [
            at_most("growth of file descriptors of the API", last.descriptors - first.descriptors, _MAX_GROWTH),
            at_most("growth of threads of the API", last.threads - first.threads, _MAX_GROWTH),
        ]

    def figures(self) -> dict[str, Any]:
        """Return what each role held at the start, at the end and at most."""
        return {
            role: {
                "memory_mib": self._spread(role, "own"),
                "descriptors": self._spread(role, "descriptors"),
                "threads": self._spread(role, "threads"),
            }
            for role in ROLES
            if any(sample[role].processes for _, sample in self.samples)
        }

    def _spread(self, role: Role, name: str) -> dict[str, float]:
        values = [getattr(sample[role], name) for _, sample in self.samples]
        return {"first": round(values[0], 1), "last": round(values[-1], 1), "most": round(max(values), 1)}

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            self.sample()


def _read(pid: int) -> Usage:
    """Read one process; nothing if it is gone meanwhile."""
    folder = _PROC / str(pid)
    try:
        memory = _read_fields(folder / "smaps_rollup")
        status = _read_fields(folder / "status")
        descriptors = sum(1 for _ in (folder / "fd").iterdir())
    except OSError:
        return Usage()
    return Usage(
        rss=memory.get("Rss", 0) * 1024 / _MIB,
        own=(memory.get("Pss_Anon", 0) + memory.get("Pss_Shmem", 0)) * 1024 / _MIB,
        shared=memory.get("Pss_Shmem", 0) * 1024 / _MIB,
        descriptors=descriptors,
        threads=status.get("Threads", 0),
        processes=1,
    )


def _read_fields(path: Path) -> dict[str, int]:
    """Read lines of a name and a number."""
    fields = {}
    for line in path.read_text("utf-8", "replace").splitlines():
        name, _, rest = line.partition(":")
        number = rest.split()[0] if rest.split() else ""
        if number.isdigit():
            fields[name] = int(number)
    return fields
