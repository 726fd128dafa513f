"""Connections that want nothing good: idle ones, heads and uploads that drip, answers that nobody reads.

``python -m reliability.strangers PORT MODEL COUNT`` holds them, and opens new ones for those that are closed, until its
standard input is closed; then it waits for the service to close all that are left. Prints how long each kind was kept.
"""

import collections
import contextlib
import json
import select
import selectors
import socket
import sys
import time
from collections.abc import Iterable

COUNTS = {"idle": 1000, "slow-head": 100, "slow-body": 50, "slow-upload": 50, "no-reader": 5}
TOTAL = sum(COUNTS.values())
DRIP_S = 1.0
READ_AFTER_S = 40.0
WAITED_FOR = "no-reader that was waited for"
LAST_S = 90.0
_TURN_S = 0.05
_PIECE_BYTES = 2**16
_SMALL_BUFFER = 4096
_MANY = 20_000
_ALL_BYTES = 10 * 2**20  # fewer than the answer has, and more than buffers hold
_LONG = 10_000
_HOST = "Host: 127.0.0.1\r\n"


class Stranger:
    """One connection.

    Attributes:
        kind: What it does.
        opened: When it began.
    """

    def __init__(self, kind: str, port: int, model: str) -> None:
        self.kind = kind
        self.socket = socket.socket()
        if kind == "no-reader":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BUFFER)
        self.socket.settimeout(5)
        self.socket.connect(("127.0.0.1", port))
        self.opened = time.perf_counter()
        self._due = self.opened
        self._received = 0
        self.socket.sendall(_begin(kind, model))
        self.socket.setblocking(False)

    def drip(self, now: float) -> None:
        """Send one more byte, where this is a slow one and it is time."""
        if self.kind.startswith("slow-") and now >= self._due:
            self._due = now + DRIP_S
            with contextlib.suppress(OSError):
                self.socket.send(b"a")

    def is_closed(self, now: float) -> bool:
        """Whether the service has closed it.

        One that does not read learns of that only when it reads what is left in the buffers; it does so long after it
        should have been closed. Where all of the answer comes then, the service has waited for it.
        """
        if self.kind == "no-reader" and now < self.opened + READ_AFTER_S:
            return False
        try:
            while piece := self.socket.recv(_PIECE_BYTES):
                self._received += len(piece)
        except BlockingIOError:
            return False
        except OSError:
            return True
        if self._received > _ALL_BYTES:
            self.kind = WAITED_FOR
        return True


class Strangers:
    """All of them.

    Attributes:
        kept: By kind, how long the service kept each that it closed, in seconds.
        refused: Connections that could not be opened.
    """

    def __init__(self, port: int, model: str) -> None:
        self.kept: dict[str, list[float]] = collections.defaultdict(list)
        self.refused = 0
        self._port = port
        self._model = model
        self._selector = selectors.DefaultSelector()
        self._open: dict[int, Stranger] = {}

    def __len__(self) -> int:
        return len(self._open)

    def open(self, kinds: Iterable[str]) -> None:
        """Open connections."""
        for kind in kinds:
            try:
                stranger = Stranger(kind, self._port, self._model)
            except OSError:
                self.refused += 1
                continue
            if kind != "no-reader":
                self._selector.register(stranger.socket, selectors.EVENT_READ, stranger)
            self._open[stranger.socket.fileno()] = stranger

    def turn(self) -> list[str]:
        """Look at all once, and let the slow ones drip; returns the kinds of those that were closed."""
        now = time.perf_counter()
        for stranger in self._open.values():
            stranger.drip(now)
        waiting = [key.data for key, _ in self._selector.select(0)]
        waiting += [one for one in self._open.values() if one.kind == "no-reader"]
        closed = [(one.kind, one) for one in waiting if one.is_closed(now)]
        for kind, stranger in closed:
            self.kept[stranger.kind].append(now - stranger.opened)
            self._open.pop(stranger.socket.fileno())
            if kind != "no-reader":
                self._selector.unregister(stranger.socket)
            stranger.socket.close()
        return [kind for kind, _ in closed]


def main() -> None:
    """Hold connections until standard input is closed, then until the service has closed them."""
    port, model, total = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    strangers = Strangers(port, model)
    strangers.open(kind for kind, count in COUNTS.items() for _ in range(-(-count * total // TOTAL)))
    print(len(strangers), flush=True)
    while not select.select([sys.stdin], [], [], _TURN_S)[0]:
        strangers.open(strangers.turn())
    deadline = time.perf_counter() + LAST_S
    while len(strangers) and time.perf_counter() < deadline:
        strangers.turn()
        time.sleep(_TURN_S)
    kept = {kind: [len(times), round(max(times), 1)] for kind, times in strangers.kept.items()}
    print(json.dumps({"kept": kept, "left": len(strangers), "refused": strangers.refused}))


def _begin(kind: str, model: str) -> bytes:
    """Return what a connection sends first."""
    post = f"POST /v1/samples HTTP/1.1\r\n{_HOST}Content-Type: application/json\r\n"
    match kind:
        case "slow-head":
            return f"GET /livez HTTP/1.1\r\n{_HOST}X-Slow: a".encode()
        case "slow-body":
            return f"{post}Content-Length: {_LONG}\r\n\r\n".encode() + b'{"model": "'
        case "slow-upload":
            head = f"POST /v1/verifications HTTP/1.1\r\n{_HOST}Content-Type: multipart/form-data; boundary=b\r\n"
            part = '--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
            return f"{head}Content-Length: {_LONG}\r\n\r\n{part}".encode()
        case "no-reader":
            body = json.dumps({"model": model, "num_samples": _MANY, "format": "npy", "seed": 1})
            return f"{post}Content-Length: {len(body)}\r\n\r\n{body}".encode()
        case _:
            return b""


if __name__ == "__main__":
    main()
