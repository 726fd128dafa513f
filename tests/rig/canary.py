"""Asks a service every few milliseconds whether it lives, from a process of its own: load in a test costs it nothing.

Run as a script it is that process. It answers each line on standard input with what it saw since the line before.
"""

import dataclasses
import json
import select
import socket
import subprocess
import sys
import time
from typing import Self

INTERVAL_S = 0.02
TIMEOUT_S = 10.0
MAX_FAILURES = 20
REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
END_OF_HEAD = b"\r\n\r\n"
BODY = b'{"status":"alive"}'


@dataclasses.dataclass
class Report:
    """What was seen: how often it asked, the longest wait in seconds, when that was, and what was no good answer."""

    asked: int = 0
    worst_s: float = 0.0
    worst_at: float = 0.0
    failures: list[str] = dataclasses.field(default_factory=list)


class Canary:
    """Watches a service until its block ends.

    Args:
        host: Where the service is.
        port: Of the service.
    """

    def __init__(self, host: str, port: int) -> None:
        self._command = [sys.executable, "-I", __file__, host, str(port)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(TIMEOUT_S)
        self._process.stdout.close()

    def take(self) -> Report:
        """Return what it saw since it was asked before; a question that is still open counts as far as it has come."""
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return Report(**json.loads(self._process.stdout.readline()))


class _Prober:
    """The loop of the canary's process."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._connection: socket.socket | None = None
        self.report = Report()

    def ask(self) -> None:
        started = time.monotonic()
        try:
            failure = self._ask_once()
        except (OSError, ValueError) as error:
            failure = f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - started
        self.report.asked += 1
        if seconds > self.report.worst_s:
            self.report.worst_s, self.report.worst_at = seconds, time.time()
        if failure:
            self._leave()
            self.report.failures = [*self.report.failures, failure][:MAX_FAILURES]

    def _ask_once(self) -> str:
        if self._connection is None or select.select([self._connection], [], [], 0)[0]:  # closed: nothing is expected
            self._leave()
            self._connection = socket.create_connection(self._address, TIMEOUT_S)
            self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection.sendall(REQUEST)
        answer = b""
        while not answer.endswith(BODY):
            piece = self._connection.recv(4096)
            if not piece:
                return f"closed after {answer[:40]!r}"
            answer += piece
            if END_OF_HEAD in answer and not answer.startswith(b"HTTP/1.1 200 "):
                return answer[:40].decode("latin-1")
        return ""

    def _leave(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def main() -> None:
    """Ask until standard input ends."""
    prober = _Prober(sys.argv[1], int(sys.argv[2]))
    while True:
        if select.select([sys.stdin], [], [], INTERVAL_S)[0]:
            if not sys.stdin.readline():
                return
            prober.ask()
            sys.stdout.write(json.dumps(dataclasses.asdict(prober.report)) + "\n")
            sys.stdout.flush()
            prober.report = Report()
        prober.ask()


if __name__ == "__main__":
    main()
