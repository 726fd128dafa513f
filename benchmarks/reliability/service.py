"""The service under test: a process of its own on a free port, with a log that can be read while it runs."""

import contextlib
import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from serving.processes import MARK, Server

START_S = 120.0
END_S = 60.0
_QUICK = {"FOUNT_LOG__FORMAT": "json", "FOUNT_REPOSITORY__POLL_INTERVAL_S": "0.2"}
_ADDRESS = re.compile(rb"serves on http://[^\s:]+:(\d+)")


class Service:
    """One life of the service.

    Attributes:
        process: The API process.
        port: Where it listens, on loopback.
        log: The file it logs to.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path, mark: str) -> None:
        self.process = process
        self.log = log
        self.port = 0
        self._mark = mark
        self._read = 0
        self._rest = b""
        self._events: list[dict[str, Any]] = []
        self._server = Server(process.pid, 0, mark)

    @property
    def pid(self) -> int:
        """Number of the API process."""
        return self.process.pid

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the lines that it logged under a name so far; lines of requests are not kept."""
        with self.log.open("rb") as file:
            file.seek(self._read)
            added = file.read()
        self._read += len(added)
        *lines, self._rest = (self._rest + added).split(b"\n")
        for line in lines:
            if found := _ADDRESS.search(line):
                self.port = int(found[1])
            elif line.startswith(b"{") and b'"event": "request"' not in line:
                self._events.append(json.loads(line))
        return [event for event in self._events if event.get("event") == name]

    def worker(self) -> int:
        """Return the number of the worker that was ready last; 0 before there was one."""
        ready = self.events("worker-ready")
        return int(ready[-1]["pid"]) if ready else 0

    def descendants(self) -> dict[int, str]:
        """Find all its processes but itself, with the module that each runs; dead ones are left out."""
        pids = self._server.list_processes().keys() - {self.pid}
        return {pid: module for pid in pids if (module := read_module(pid))}

    def wait_for(self, condition: Callable[[], Any], what: str, deadline_s: float = END_S) -> Any:
        """Wait until a condition is true, and return what it gave.

        Raises:
            TimeoutError: If that takes longer than ``deadline_s``.
        """
        return wait_for(condition, what, deadline_s)

    def is_ready(self) -> bool:
        """Ask whether samples can be asked for."""
        return self.get("/readyz") == http.HTTPStatus.OK

    def get(self, path: str) -> int:
        """Ask on a new connection; returns the status, 0 where there is no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=END_S)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def stop(self) -> int:
        """Ask it to end; returns its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_S)

    def kill(self) -> None:
        """End it and all its processes at once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(END_S)
        for pid in self._server.list_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def run_service(
    repository: Path, folder: Path, settings: Mapping[str, str] | None = None, *, prefix: tuple[str, ...] = ()
) -> Iterator[Service]:
    """Start the service and wait until it is ready; whatever is left of it is killed on the way out.

    Args:
        repository: Its models.
        folder: For its log.
        settings: Environment variables.
        prefix: A command that runs it.

    Raises:
        RuntimeError: If it does not start in time; holds the end of its log.
    """
    mark = secrets.token_hex(8)
    log = folder / f"service-{mark}.log"
    command = [*prefix, sys.executable, "-m", "app", "serve", "--port", "0", "--repository", str(repository)]
    environment = dict(os.environ) | _QUICK | dict(settings or {}) | {MARK: mark}  # noqa: TID251 - passed on, not read
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
    service = Service(process, log, mark)
    try:
        _await_start(service)
        yield service
    finally:
        service.kill()
        log.unlink()


def _await_start(service: Service) -> None:
    def is_up() -> bool:
        if service.process.poll() is not None:
            raise RuntimeError(service.log.read_bytes()[-2000:].decode(errors="replace"))
        service.events("worker-ready")
        return bool(service.port) and service.is_ready()

    try:
        wait_for(is_up, "the service is ready", START_S)
    except TimeoutError as error:
        raise RuntimeError(service.log.read_bytes()[-2000:].decode(errors="replace")) from error


def wait_for(condition: Callable[[], Any], what: str, deadline_s: float, every_s: float = 0.01) -> Any:
    """Wait until a condition is true, and return what it gave.

    Raises:
        TimeoutError: If that takes longer than ``deadline_s``.
    """
    deadline = time.perf_counter() + deadline_s
    while not (found := condition()):
        if time.perf_counter() > deadline:
            raise TimeoutError(f"not within {deadline_s:g} s: {what}")
        time.sleep(every_s)
    return found


def read_module(pid: int) -> str:
    """Return the module that a Python process runs, else its command line; nothing if it is gone."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    return words[words.index("-m") + 1] if "-m" in words[:-1] else " ".join(words).strip()
