"""A closed loop of HTTP requests: so many connections, each asking again as soon as it is answered.

One thread around ``epoll``, without a framework, since it takes its time from the cores that it measures.
"""

import collections
import dataclasses
import select
import socket
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from serving.answers import Answer

OK = 200
_BUFFER_BYTES = 2**20
_SEED_DIGITS = 12
SEED_MARK = b"9" * _SEED_DIGITS


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked for again and again.

    Where the body holds ``SEED_MARK``, every request gets another number in its place.
    """

    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    method: str = "POST"

    def render(self) -> bytes:
        """Write it as HTTP/1.1."""
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


@dataclasses.dataclass(frozen=True)
class Group:
    """Connections that ask for the same.

    ``min_bytes`` is the least that a right answer has; a shorter one counts as failed.
    """

    name: str
    request: Request
    clients: int
    samples: int
    min_bytes: int = 0


@dataclasses.dataclass
class Tally:
    """What a group got while it was measured; times are in seconds, in the order in which answers ended."""

    samples: int = 0
    failures: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    seconds: float = 0.0
    latencies: list[float] = dataclasses.field(default_factory=list)
    first_bytes: list[float] = dataclasses.field(default_factory=list)

    @property
    def failed(self) -> int:
        """Answers that were not right."""
        return self.failures.total()

    @property
    def samples_per_second(self) -> float:
        """Rate of right answers."""
        return self.samples / self.seconds if self.seconds else 0.0


class _Connection:
    """One client of a group."""

    def __init__(self, port: int, group: Group, number: int) -> None:
        self.group = group
        self.answer = Answer()
        self.began = self.first_byte = 0.0
        self._rendered = group.request.render()
        self._port = port
        self._seed = number * 10 ** (_SEED_DIGITS - 6) if SEED_MARK in self._rendered else None
        self.socket = self._connect()

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setblocking(False)
        return connection

    def ask(self) -> None:
        """Send the next request; small enough for one write."""
        content = self._rendered
        if self._seed is not None:
            self._seed += 1
            content = content.replace(SEED_MARK, b"%0*d" % (_SEED_DIGITS, 10 ** (_SEED_DIGITS - 1) + self._seed))
        self.answer.clear()
        self.first_byte = 0.0
        self.began = time.perf_counter()
        self.socket.send(content)

    def reconnect(self) -> None:
        """Take a new connection after a broken one."""
        self.socket.close()
        self.socket = self._connect()


class _Ended(NamedTuple):
    """How a request ended: when it did, was sent and got its first byte; and what was wrong, if anything."""

    end: float
    asked: float
    first_byte: float
    failure: str


class Load:
    """Groups of connections that ask at the same time.

    Args:
        port: Of the server, on loopback.
        groups: Who asks for what.
    """

    def __init__(self, port: int, groups: Sequence[Group]) -> None:
        self._port = port
        self._groups = groups
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._connections: dict[int, _Connection] = {}
        self._ended: dict[str, list[_Ended]] = {group.name: [] for group in groups}
        self._until = 0.0

    def run(
        self,
        *,
        seconds: float,
        warm_s: float = 0.5,
        patience_s: float = 10.0,
        on_warm: Callable[[], None] | None = None,
    ) -> dict[str, Tally]:
        """Keep asking.

        Args:
            seconds: How long new requests are begun, after the warm-up.
            warm_s: How long answers are not counted at first.
            patience_s: How long the last answers may take after that; what is still out then has failed.
            on_warm: Called when counting begins.

        Returns:
            By name of the group. Time is counted from the last answer of the warm-up to the last answer of all: whole
            answers only.
        """
        began = time.perf_counter()
        warm = began + warm_s
        self._until = warm + seconds
        epoll = select.epoll()
        try:
            self._open(epoll)
            self._turn(epoll, warm)
            if on_warm is not None:
                on_warm()
            self._turn(epoll, self._until + patience_s)
            return {group.name: self._count(group, began, warm) for group in self._groups}
        finally:
            epoll.close()
            for connection in self._connections.values():
                connection.socket.close()

    def _open(self, epoll: select.epoll) -> None:
        number = 0
        for group in self._groups:
            for _ in range(group.clients):
                connection = _Connection(self._port, group, number)
                self._add(epoll, connection)
                number += 1

    def _add(self, epoll: select.epoll, connection: _Connection) -> None:
        self._connections[connection.socket.fileno()] = connection
        epoll.register(connection.socket.fileno(), select.EPOLLIN)
        connection.ask()

    def _turn(self, epoll: select.epoll, until: float) -> None:
        """Handle answers until a time, or until nobody asks any more."""
        while self._connections:
            left = until - time.perf_counter()
            if left <= 0:
                return
            for file, _ in epoll.poll(left):
                self._read(epoll, file)

    def _read(self, epoll: select.epoll, file: int) -> None:
        connection = self._connections[file]
        try:
            count = connection.socket.recv_into(self._buffer)
            if not count:
                raise ConnectionError("the server closed the connection")
            if not connection.first_byte:
                connection.first_byte = time.perf_counter()
            is_over = connection.answer.feed(self._buffer[:count])
        except BlockingIOError:
            return
        except (OSError, ValueError) as error:
            self._end(connection, str(error))
            self._leave(epoll, file)
            return
        if is_over:
            self._end(connection, _find_fault(connection.answer, connection.group))
            if connection.began < self._until and time.perf_counter() < self._until:
                connection.ask()
            else:
                self._leave(epoll, file)

    def _leave(self, epoll: select.epoll, file: int) -> None:
        """Close a connection; ask again on a new one while there is time."""
        connection = self._connections.pop(file)
        epoll.unregister(file)
        if time.perf_counter() >= self._until:
            connection.socket.close()
            return
        try:
            connection.reconnect()
        except OSError:
            connection.socket.close()
            return
        self._add(epoll, connection)

    def _end(self, connection: _Connection, failure: str) -> None:
        ended = _Ended(time.perf_counter(), connection.began, connection.first_byte, failure)
        self._ended[connection.group.name].append(ended)

    def _count(self, group: Group, began: float, warm: float) -> Tally:
        """Add up the answers after the warm-up."""
        ended = self._ended[group.name]
        before = [one for one in ended if one.end <= warm]
        start = before[-1].end if before else began
        counted = ended[len(before) :]
        right = [one for one in counted if not one.failure]
        failures = collections.Counter(one.failure for one in counted if one.failure)
        failures["no answer in time"] = sum(one.group is group for one in self._connections.values())
        return Tally(
            samples=len(right) * group.samples,
            failures=+failures,
            seconds=counted[-1].end - start if counted else 0.0,
            latencies=[one.end - one.asked for one in right],
            first_bytes=[one.first_byte - one.asked for one in right],
        )


def _find_fault(answer: Answer, group: Group) -> str:
    """Say what is wrong with an answer; nothing if it is right."""
    if answer.status != OK:
        return f"status {answer.status}"
    return "too few bytes" if answer.num_bytes < group.min_bytes else ""


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least such a share of values does not exceed; 0 for no values.

    Args:
        values: In any order.
        share: In [0, 1].
    """
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
