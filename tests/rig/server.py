"""A service that runs: one started here in a process of its own, or one that runs somewhere already."""

import collections
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from tests.rig.processes import find_descendants, read_command

DEADLINE_S = 60
KEPT_LINES = 10_000
QUICK = {"FOUNT_LOG__FORMAT": "json", "FOUNT_REPOSITORY__POLL_INTERVAL_S": "0.1"}
VARIABLES = os.environ  # noqa: TID251 - what a child inherits, and where the kit is told of a service
RUNNING_URL = VARIABLES.get("FOUNT_TEST_URL", "").rstrip("/")
"""A service that runs already: the kit asks that one, and starts none."""


class Target:
    """Where a service answers.

    Args:
        url: Its address, without a slash at the end.

    Attributes:
        host: Of the address.
        port: Of the address.
    """

    def __init__(self, url: str) -> None:
        parsed = httpx.URL(url)
        self.url = url
        self.host = parsed.host
        self.port = parsed.port or 80

    @property
    def pid(self) -> int:
        """Its process; a test that asks for that of a service which runs elsewhere is skipped."""
        return pytest.skip("needs the process of the service, which runs elsewhere (FOUNT_TEST_URL)")

    def open_client(self, **options) -> httpx.Client:
        return httpx.Client(base_url=self.url, trust_env=False, timeout=DEADLINE_S, **options)


class Service(Target):
    """A service in a process of its own, and the lines that it logged.

    Args:
        arguments: For ``fount serve``.
        cwd: Its working directory.
        variables: Settings for its environment.
    """

    def __init__(self, *arguments, cwd: Path | None = None, **variables) -> None:
        command = [sys.executable, "-m", "app", "serve", "--port", "0", "--threads", "1", *arguments]
        inherited = {name: value for name, value in VARIABLES.items() if not name.startswith("FOUNT_TEST_")}
        self.process = subprocess.Popen(
            command, env=inherited | QUICK | variables, cwd=cwd, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        self._lines = collections.deque(maxlen=KEPT_LINES)
        self._num_read = self._num_logged = 0
        self._more = threading.Condition()
        self._is_over = False
        threading.Thread(target=self._read, daemon=True).start()
        super().__init__(self.wait_for(r"serves on (http://\S+)"))

    @property
    def pid(self) -> int:
        return self.process.pid

    def _read(self) -> None:
        for line in self.process.stderr:
            with self._more:
                self._lines.append(line)
                self._num_logged += 1
                self._more.notify_all()
        self.process.stderr.close()
        with self._more:
            self._is_over = True
            self._more.notify_all()

    def wait_for(self, pattern: str, deadline_s: float = DEADLINE_S) -> str:
        """Wait for a line of the log behind those waited for before; return what its first group holds."""
        deadline = time.monotonic() + deadline_s
        with self._more:
            while True:
                for line in self._take_unread():
                    found = re.search(pattern, line)
                    if found:
                        return found[1] if found.re.groups else found[0]
                if self._is_over or not self._more.wait(max(deadline - time.monotonic(), 0)):
                    raise TimeoutError(f"no line like {pattern!r} came; the last ones:\n" + "".join(self.last_lines()))

    def _take_unread(self):
        while self._num_read < self._num_logged:
            behind = self._num_logged - self._num_read
            self._num_read += 1
            if behind <= len(self._lines):
                yield self._lines[-behind]

    def last_lines(self, count: int = 20) -> list[str]:
        return list(self._lines)[-count:]

    @property
    def num_logged(self) -> int:
        """How many lines it has written."""
        return self._num_logged

    def lines(self) -> list[str]:
        """All lines that are kept, oldest first."""
        with self._more:
            return list(self._lines)

    def wait_ready(self) -> None:
        """Wait until it answers for samples.

        Raises:
            TimeoutError: If it does not become ready.
        """
        deadline = time.monotonic() + DEADLINE_S
        with self.open_client() as client:
            while client.get("/readyz").status_code != httpx.codes.OK:
                if time.monotonic() > deadline:
                    raise TimeoutError("the service is not ready:\n" + "".join(self.last_lines()))
                time.sleep(0.02)

    def stop(self) -> int:
        """Ask it to end; return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(DEADLINE_S)


@contextlib.contextmanager
def serve(root: Path | str, *arguments, cwd: Path | None = None, **variables):
    """Serve the models under ``root`` until the block ends."""
    service = Service("--repository", str(root), *arguments, cwd=cwd, **variables)
    try:
        yield service
    finally:
        service.kill()


def find_worker(service: Target) -> int:
    """Return the process that computes samples: the last one down the line that was started as a worker."""
    return [child for child in find_descendants(service.pid) if "app.worker" in read_command(child)][-1]


def read_gauge(client: httpx.Client, name: str) -> float:
    """Read a figure without labels from ``/metrics``."""
    return float(re.search(rf"^{name} (\S+)$", client.get("/metrics").text, re.MULTILINE)[1])


def wait_until(holds, deadline_s: float = DEADLINE_S, pause_s: float = 0.01) -> bool:
    """Wait until a condition holds; tell whether it did in time."""
    deadline = time.monotonic() + deadline_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True
