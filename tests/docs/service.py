"""A service as a user starts it: a process of its own, on a free port."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from urllib.error import URLError

READY_WITHIN_S = 60
STOPPED_WITHIN_S = 40
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def served(folder: Path, log: Path) -> Iterator[int]:
    """Run ``fount serve`` from ``folder`` until the block ends; yields its port once it is ready."""
    port = _free_port()
    command = [sys.executable, "-m", "app", "serve", "--port", str(port)]
    with log.open("wb") as stderr, subprocess.Popen(command, cwd=folder, stdout=stderr, stderr=stderr) as process:
        try:
            _wait_until_ready(process, port, log)
            yield port
        finally:
            process.terminate()
            try:
                process.wait(STOPPED_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline, pause = time.monotonic() + READY_WITHIN_S, Event()
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with DIRECT.open(f"http://127.0.0.1:{port}/readyz", timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            pause.wait(0.05)
    raise AssertionError(f"the service did not become ready:\n{log.read_text(encoding='utf-8', errors='replace')}")
