"""Processes as the kernel shows them under /proc: who started whom, and what they hold."""

import os
import socket
import threading
from pathlib import Path
from typing import Self

MIB = 2**20
SAMPLE_EVERY_S = 0.02


def find_descendants(pid: int) -> list[int]:
    """Return all processes below one: children before their children, older ones first."""
    found, level = [], [pid]
    while level:
        level = [child for parent in level for child in _find_children(parent)]
        found += level
    return found


def _find_children(pid: int) -> list[int]:
    children = []
    for task in _list(Path(f"/proc/{pid}/task")):  # a child belongs to the thread that started it
        try:
            children += map(int, (task / "children").read_text(encoding="ascii").split())
        except OSError:
            continue
    return sorted(children)


def read_command(pid: int) -> str:
    """Return the command line of a process; nothing once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def count_files(pid: int) -> int:
    """Count the file descriptors that a process has open."""
    return len(_list(Path(f"/proc/{pid}/fd")))


def count_threads(pid: int) -> int:
    return len(_list(Path(f"/proc/{pid}/task")))


def read_cpu_s(pid: int) -> float:
    """Return how long a process has computed, without its children."""
    behind_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(behind_name[11]) + int(behind_name[12])) / os.sysconf("SC_CLK_TCK")


def read_resident_bytes(pid: int) -> int:
    """Return the memory of a process that is its own; none once it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    return sum(1024 * int(fields[name].split()[0]) for name in ("RssAnon", "RssShmem") if name in fields)


def read_tree_bytes(pid: int) -> int:
    """Return the memory of a process and of all below it."""
    return sum(map(read_resident_bytes, [pid, *find_descendants(pid)]))


def find_peers(pid: int) -> list[tuple[str, int]]:
    """Return the addresses that a process or one below it is connected to over TCP, loopback left out."""
    inodes = set()
    for process in (pid, *find_descendants(pid)):
        for link in _list(Path(f"/proc/{process}/fd")):
            try:
                inodes.add(str(link.readlink()).removeprefix("socket:[").removesuffix("]"))
            except OSError:
                continue
    table = Path(f"/proc/{pid}/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    rows = [line.split() for line in table]
    peers = [_parse_address(row[2]) for row in rows if row[9] in inodes]
    return [peer for peer in peers if peer[1] and not peer[0].startswith("127.")]


def _parse_address(text: str) -> tuple[str, int]:
    address, port = text.split(":")
    return socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)


def _list(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


class MemoryProbe:
    """Follows the memory of a process and of all below it, until its block ends.

    Attributes:
        before: Bytes at the beginning.
        peak: Most bytes seen since.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.before = self.peak = 0

    def __enter__(self) -> Self:
        self.before = self.peak = read_tree_bytes(self._pid)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        self._look()

    @property
    def growth(self) -> int:
        """By how many bytes it grew, at the most."""
        return self.peak - self.before

    def _follow(self) -> None:
        while not self._is_over.wait(SAMPLE_EVERY_S):
            self._look()

    def _look(self) -> None:
        self.peak = max(self.peak, read_tree_bytes(self._pid))
