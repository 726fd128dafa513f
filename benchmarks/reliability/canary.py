"""Asks whether the service is alive every 20 ms, on a connection of its own, until its standard input is closed.

A process of its own, and of the standard library alone: it must not wait for those who make the load. Prints JSON.
"""

import contextlib
import json
import os
import select
import socket
import sys
import time

INTERVAL_S = 0.02
SLOW_S = 0.25
PATIENCE_S = 30.0
MAX_TOLD = 20
_ASKED = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Canary:
    """One connection that asks again and again.

    Attributes:
        seconds: How long each answer took.
        slow: When answers took too long, in seconds since the start, and how long they took.
        broken: Questions that got no answer, or a wrong one.
    """

    def __init__(self, port: int) -> None:
        self.seconds: list[float] = []
        self.slow: list[tuple[float, float]] = []
        self.broken = 0
        self._port = port
        self._began = time.perf_counter()
        self._socket: socket.socket | None = None

    def run(self) -> None:
        """Ask until standard input is closed or nobody listens any more."""
        due = time.perf_counter()
        while not select.select([sys.stdin], [], [], max(0.0, due - time.perf_counter()))[0]:
            due = max(due + INTERVAL_S, time.perf_counter())
            try:
                self._ask()
            except ConnectionRefusedError:
                return
            except (OSError, ValueError):
                self._drop()
                self.broken += 1

    def summary(self) -> dict[str, object]:
        """Return what was seen; times in milliseconds."""
        ordered = sorted(self.seconds) or [0.0]
        return {
            "asked": len(self.seconds) + self.broken,
            "broken": self.broken,
            "p50_ms": 1000 * ordered[len(ordered) // 2],
            "p99_ms": 1000 * ordered[int(0.99 * (len(ordered) - 1))],
            "worst_ms": 1000 * ordered[-1],
            "slow": [[round(at, 2), round(1000 * seconds)] for at, seconds in self.slow[:MAX_TOLD]],
            "num_slow": len(self.slow),
        }

    def _ask(self) -> None:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        self._socket.sendall(_ASKED)
        answer = b""
        while b"alive" not in answer:
            piece = self._socket.recv(4096)
            if not piece:
                raise ConnectionError("closed")
            answer += piece
        seconds = time.perf_counter() - began
        self.seconds.append(seconds)
        if seconds > SLOW_S:
            self.slow.append((began - self._began, seconds))
        if b"connection: close" in answer.lower():
            self._drop()

    def _drop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


if __name__ == "__main__":
    with contextlib.suppress(OSError):
        os.nice(-5)  # where that is allowed: what is measured is the service, not how the cores are shared
    canary = Canary(int(sys.argv[1]))
    canary.run()
    print(json.dumps(canary.summary()))
