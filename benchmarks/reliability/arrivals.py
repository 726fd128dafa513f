"""An open loop: requests are sent when they are due, whether or not those before are answered.

``python arrivals.py ORDER`` reads an order as JSON and prints what became of each stage of it as JSON. A process of its
own: one thread around ``epoll``, since it takes its time from the cores that it measures. Times count from when a
request was due, so that a client that is late hides nothing.
"""

import dataclasses
import json
import random
import select
import socket
import sys
import time
from collections import Counter
from typing import Any

from serving.answers import Answer
from serving.load import quantile

OK = 200
PATIENCE_S = 10.0
_BUFFER_BYTES = 2**18
_MAX_EVENTS = 512
_FIRST_CONNECTIONS = 16


@dataclasses.dataclass(frozen=True)
class Stage:
    """A time with requests at one rate.

    Attributes:
        seconds: How long.
        rate: Requests per second, at random moments; 0: a closed loop of all connections.
        warm_s: How long at first answers are not counted for the goodput.
    """

    seconds: float
    rate: float
    warm_s: float = 0.0


@dataclasses.dataclass(frozen=True)
class Order:
    """What to do.

    Attributes:
        port: Of the service, on loopback.
        request: The whole of it, as HTTP/1.1.
        connections: Most requests that are out at once.
        stages: One after the other.
        seed: Of the moments.
    """

    port: int
    request: str
    connections: int
    stages: list[Stage]
    seed: int = 1


@dataclasses.dataclass
class Outcome:
    """What became of the requests of one stage; times in seconds since it began, or that answers took."""

    began: float = 0.0
    due: int = 0
    unsent: int = 0
    lost: int = 0
    accepted: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    refused: list[tuple[float, float]] = dataclasses.field(default_factory=list)
    statuses: Counter[int] = dataclasses.field(default_factory=Counter)

    def summary(self, stage: Stage) -> dict[str, Any]:
        """Describe it: requests count for the stage that they were due in, goodput for when it was done."""
        waits, refusals = ([took for _, took in pairs] for pairs in (self.accepted, self.refused))
        done = [due + took for due, took in self.accepted]
        counted = sum(stage.warm_s <= moment < stage.seconds for moment in done)
        return {
            "rate": stage.rate,
            "due": self.due,
            "unsent": self.unsent,
            "lost": self.lost,
            "statuses": {str(status): count for status, count in sorted(self.statuses.items())},
            "goodput": counted / (stage.seconds - stage.warm_s),
            "accepted_p50_ms": 1000 * quantile(waits, 0.5),
            "accepted_p99_ms": 1000 * quantile(waits, 0.99),
            "refused_p50_ms": 1000 * quantile(refusals, 0.5),
            "refused_p99_ms": 1000 * quantile(refusals, 0.99),
            "last_refused_s": max((due for due, _ in self.refused), default=0.0),
        }


class _Link:
    """One connection, and the request that is out on it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self.answer = Answer()
        self.outcome: Outcome | None = None
        self.due = 0.0


class Arrivals:
    """Sends what is due, and notes what comes back."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._request = order.request.encode("latin-1")
        self._chance = random.Random(order.seed)
        self._buffer = memoryview(bytearray(_BUFFER_BYTES))
        self._epoll = select.epoll()
        self._links: dict[int, _Link] = {}
        self._idle: list[_Link] = []

    def run(self) -> list[Outcome]:
        """Go through the stages, and wait for the last answers."""
        for _ in range(min(_FIRST_CONNECTIONS, self._order.connections)):
            self._open()
        outcomes = [self._run_stage(stage) for stage in self._order.stages]
        patience = time.perf_counter() + PATIENCE_S
        while len(self._idle) < len(self._links) and time.perf_counter() < patience:
            self._read_for(0.05)
        for link in self._links.values():
            if link.outcome is not None:
                link.outcome.lost += 1
        return outcomes

    def _run_stage(self, stage: Stage) -> Outcome:
        outcome = Outcome(began=time.perf_counter())
        end, due = outcome.began + stage.seconds, outcome.began
        while (now := time.perf_counter()) < end:
            if not stage.rate:
                while self._idle:
                    self._send(outcome, now)
                due = end
            while due <= now:
                self._send(outcome, due)
                due += self._chance.expovariate(stage.rate)
            self._read_for(max(0.0, min(due, end) - now))
        return outcome

    def _send(self, outcome: Outcome, due: float) -> None:
        outcome.due += 1
        if not self._idle and len(self._links) < self._order.connections:
            self._open()
        if not self._idle:
            outcome.unsent += 1
            return
        link = self._idle.pop()
        link.outcome, link.due = outcome, due
        link.answer.clear()
        try:
            link.socket.send(self._request)
        except OSError:
            self._replace(link)

    def _read_for(self, seconds: float) -> None:
        for file, _ in self._epoll.poll(seconds, _MAX_EVENTS):
            link = self._links.get(file)
            if link is not None:
                self._read(link)

    def _read(self, link: _Link) -> None:
        try:
            count = link.socket.recv_into(self._buffer)
            if not count:
                raise ConnectionError("closed")
            if not link.answer.feed(self._buffer[:count]):
                return
        except BlockingIOError:
            return
        except (OSError, ValueError):
            self._replace(link)
            return
        self._note(link)
        self._idle.append(link)

    def _note(self, link: _Link) -> None:
        outcome = link.outcome
        if outcome is None:
            return
        link.outcome = None
        pair = (link.due - outcome.began, time.perf_counter() - link.due)
        outcome.statuses[link.answer.status] += 1
        (outcome.accepted if link.answer.status == OK else outcome.refused).append(pair)

    def _replace(self, link: _Link) -> None:
        """Take a new connection for one that was closed; a request that was out on it is lost."""
        if link.outcome is not None:
            link.outcome.lost += 1
        elif link in self._idle:
            self._idle.remove(link)
        self._epoll.unregister(link.socket.fileno())
        del self._links[link.socket.fileno()]
        link.socket.close()
        self._open()

    def _open(self) -> None:
        link = _Link(self._order.port)
        self._links[link.socket.fileno()] = link
        self._epoll.register(link.socket.fileno(), select.EPOLLIN)
        self._idle.append(link)


def read_order(text: str) -> Order:
    """Read an order as ``dataclasses.asdict`` made it."""
    document = json.loads(text)
    return Order(**document | {"stages": [Stage(**stage) for stage in document["stages"]]})


if __name__ == "__main__":
    order = read_order(sys.argv[1])
    outcomes = Arrivals(order).run()
    summaries = [outcome.summary(stage) for outcome, stage in zip(outcomes, order.stages, strict=True)]
    print(json.dumps(summaries))
