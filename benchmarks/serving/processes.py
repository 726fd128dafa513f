"""Servers as processes of ours: started, watched, and ended with everything that they started themselves.

Some servers start daemons that outlive them. Every descendant carries a mark in its environment; those that have lost
it are found through their parents.
"""

import contextlib
import dataclasses
import os
import secrets
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

MARK = "BENCH_MARK"  # not of the settings of Fount, which refuses those it does not know
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")
_MIB = 2**20
_END_S = 10.0


@dataclasses.dataclass(frozen=True)
class Usage:
    """What processes have used so far, and hold now; memory that several share is shared out among them."""

    cpu_s: float
    memory_mib: float
    processes: int


@dataclasses.dataclass(frozen=True)
class _Stat:
    parent: int
    started: int
    cpu_s: float
    resident_bytes: int


class Server:
    """A running server and its descendants.

    Attributes:
        port: Where it listens, on loopback.
        start_s: From its start to its first answer.
        pid: Of the process that was started.
    """

    def __init__(self, pid: int, port: int, mark: str) -> None:
        self.pid = pid
        self.port = port
        self.start_s = 0.0
        self._mark = f"{MARK}={mark}".encode()
        self._known: dict[int, int] = {}  # with the time each started, since numbers are used again

    def usage(self) -> Usage:
        """Add up what all its processes use."""
        stats = self.list_processes()
        return Usage(
            sum(stat.cpu_s for stat in stats.values()),
            sum(_read_share(pid) for pid in stats) / _MIB,
            len(stats),
        )

    def list_processes(self) -> dict[int, _Stat]:
        """Find it and its descendants."""
        stats = _read_stats()
        ours = {pid for pid, stat in stats.items() if self._known.get(pid) == stat.started or self._is_marked(pid)}
        while found := {pid for pid, stat in stats.items() if stat.parent in ours and pid not in ours}:
            ours |= found
        self._known = {pid: stats[pid].started for pid in ours}
        return {pid: stats[pid] for pid in ours}

    def resident_mib(self, pid: int | None = None) -> float:
        """Return the resident memory of one process; by default of the one that was started."""
        stat = _read_stat(_PROC / str(pid or self.pid))
        return stat.resident_bytes / _MIB if stat else 0.0

    def _is_marked(self, pid: int) -> bool:
        try:
            return self._mark in (_PROC / str(pid) / "environ").read_bytes()
        except OSError:
            return False


@contextlib.contextmanager
def run_server(
    command: Callable[[int], list[str]],
    *,
    environment: Mapping[str, str],
    is_ready: Callable[[int], bool],
    deadline_s: float = 120.0,
) -> Iterator[Server]:
    """Start a server, wait until it answers, and end it and all its descendants on the way out.

    Args:
        command: Makes the command line, given a free port.
        environment: Added to this process's.
        is_ready: Asks the server on a port, and says whether it answers right.
        deadline_s: How long it may take to start.

    Raises:
        RuntimeError: If it ends or does not answer in time; holds the end of its log.
    """
    port, mark = _choose_port(), secrets.token_hex(8)
    inherited = dict(os.environ)  # noqa: TID251 - passed on, not read
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            command(port),
            env=inherited | dict(environment) | {MARK: mark},
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        server = Server(process.pid, port, mark)
        try:
            while not is_ready(port):
                if process.poll() is not None or time.perf_counter() - began > deadline_s:
                    log.seek(0)
                    raise RuntimeError(log.read()[-1000:].decode(errors="replace"))
                time.sleep(0.02)
            server.start_s = time.perf_counter() - began
            yield server
        finally:
            _end(server, process)


def busy_seconds() -> float:
    """Return the CPU time that the whole machine has spent, in seconds."""
    fields = [int(field) for field in (_PROC / "stat").read_text("ascii").partition("\n")[0].split()[1:9]]
    idle, waiting = fields[3], fields[4]
    return (sum(fields) - idle - waiting) / _TICKS


def own_cpu_seconds() -> float:
    """Return the CPU time of this process."""
    return time.process_time()


def _end(server: Server, process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; what remains after that is killed."""
    server.list_processes()
    process.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_END_S)
    for pid in server.list_processes():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()
    deadline = time.perf_counter() + _END_S
    while server.list_processes() and time.perf_counter() < deadline:
        time.sleep(0.02)  # they take no more time from what is measured next


def _choose_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _read_stats() -> dict[int, _Stat]:
    found = {int(entry.name): _read_stat(entry) for entry in _PROC.iterdir() if entry.name.isdigit()}
    return {pid: stat for pid, stat in found.items() if stat is not None}


def _read_share(pid: int) -> int:
    """Return what a process holds, in bytes: a page that n of them share counts for 1/n in each; 0 if it is gone."""
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    line = next((line for line in text.splitlines() if line.startswith("Pss:")), "Pss: 0 kB")
    return int(line.split()[1]) * 1024


def _read_stat(folder: Path) -> _Stat | None:
    """Read a process; None if it is gone, or dead."""
    try:
        text = (folder / "stat").read_text("latin-1")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # a name may hold anything, even spaces
    state, parent, user, system, resident = fields[0], fields[1], fields[11], fields[12], fields[21]
    if state == "Z":
        return None
    started = int(fields[19])
    return _Stat(int(parent), started, (int(user) + int(system)) / _TICKS, int(resident) * _PAGE)
