"""Ray nodes as an operator starts them, two on one machine: each a process group, so that one can be killed whole."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Event

READY_WITHIN_S = 300
ENDED_WITHIN_S = 30
MORE_STARTS = 2
RAY = str(Path(sys.executable).with_name("ray"))
VARIABLES = {
    "OMP_NUM_THREADS": "1",
    "RAY_AUTH_MODE": "token",
    "RAY_SERVE_PROXY_PREFER_LOCAL_NODE_ROUTING": "0",  # one proxy in front of both nodes
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # by default Ray gives way to all others
}


class EndedTooSoonError(Exception):
    """A process ended before what it was started for; holds what it said."""


class Nodes:
    """A cluster on this machine.

    Attributes:
        environment: For those who use it.
    """

    def __init__(self, folder: Path, **variables: str) -> None:
        self._folder = folder
        self._address = f"127.0.0.1:{find_port()}"
        self.environment = (
            os.environ  # noqa: TID251 - the children's, not ours
            | VARIABLES
            | {"RAY_ADDRESS": self._address, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
            | variables
        )
        self._processes: list[subprocess.Popen[bytes]] = []

    def start_head(self) -> None:
        port = self._address.partition(":")[2]
        self._start("--head", f"--port={port}", f"--temp-dir={self._folder}", "--include-dashboard=false")

    def start_node(self) -> subprocess.Popen[bytes]:
        for _ in range(MORE_STARTS):  # Ray allows a node half a minute to come up, which a busy machine may not keep
            with contextlib.suppress(EndedTooSoonError):
                return self._start(f"--address={self._address}")
        return self._start(f"--address={self._address}")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """End all processes of a node at once, as a power failure does."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(ENDED_WITHIN_S)

    def stop(self) -> list[str]:
        """Kill all nodes; return what is left of them after a while."""
        for process in reversed(self._processes):
            self.kill(process)
        deadline, pause = time.monotonic() + ENDED_WITHIN_S, Event()
        while (left := self._list_processes()) and time.monotonic() < deadline:
            pause.wait(0.1)
        return left

    def _start(self, *options: str) -> subprocess.Popen[bytes]:
        command = [RAY, "start", "--block", "--num-cpus=1", "--object-store-memory=80000000", *options]
        log = self._folder / f"node-{len(self._processes)}.log"
        environment = {name: value for name, value in self.environment.items() if name != "RAY_ADDRESS"}
        with log.open("wb") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
        self._processes.append(process)
        wait_for(lambda: b"Ray runtime started" in log.read_bytes(), process, log)
        return process

    def _list_processes(self) -> list[str]:
        listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
        return [line for line in listed.splitlines() if str(self._folder) in line]


def wait_for(condition, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a condition holds, as long as the process runs."""
    deadline, pause = time.monotonic() + READY_WITHIN_S, Event()
    while not condition():
        said = log.read_text(encoding="utf-8", errors="replace")
        if process.poll() is not None:
            raise EndedTooSoonError(said)
        assert time.monotonic() < deadline, said
        pause.wait(0.02)


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
