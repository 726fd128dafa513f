"""A client that sends any bytes at any time, and reads whatever comes back."""

import contextlib
import json
import re
import socket
import struct
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

DEADLINE_S = 90.0
MAX_ANSWER_BYTES = 64 * 2**20

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9]{2}) [ -~]*")
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([ -~\x80-\xff\t]*?)[ \t]*")


class BrokenAnswerError(Exception):
    """What came back is no HTTP, or ended too soon."""


@dataclass(frozen=True)
class Answer:
    """One answer: its status, its fields with names in lower case, and its body."""

    status: int
    fields: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.fields)

    @property
    def status_code(self) -> int:
        return self.status

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def raw(self) -> bytes:
        """All that may hold an echo."""
        return repr(self.fields).encode() + self.body


class Wire:
    """One connection."""

    def __init__(
        self, host: str, port: int, *, timeout_s: float = DEADLINE_S, receive_bytes: int | None = None
    ) -> None:
        self._socket = socket.socket()
        if receive_bytes is not None:  # before connecting: the window is agreed upon then
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect((host, port))
        except OSError:
            self._socket.close()
            raise
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pending = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, *pieces: bytes) -> "Wire":
        """Send bytes; a peer that has closed is no error, for its answer may wait to be read."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                self._socket.sendall(piece)
        return self

    def drip(self, data: bytes, *, pause_s: float, size: int = 1) -> int:
        """Send bytes slowly until the peer closes or answers; return how many were sent."""
        for start in range(0, len(data), size):
            if self._wait_readable(pause_s):
                return start
            try:
                self._socket.sendall(data[start : start + size])
            except OSError:
                return start
        return len(data)

    def is_over(self) -> bool:
        """Tell whether something has come, or the peer has closed."""
        return bool(self._pending) or self._wait_readable(1e-6)

    def half_close(self) -> "Wire":
        """Say that nothing more will be sent."""
        with contextlib.suppress(OSError):  # reset already
            self._socket.shutdown(socket.SHUT_WR)
        return self

    def reset(self) -> None:
        """Leave without good-bye: the peer gets a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def receive(self, at_least: int = 1) -> bytes:
        """Return what came, as soon as there are so many bytes; fewer if the peer has closed."""
        while len(self._pending) < at_least and self._fill():
            pass
        taken, self._pending = self._pending, b""
        return taken

    def read_answer(self, *, is_head: bool = False) -> Answer:
        """Read one answer; informational ones before it are left out.

        Raises:
            BrokenAnswerError: If none comes, or no whole one.
        """
        while True:
            status, fields = self._read_head()
            if status >= 200:
                return Answer(status, fields, b"" if is_head or status in {204, 304} else self._read_body(dict(fields)))

    def read_all(self, limit: int = 1000) -> list[Answer]:
        """Read answers until the peer closes."""
        answers = []
        while len(answers) < limit and (self._pending or self._fill()):
            answers.append(self.read_answer())
        return answers

    def wait_closed(self, deadline_s: float = DEADLINE_S) -> float | None:
        """Drop what comes until the peer closes; return how long that took, or nothing if it did not in time."""
        started = time.monotonic()
        while (left := started + deadline_s - time.monotonic()) > 0:
            if not self._wait_readable(left):
                continue
            try:
                if not self._socket.recv(65536):
                    return time.monotonic() - started
            except OSError:
                return time.monotonic() - started
        return None

    def _wait_readable(self, seconds: float) -> bool:
        before = self._socket.gettimeout()
        self._socket.settimeout(max(seconds, 1e-6))
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self._socket.settimeout(before)
        return True

    def _fill(self) -> bool:
        try:
            piece = self._socket.recv(65536)
        except ConnectionResetError:
            return False
        self._pending += piece
        if len(self._pending) > MAX_ANSWER_BYTES:
            raise BrokenAnswerError("the answer does not end")
        return bool(piece)

    def _read_head(self) -> tuple[int, list[tuple[str, str]]]:
        first, *lines = self._read_until(b"\r\n\r\n").split(b"\r\n")
        found = _STATUS_LINE.fullmatch(first)
        parsed = [_FIELD.fullmatch(line) for line in lines]
        if found is None or not all(parsed):
            raise BrokenAnswerError(f"no head of an answer: {first[:80]!r} {lines[:20]!r}")
        return int(found[1]), [(one[1].decode().lower(), one[2].decode("latin-1")) for one in parsed]

    def _read_body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "") == "chunked":
            return b"".join(self._read_chunks())
        if "content-length" in headers:
            return self._read_exactly(int(headers["content-length"]))
        while self._fill():
            pass
        return self._read_exactly(len(self._pending))

    def _read_chunks(self) -> Iterable[bytes]:
        while size := int(self._read_until(b"\r\n"), 16):
            yield self._read_exactly(size)
            self._read_exactly(2)
        self._read_exactly(2)

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self._pending:
            if not self._fill():
                raise BrokenAnswerError(f"the connection ended after {self._pending[:80]!r}")
        taken, _, self._pending = self._pending.partition(mark)
        return taken

    def _read_exactly(self, size: int) -> bytes:
        while len(self._pending) < size:
            if not self._fill():
                raise BrokenAnswerError(f"{size - len(self._pending)} bytes of an answer are missing")
        taken, self._pending = self._pending[:size], self._pending[size:]
        return taken


def write_head(method: str, path: str, fields: Iterable[tuple[str, str | bytes]] = ()) -> bytes:
    """Write the head of a request, with whatever is given in it."""
    lines = [f"{method} {path} HTTP/1.1".encode("latin-1", "surrogateescape")]
    lines += [name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) for name, value in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"
